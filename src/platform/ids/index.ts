import { v7 } from 'uuid';
import { formatId, type IdPrefix } from '../../kernel/ids.js';
import { identifierBytes } from './random-pool.js';

const RANDOM_BYTES = 16;
const last = { msecs: 0, seq: 0 };

/**
 * A fresh UUIDv7 (RFC 9562 §5.7) that sorts after every earlier one of this process (§6.2, method 1: a counter seeded at random in each
 * millisecond). It is an identifier, never a secret.
 */
export function newUuid(): string {
  const random = identifierBytes(RANDOM_BYTES);
  const now = Date.now();
  if (now > last.msecs) {
    last.msecs = now;
    last.seq = ((random[6] ?? 0) << 16) | ((random[7] ?? 0) << 8) | (random[8] ?? 0);
  } else {
    last.seq += 1;
  }
  return v7({ random, msecs: last.msecs, seq: last.seq });
}

/** A fresh id of this kind. */
export function newId(prefix: IdPrefix): string {
  return formatId(prefix, newUuid());
}
