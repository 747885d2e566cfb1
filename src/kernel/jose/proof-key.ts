import { createHash } from 'node:crypto';
import { canonicalize } from '../canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { decodeStrict } from './compact.js';

/** What a thumbprint is made of, per key type (RFC 7638 §3.2, RFC 8037 §2); both curves have coordinates of 32 bytes. */
const KINDS = [
  { kty: 'EC', crv: 'P-256', coordinates: ['x', 'y'] },
  { kty: 'OKP', crv: 'Ed25519', coordinates: ['x'] },
] as const;
const COORDINATE_BYTES = 32;
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * The RFC 7638 SHA-256 thumbprint of a public key that proofs can be made with (RFC 9449 §4.2, §6.1): EC on P-256 or Ed25519. Undefined for
 * every other value, and for a key with any private or symmetric part. It does not say that the point lies on the curve; using the key does.
 */
export function proofKeyThumbprint(jwk: unknown): string | undefined {
  if (!isJsonObject(jwk) || PRIVATE_MEMBERS.some((name) => name in jwk)) return undefined;
  const { kty, crv } = jwk;
  const kind = KINDS.find((known) => known.kty === kty && known.crv === crv);
  if (!kind || !kind.coordinates.every((name) => isCoordinate(jwk[name]))) return undefined;
  const coordinates = Object.fromEntries(kind.coordinates.map((name) => [name, jwk[name] as string]));
  const members: JsonObject = { kty: kind.kty, crv: kind.crv, ...coordinates };
  return createHash('sha256').update(canonicalize(members)).digest('base64url');
}

function isCoordinate(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && decodeStrict(value)?.length === COORDINATE_BYTES;
}
