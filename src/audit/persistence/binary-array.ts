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
  const size = elements.reduce((sum, element) => sum + 4 + (element?.length ?? 0), HEADER_BYTES);
  const out = Buffer.allocUnsafe(size);
  out.writeInt32BE(elements.length === 0 ? 0 : 1, 0);
  out.writeInt32BE(elements.includes(null) ? 1 : 0, 4);
  out.writeUInt32BE(elementType, 8);
  out.writeInt32BE(elements.length, 12);
  out.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const element of elements) {
    at = out.writeInt32BE(element === null ? NULL_LENGTH : element.length, at);
    if (element !== null) at += Buffer.from(element.buffer, element.byteOffset, element.length).copy(out, at);
  }
  return elements.length === 0 ? out.subarray(0, 12) : out;
}

export function textArray(texts: readonly (string | null)[]): Buffer {
  return binaryArray(
    ELEMENT.text,
    texts.map((text) => (text === null ? null : Buffer.from(text, 'utf8'))),
  );
}

export function uuidArray(uuids: readonly string[]): Buffer {
  return binaryArray(
    ELEMENT.uuid,
    uuids.map((uuid) => Buffer.from(uuid.replaceAll('-', ''), 'hex')),
  );
}

/** Milliseconds since the Unix epoch, as `timestamptz` counts them: microseconds since 2000. */
export function timeArray(times: readonly number[]): Buffer {
  return binaryArray(
    ELEMENT.timestamptz,
    times.map((ms) => {
      const element = Buffer.allocUnsafe(8);
      element.writeBigInt64BE(BigInt(ms - POSTGRES_EPOCH_MS) * 1_000n);
      return element;
    }),
  );
}
