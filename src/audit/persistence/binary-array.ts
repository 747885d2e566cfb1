/** Object identifiers of the element types, as PostgreSQL numbers them (pg_type.dat). */
export const ELEMENT = { bytea: 17, text: 25, uuid: 2950, timestamptz: 1184 } as const;

const NULL_LENGTH = -1;
const HEADER_BYTES = 20;
const POSTGRES_EPOCH_MS = 946_684_800_000;

/**
 * A one-dimensional array in PostgreSQL's binary format (array_recv): node-postgres sends a Buffer as a binary parameter, so a group of
 * entries crosses the wire as it is instead of being quoted, escaped and parsed again.
 */
export function binaryArray(elementType: number, elements: readonly (Uint8Array | null)[]): Buffer {
  const lengths = elements.map((element) => element?.length ?? NULL_LENGTH);
  return arrayOf(elementType, lengths, (out, n, at) => out.set(elements[n] as Uint8Array, at));
}

export function textArray(texts: readonly (string | null)[]): Buffer {
  const lengths = texts.map((text) => (text === null ? NULL_LENGTH : Buffer.byteLength(text)));
  return arrayOf(ELEMENT.text, lengths, (out, n, at) => void out.write(texts[n] as string, at));
}

/** Head, and each element after its length; `put` writes element n at its place. */
function arrayOf(type: number, lengths: readonly number[], put: (out: Buffer, n: number, at: number) => void): Buffer {
  let size = HEADER_BYTES;
  for (const length of lengths) size += 4 + Math.max(length, 0);
  const out = Buffer.allocUnsafe(size);
  out.writeInt32BE(lengths.length === 0 ? 0 : 1, 0);
  out.writeInt32BE(lengths.includes(NULL_LENGTH) ? 1 : 0, 4);
  out.writeUInt32BE(type, 8);
  out.writeInt32BE(lengths.length, 12);
  out.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  lengths.forEach((length, n) => {
    at = out.writeInt32BE(length, at);
    if (length === NULL_LENGTH) return;
    put(out, n, at);
    at += length;
  });
  return lengths.length === 0 ? out.subarray(0, 12) : out;
}

export function uuidArray(uuids: readonly string[]): Buffer {
  return binaryArray(
    ELEMENT.uuid,
    uuids.map((uuid) => Buffer.from(uuid.replaceAll('-', ''), 'hex')),
  );
}

/** Milliseconds since the Unix epoch, as an element of `timestamptz`: microseconds since 2000. */
export function timeElement(ms: number): Buffer {
  const element = Buffer.allocUnsafe(8);
  element.writeBigInt64BE(BigInt(ms - POSTGRES_EPOCH_MS) * 1_000n);
  return element;
}
