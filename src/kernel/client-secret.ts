import { crc32 } from 'node:zlib';

/** What each kind of secret of ours begins with, so that people and scanners recognise it. */
export const SECRET_PREFIXES = { adminToken: 'cat_', clientSecret: 'ccs_', webhookSecret: 'whsec_' } as const;

export type SecretPrefix = (typeof SECRET_PREFIXES)[keyof typeof SECRET_PREFIXES];

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_BYTES = 32;
const BODY_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const BODY_AND_CHECKSUM = new RegExp(`^[0-9A-Za-z]{${BODY_LENGTH + CHECKSUM_LENGTH}}$`);

/**
 * Writes 256 random bits as `prefix`, 43 base62 digits and a checksum of 6; throws RangeError on another number of bytes.
 * The checksum shows a mistyped or truncated secret without a look-up; it proves nothing about who made it.
 */
export function formatSecret(prefix: SecretPrefix, bytes: Uint8Array): string {
  if (bytes.length !== SECRET_BYTES) throw new RangeError('a secret is made of 32 random bytes');
  const body = prefix + base62(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), BODY_LENGTH);
  return body + checksum(body);
}

/**
 * True when the text is written as {@link formatSecret} writes it, with this prefix and a right checksum.
 * It says nothing about whether such a secret was ever issued.
 */
export function checkSecretFormat(prefix: SecretPrefix, text: unknown): text is string {
  if (typeof text !== 'string' || !text.startsWith(prefix)) return false;
  if (!BODY_AND_CHECKSUM.test(text.slice(prefix.length))) return false;
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return checksum(body) === text.slice(-CHECKSUM_LENGTH);
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_LENGTH);
}

function base62(value: bigint, width: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text;
  return text.padStart(width, '0');
}
