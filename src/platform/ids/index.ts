import { v7 } from 'uuid';
import { formatId, type IdPrefix } from '../../kernel/ids.js';

/** A fresh UUIDv7 (RFC 9562 §5.7): sorts by time of creation, 74 random bits. It is an identifier, never a secret. */
export function newUuid(): string {
  return v7();
}

/** A fresh id of this kind. */
export function newId(prefix: IdPrefix): string {
  return formatId(prefix, v7());
}
