export type LengthPrefixedPart = Uint8Array | string | number | bigint;

const PREFIX_BYTES = 4;
const INTEGER_BYTES = 8;
const MAX_INTEGER = 2n ** 64n - 1n;

/**
 * Joins parts so that no two different lists give the same bytes: each part is its length as 4 bytes, big-endian, then its bytes.
 * Strings are UTF-8; a number or bigint is an unsigned 64-bit big-endian integer. Throws RangeError on an integer that does not fit.
 * The kind of a part is not encoded: a position must always hold the same kind.
 */
export function lp(...parts: readonly LengthPrefixedPart[]): Buffer {
  const encoded = parts.map(encodePart);
  const out = Buffer.allocUnsafe(encoded.reduce((sum, part) => sum + PREFIX_BYTES + part.length, 0));
  let at = 0;
  for (const part of encoded) {
    at = out.writeUInt32BE(part.length, at);
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function encodePart(part: LengthPrefixedPart): Uint8Array {
  if (typeof part === 'string') return Buffer.from(part, 'utf8');
  if (typeof part === 'number' || typeof part === 'bigint') return encodeInteger(part);
  return part;
}

function encodeInteger(value: number | bigint): Buffer {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new RangeError('only safe integers are encoded');
  const integer = BigInt(value);
  if (integer < 0n || integer > MAX_INTEGER) throw new RangeError('only unsigned 64-bit integers are encoded');
  const out = Buffer.allocUnsafe(INTEGER_BYTES);
  out.writeBigUInt64BE(integer);
  return out;
}
