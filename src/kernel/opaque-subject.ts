import { isWellFormed } from './well-formed.js';

const MOST_BYTES = 255;
/** Control characters, line separators, and everything that turns the direction of what stands around it (UAX #9 §2). */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * True for what an OpenID provider may call a user (OIDC Core §2 `sub`): 1–255 bytes of UTF-8 that two people who read them take for the same. It is
 * opaque: compared byte for byte, never folded or trimmed.
 */
export function isOpaqueSubject(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    isWellFormed(value) &&
    Buffer.byteLength(value) <= MOST_BYTES &&
    !DECEPTIVE.test(value)
  );
}
