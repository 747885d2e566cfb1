/** A part of a representation: from the first byte to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const ONE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/i;

/**
 * The bytes that a `Range` field asks for of so many (RFC 9110 §14.1.2); undefined when it asks for all of them, or in a way that is not understood and
 * so ignored (§14.2): another unit, several ranges, an end before the beginning.
 */
export function byteRange(field: string | undefined, length: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = ONE_RANGE.exec(field ?? '') ?? [];
  if (first !== '') return from(Number(first), last === '' ? length - 1 : Number(last), length);
  return last === '' ? undefined : suffix(Number(last), length);
}

function from(first: number, last: number, length: number): ByteRange | 'unsatisfiable' | undefined {
  if (first >= length) return 'unsatisfiable';
  return last < first ? undefined : { start: first, end: Math.min(last + 1, length) };
}

function suffix(bytes: number, length: number): ByteRange | 'unsatisfiable' {
  return bytes === 0 || length === 0 ? 'unsatisfiable' : { start: Math.max(0, length - bytes), end: length };
}
