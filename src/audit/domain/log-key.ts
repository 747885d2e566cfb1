import { createPrivateKey, type KeyObject } from 'node:crypto';
import { noteKeyId, typedPublicKey } from './log/signed-note.js';

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The Ed25519 private key of a 32-byte seed (RFC 8032 §5.1.5). */
export function checkpointKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/**
 * The C2SP verifier key of a log: `<origin>+<key id>+<base64(0x01 ‖ public key)>`, the key id being the first four bytes of
 * `SHA-256(origin ‖ 0x0A ‖ 0x01 ‖ public key)` (C2SP signed-note).
 */
export function logVerifierKey(origin: string, key: KeyObject): string {
  const typed = typedPublicKey(key);
  return `${origin}+${noteKeyId(origin, typed).toString('hex')}+${typed.toString('base64')}`;
}

/** How the verifier key of every log of this key ends. */
export function verifierKeySuffix(key: KeyObject): string {
  return `+${typedPublicKey(key).toString('base64')}`;
}
