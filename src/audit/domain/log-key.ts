import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

const ED25519_SIGNATURE = 0x01;
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX_BYTES = 12;

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
  const id = createHash('sha256').update(`${origin}\n`, 'utf8').update(typed).digest('hex').slice(0, 8);
  return `${origin}+${id}+${typed.toString('base64')}`;
}

/** How the verifier key of every log of this key ends. */
export function verifierKeySuffix(key: KeyObject): string {
  return `+${typedPublicKey(key).toString('base64')}`;
}

function typedPublicKey(key: KeyObject): Buffer {
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX_BYTES);
  return Buffer.concat([Buffer.from([ED25519_SIGNATURE]), raw]);
}
