export type LengthPrefixedPart = Uint8Array | string | number | bigint;

const PREFIX_BYTES = 4;
const INTEGER_BYTES = 8;
const MAX_INTEGER = 2n ** 64n - 1n;
const HALF = 2 ** 32;

/**
 * Joins parts so that no two different lists give the same bytes: each part is its length as 4 bytes, big-endian, then its bytes.
 * Strings are UTF-8; a number or bigint is an unsigned 64-bit big-endian integer. Throws RangeError on an integer that does not fit.
 * The kind of a part is not encoded: a position must always hold the same kind.
 */
export function lp(...parts: readonly LengthPrefixedPart[]): Buffer {
  const lengths = parts.map(bytesOf);
  let size = 0;
  for (const length of lengths) size += PREFIX_BYTES + length;
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  parts.forEach((part, n) => {
    const length = lengths[n] as number;
    at = out.writeUInt32BE(length, at);
    put(out, part, at);
    at += length;
  });
  return out;
}

function bytesOf(part: LengthPrefixedPart): number {
  if (typeof part === 'string') return Buffer.byteLength(part, 'utf8');
  return typeof part === 'number' || typeof part === 'bigint' ? INTEGER_BYTES : part.length;
}

function put(out: Buffer, part: LengthPrefixedPart, at: number): void {
  if (typeof part === 'string') out.write(part, at, 'utf8');
  else if (typeof part === 'number') putNumber(out, part, at);
  else if (typeof part === 'bigint') putInteger(out, part, at);
  else out.set(part, at);
}

function putNumber(out: Buffer, value: number, at: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError('only safe integers are encoded');
  if (value < 0) throw new RangeError('only unsigned 64-bit integers are encoded');
  out.writeUInt32BE(Math.floor(value / HALF), at);
  out.writeUInt32BE(value % HALF, at + 4);
}

function putInteger(out: Buffer, value: bigint, at: number): void {
  if (value < 0n || value > MAX_INTEGER) throw new RangeError('only unsigned 64-bit integers are encoded');
  out.writeBigUInt64BE(value, at);
}
