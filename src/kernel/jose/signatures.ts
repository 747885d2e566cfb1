import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../json.js';
import type { ParsedJws } from './jws.js';

interface Algorithm {
  readonly fits: (jwk: JsonObject, key: KeyObject) => boolean;
  readonly verify: (jws: ParsedJws, key: KeyObject) => boolean;
}

const MIN_RSA_BITS = 2048;
const PSS_PADDING = 6;
const PKCS1_PADDING = 1;
const EDDSA_BYTES = 64;

const ED25519: Algorithm = {
  fits: (jwk) => jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519',
  verify: (jws, key) => jws.signature.length === EDDSA_BYTES && verify(null, jws.signed, key, jws.signature),
};

/** RFC 7518 §3.4: r and s at their full length, never DER. */
function ecdsa(crv: string, digest: string, signatureBytes: number): Algorithm {
  return {
    fits: (jwk) => jwk['kty'] === 'EC' && jwk['crv'] === crv,
    verify: (jws, key) =>
      jws.signature.length === signatureBytes &&
      verify(digest, jws.signed, { key, dsaEncoding: 'ieee-p1363' }, jws.signature),
  };
}

/** RFC 7518 §3.3 and §3.5: keys of at least 2048 bits; the salt of PSS is as long as the digest. */
function rsa(digest: string, padding: number, saltLength?: number): Algorithm {
  const options = saltLength === undefined ? { padding } : { padding, saltLength };
  return {
    fits: (jwk, key) => jwk['kty'] === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS,
    verify: (jws, key) => verify(digest, jws.signed, { key, ...options }, jws.signature),
  };
}

/** `Ed25519` is the fully specified name of what `EdDSA` means here (RFC 9864 §2.2). Nothing symmetric, and never `none`. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['ES256', ecdsa('P-256', 'sha256', 64)],
  ['ES384', ecdsa('P-384', 'sha384', 96)],
  ['ES512', ecdsa('P-521', 'sha512', 132)],
  ['PS256', rsa('sha256', PSS_PADDING, 32)],
  ['PS384', rsa('sha384', PSS_PADDING, 48)],
  ['PS512', rsa('sha512', PSS_PADDING, 64)],
  ['RS256', rsa('sha256', PKCS1_PADDING)],
  ['RS384', rsa('sha384', PKCS1_PADDING)],
  ['RS512', rsa('sha512', PKCS1_PADDING)],
  ['EdDSA', ED25519],
  ['Ed25519', ED25519],
]);

/** Every algorithm that can be verified at all; what is accepted where is for each use to say. */
export const SIGNATURE_ALGORITHMS: readonly string[] = [...ALGORITHMS.keys()];

/** What clients and holders of keys sign with: never RSA with PKCS #1 v1.5 (FAPI 2.0 §5.4). */
const CLIENT_ALGORITHMS: readonly string[] = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];

/**
 * True when one of the keys made the signature under the algorithm the header names. A key is used for one algorithm only (RFC 8725 §3.1): its
 * type, curve, size, `alg`, `use` and, when the header names one, its `kid` must fit. The algorithm must be among those `allowed` here. The caller
 * must not assume that a key without `kid` was meant by a header with one; it is tried all the same.
 */
export function signedByOne(
  jws: ParsedJws,
  keys: readonly JsonObject[],
  allowed: readonly string[] = CLIENT_ALGORITHMS,
): boolean {
  const { alg, kid } = jws.header;
  const algorithm = typeof alg === 'string' && allowed.includes(alg) ? ALGORITHMS.get(alg) : undefined;
  if (!algorithm) return false;
  return keys
    .filter((jwk) => isCandidate(jwk, alg as string, kid as string | undefined))
    .some((jwk) => signedBy(jws, jwk, algorithm));
}

function isCandidate(jwk: JsonObject, alg: string, kid: string | undefined): boolean {
  if (kid !== undefined && jwk['kid'] !== undefined && jwk['kid'] !== kid) return false;
  return (jwk['alg'] === undefined || jwk['alg'] === alg) && (jwk['use'] === undefined || jwk['use'] === 'sig');
}

function signedBy(jws: ParsedJws, jwk: JsonObject, algorithm: Algorithm): boolean {
  try {
    const key = importKey(jwk);
    return algorithm.fits(jwk, key) && algorithm.verify(jws, key);
  } catch {
    return false;
  }
}

const IMPORTED = new WeakMap<JsonObject, KeyObject>();

function importKey(jwk: JsonObject): KeyObject {
  const known = IMPORTED.get(jwk);
  if (known) return known;
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  IMPORTED.set(jwk, key);
  return key;
}
