import { lookup, Resolver as DnsClient } from 'node:dns/promises';

/** Turns a name into addresses. Asked anew for each connection, so an answer is never trusted for longer than one dial. */
export interface Resolver {
  resolve(host: string): Promise<readonly string[]>;
}

/** Injection token of the process's {@link Resolver}. */
export const RESOLVER = Symbol('Resolver');

const TIMEOUT_MS = 2_000;
const TRIES = 2;

/** The operating system's resolver, hosts file included. */
export class SystemResolver implements Resolver {
  async resolve(host: string): Promise<readonly string[]> {
    const answers = await lookup(host, { all: true, verbatim: true });
    return answers.map(({ address }) => address);
  }
}

/** Asks these DNS servers and nothing else: no hosts file, no search domains, no cache. */
export class ServerResolver implements Resolver {
  private readonly client = new DnsClient({ timeout: TIMEOUT_MS, tries: TRIES });

  /** `address:port` each, an IPv6 address in brackets. */
  constructor(servers: readonly string[]) {
    this.client.setServers(servers);
  }

  async resolve(host: string): Promise<readonly string[]> {
    const [v6, v4] = await Promise.allSettled([this.client.resolve6(host), this.client.resolve4(host)]);
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason;
    return found;
  }
}
