import { createHmac, hkdfSync } from 'node:crypto';
import { Secret } from '../../kernel/secret.js';

const NO_SALT = Buffer.alloc(0);
const FINGERPRINT_CONSTANT = 'caracal secret fingerprint v1';

/**
 * A key for one purpose, from a key that serves many (HKDF-SHA-256, RFC 5869 §2). The same `info` always gives the same key; different ones
 * give keys that say nothing about each other. The master must have the strength of a key: a short password stays a short password.
 */
export function deriveKey(master: Buffer | Secret, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', bytesOf(master), NO_SALT, info, length));
}

/** What may be kept beside data to recognise the secret that belongs to it. It does not reveal a strong secret; it would a guessable one. */
export function fingerprint(secret: Buffer | Secret): string {
  return createHmac('sha256', bytesOf(secret)).update(FINGERPRINT_CONSTANT).digest('base64url');
}

function bytesOf(secret: Buffer | Secret): Buffer {
  return secret instanceof Secret ? Buffer.from(secret.reveal(), 'utf8') : secret;
}
