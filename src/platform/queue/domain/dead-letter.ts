import { createHash } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { lp } from '../../../kernel/length-prefixed.js';

const MAX_KEPT_BYTES = 256 * 1_024;
const MAX_NAME_LENGTH = 128;
/** An escaped NUL or lone surrogate, and not an escaped backslash before such letters. */
const NOT_IN_JSONB = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/** What of a message is kept as evidence: the envelope as it came, or as much of it as the database can hold. */
export function keepEnvelope(value: unknown): JsonObject {
  const text = textOf(value);
  const bytes = Buffer.byteLength(text);
  // A NUL or a lone surrogate is valid in JSON text but not in jsonb, and a forger would know.
  const storable = bytes <= MAX_KEPT_BYTES && !NOT_IN_JSONB.test(text) && isJsonObject(value);
  if (storable) return JSON.parse(text) as JsonObject;
  const raw = Buffer.from(text, 'utf8').subarray(0, MAX_KEPT_BYTES).toString('base64');
  return { raw, bytes, sha256: createHash('sha256').update(text).digest('hex') };
}

/** The same bad message on the same queue always has the same id, so that burying it twice leaves one row. */
export function deadLetterId(queue: string, value: unknown): string {
  const digest = createHash('sha256')
    .update(lp('caracal-dead-letter', queue, textOf(value)))
    .digest();
  return uuidOf(digest);
}

/** A UUIDv8 (RFC 9562 §5.8) of the first bytes of a digest. */
export function uuidOf(digest: Uint8Array): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes.writeUInt8(0x80 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A name nobody vouches for, cut to what a list can show. */
export function shownName(value: unknown): string {
  const name = isJsonObject(value) && typeof value.name === 'string' ? value.name : '';
  const shown = name.replace(/[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/g, '');
  return shown.slice(0, MAX_NAME_LENGTH) || 'unknown';
}

function textOf(value: unknown): string {
  try {
    return canonicalize(value as JsonValue);
  } catch {
    return JSON.stringify(value) ?? 'undefined';
  }
}
