import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IP address as a number, so that ranges are compared without text. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A CIDR block. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly base: bigint;
  readonly prefix: number;
}

/** An address in canonical textual form, or undefined: no octal, hexadecimal, short or scoped forms (RFC 6943 §3.1.1). */
export function parseAddress(text: string): Address | undefined {
  const family = isIP(text);
  if ((family !== 4 && family !== 6) || text.includes('%')) return undefined;
  const value = ipaddr
    .parse(text)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family, value };
}

/** A CIDR block whose host bits are zero (RFC 4632 §3.1), or undefined. */
export function parseRange(text: string): AddressRange | undefined {
  const match = /^([0-9a-fA-F:.]{2,45})\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : parseAddress(match[1]);
  const prefix = Number(match?.[2]);
  if (!address || prefix > bitsOf(address.family)) return undefined;
  const range = { family: address.family, base: address.value, prefix };
  return networkOf(address.value, range) === address.value ? range : undefined;
}

/** True when the address lies in the block; an address of the other family never does. */
export function contains(range: AddressRange, address: Address): boolean {
  return range.family === address.family && networkOf(address.value, range) === range.base;
}

/** True when every address of `inner` lies in `outer`. */
export function covers(outer: AddressRange, inner: AddressRange): boolean {
  return inner.prefix >= outer.prefix && contains(outer, { family: inner.family, value: inner.base });
}

/** True when both texts name the same address, however they are written. */
export function isSameAddress(one: string | undefined, other: string): boolean {
  const left = one === undefined ? undefined : parseAddress(one);
  const right = parseAddress(other);
  return left !== undefined && right !== undefined && left.family === right.family && left.value === right.value;
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function networkOf(value: bigint, range: AddressRange): bigint {
  const shift = BigInt(bitsOf(range.family) - range.prefix);
  return (value >> shift) << shift;
}
