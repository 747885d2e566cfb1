import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

const MOST_BYTES = 16 * 1024;

/** True for a JSON object of at most 16 KiB, counted as it is stored. Text with NUL is refused: no JSON column can hold it. */
export function isMetadata(value: unknown): value is JsonObject {
  return isJsonObject(value) && Buffer.byteLength(JSON.stringify(value)) <= MOST_BYTES && !holdsNul(value);
}

function holdsNul(value: JsonValue): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, item]) => name.includes('\0') || holdsNul(item));
}
