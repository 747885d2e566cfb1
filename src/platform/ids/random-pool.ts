import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8_192;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/**
 * Random bytes for identifiers, drawn from the system in large portions: asking it for a few bytes costs more than making an id.
 * Each byte is given out once. Not for keys or secrets.
 */
export function identifierBytes(count: number): Uint8Array {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return Uint8Array.prototype.slice.call(pool, used - count, used);
}
