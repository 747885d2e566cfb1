import { type Address, type AddressRange, contains, parseAddress, parseRange } from './address.js';
import { embeddedAddresses } from './embedded-addresses.js';
import { METADATA_ADDRESSES, SPECIAL_V4, SPECIAL_V6 } from './special-ranges.js';

/** What decides about one address and port; everything is a value or a pure question. */
export interface AddressRules {
  /** Development only: 127.0.0.0/8 and ::1, written as themselves. */
  readonly allowLoopback: boolean;
  /** True when the resource's grant, within the operator's grantable list, covers this address and port. */
  readonly isGranted: (address: Address, port: number) => boolean;
  /** True for a listener of this process, its database or its Redis. */
  readonly isOwn: (address: Address, port: number) => boolean;
}

export type AddressVerdict =
  { readonly allowed: true; readonly loopback: boolean } | { readonly allowed: false; readonly reason: string };

const METADATA = METADATA_ADDRESSES.map(mustParse);
const SPECIAL = [...SPECIAL_V4, ...SPECIAL_V6].map(([cidr, name]) => ({ range: mustParseRange(cidr), name }));
const GLOBAL_UNICAST = mustParseRange('2000::/3');
const LOOPBACK = [mustParseRange('127.0.0.0/8'), mustParseRange('::1/128')];

/**
 * Guarantees that an allowed address is one the operator meant to be reachable: global, or granted, or loopback in development; the
 * same holds for each IPv4 address embedded in it. Metadata services and own endpoints are refused whatever is granted. Text that is no
 * canonical address is refused. The caller must judge the address it dials, not an earlier one of the same name.
 */
export function judgeAddress(text: string, port: number, rules: AddressRules): AddressVerdict {
  const address = parseAddress(text);
  if (!address) return { allowed: false, reason: 'not_an_address' };
  const loopback = rules.allowLoopback && isLoopback(address);
  for (const facet of [address, ...embeddedAddresses(address)]) {
    const reason = refusalOf(facet, port, rules, loopback && facet === address);
    if (reason !== undefined) return { allowed: false, reason };
  }
  return { allowed: true, loopback };
}

/** True for 127.0.0.0/8 and ::1 only. */
export function isLoopback(address: Address): boolean {
  return LOOPBACK.some((range) => contains(range, address));
}

/** The name of the special-purpose range that holds the address, or undefined for a global one. */
export function specialRangeOf(address: Address): string | undefined {
  const found = SPECIAL.find(({ range }) => contains(range, address));
  if (found) return found.name;
  return address.family === 6 && !contains(GLOBAL_UNICAST, address) ? 'not_global_unicast' : undefined;
}

/** True when the address is a cloud's metadata service. */
export function isMetadata(address: Address): boolean {
  return METADATA.some((one) => one.family === address.family && one.value === address.value);
}

function refusalOf(facet: Address, port: number, rules: AddressRules, loopback: boolean): string | undefined {
  if (isMetadata(facet)) return 'metadata';
  if (rules.isOwn(facet, port)) return 'own_endpoint';
  const special = specialRangeOf(facet);
  if (special === undefined || loopback) return undefined;
  return rules.isGranted(facet, port) ? undefined : special;
}

function mustParse(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new TypeError(`not an address: ${text}`);
  return address;
}

function mustParseRange(text: string): AddressRange {
  const range = parseRange(text);
  if (!range) throw new TypeError(`not a CIDR block: ${text}`);
  return range;
}
