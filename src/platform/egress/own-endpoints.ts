import { networkInterfaces } from 'node:os';
import { type Address, parseAddress, parseRange, contains } from './address.js';
import { isLoopback } from './judge-address.js';
import type { Resolver } from './resolver.js';

/** A listener of this process, its database or its Redis. */
export interface OwnEndpoint {
  readonly host: string;
  readonly port: number;
}

const UNSPECIFIED = ['0.0.0.0/8', '::/128'].flatMap((cidr) => parseRange(cidr) ?? []);

/** What no grant may open: the process must not be made to talk to its own parts. */
export class OwnEndpoints {
  private readonly endpoints: OwnEndpoint[] = [];

  constructor(
    private readonly resolver: Resolver,
    private readonly interfaces: () => readonly string[] = interfaceAddresses,
  ) {}

  protect(endpoint: OwnEndpoint): void {
    this.endpoints.push(endpoint);
  }

  /** A question that is true for own addresses at this port. Rejects when an own host cannot be resolved: then nothing is known about it. */
  async at(port: number): Promise<(address: Address) => boolean> {
    const hosts = this.endpoints
      .filter((endpoint) => endpoint.port === port)
      .map(({ host }) => host.replace(/^\[|\]$/g, ''));
    if (hosts.length === 0) return () => false;
    const resolved = await Promise.all(hosts.map((host) => this.addressesOf(host)));
    const own = resolved.flat();
    const isLocal = this.localQuestion();
    const anyLocal = own.some(isLocal);
    return (address) => own.some((one) => isSame(one, address)) || (anyLocal && isLocal(address));
  }

  private async addressesOf(host: string): Promise<readonly Address[]> {
    const literal = parseAddress(host);
    if (literal) return [literal];
    return parseAll(await this.resolver.resolve(host));
  }

  private localQuestion(): (address: Address) => boolean {
    const local = parseAll(this.interfaces());
    return (address) =>
      isLoopback(address) ||
      UNSPECIFIED.some((range) => contains(range, address)) ||
      local.some((one) => isSame(one, address));
  }
}

function parseAll(texts: readonly string[]): readonly Address[] {
  return texts.flatMap((text) => parseAddress(text) ?? []);
}

function isSame(one: Address, other: Address): boolean {
  return one.family === other.family && one.value === other.value;
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
