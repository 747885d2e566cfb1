import { isJsonObject, type JsonObject } from '../../../kernel/json.js';

const MOST_BYTES = 16 * 1024;

/** True for a JSON object of at most 16 KiB, counted as it is stored. */
export function isMetadata(value: unknown): value is JsonObject {
  return isJsonObject(value) && Buffer.byteLength(JSON.stringify(value)) <= MOST_BYTES;
}
