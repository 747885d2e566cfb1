import { type Address, type AddressRange, contains, parseRange } from './address.js';

const V4 = 0xffff_ffffn;

interface Embedding {
  readonly range: AddressRange;
  /** The IPv4 addresses that a packet to this IPv6 address may end up at. */
  readonly extract: (value: bigint) => readonly bigint[];
}

const last32 = (value: bigint): readonly bigint[] => [value & V4];

const EMBEDDINGS: readonly Embedding[] = [
  { range: block('::ffff:0:0/96'), extract: last32 },
  { range: block('::ffff:0:0:0/96'), extract: last32 },
  { range: block('::/96'), extract: (value) => (value > 1n ? [value] : []) },
  { range: block('64:ff9b::/96'), extract: last32 },
  { range: block('64:ff9b:1::/48'), extract: (value) => [value & V4, nat64Prefix48(value)] },
  { range: block('2002::/16'), extract: (value) => [(value >> 80n) & V4] },
  { range: block('2001::/32'), extract: (value) => [(value >> 64n) & V4, (value & V4) ^ V4] },
];

/**
 * The IPv4 addresses hidden in an IPv6 address: v4-mapped and compatible (RFC 4291 §2.5.5), SIIT, NAT64 (RFC 6052 §2.2, RFC 8215),
 * 6to4 (RFC 3056 §2), Teredo server and client (RFC 4380 §4), ISATAP (RFC 5214 §6.1). The caller must judge each of them as well.
 */
export function embeddedAddresses(address: Address): readonly Address[] {
  if (address.family === 4) return [];
  const found = EMBEDDINGS.filter(({ range }) => contains(range, address)).flatMap(({ extract }) =>
    extract(address.value),
  );
  if (isIsatap(address.value)) found.push(address.value & V4);
  return found.map((value) => ({ family: 4, value }));
}

/** RFC 6052 §2.2, prefix length 48: 16 bits before and 16 after the `u` octet. */
function nat64Prefix48(value: bigint): bigint {
  return (((value >> 64n) & 0xffffn) << 16n) | ((value >> 40n) & 0xffffn);
}

function isIsatap(value: bigint): boolean {
  const id = (value >> 32n) & V4;
  return id === 0x0000_5efen || id === 0x0200_5efen;
}

function block(cidr: string): AddressRange {
  const range = parseRange(cidr);
  if (!range) throw new TypeError(`not a CIDR block: ${cidr}`);
  return range;
}
