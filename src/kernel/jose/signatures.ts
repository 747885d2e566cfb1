import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../json.js';
import type { ParsedJws } from './jws.js';

interface Algorithm {
  readonly fits: (jwk: JsonObject, key: KeyObject) => boolean;
  readonly verify: (jws: ParsedJws, key: KeyObject) => boolean;
}

const MIN_RSA_BITS = 2048;
const SIGNATURE_BYTES = 64;
const ED25519: Algorithm = {
  fits: (jwk) => jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519',
  verify: (jws, key) => jws.signature.length === SIGNATURE_BYTES && verify(null, jws.signed, key, jws.signature),
};
/** `Ed25519` is the fully specified name of what `EdDSA` means here (RFC 9864 §2.2). */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  [
    'ES256',
    {
      fits: (jwk) => jwk['kty'] === 'EC' && jwk['crv'] === 'P-256',
      verify: (jws, key) =>
        jws.signature.length === SIGNATURE_BYTES &&
        verify('sha256', jws.signed, { key, dsaEncoding: 'ieee-p1363' }, jws.signature),
    },
  ],
  [
    'PS256',
    {
      fits: (jwk, key) => jwk['kty'] === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS,
      verify: (jws, key) => verify('sha256', jws.signed, { key, padding: 6, saltLength: 32 }, jws.signature),
    },
  ],
  ['EdDSA', ED25519],
  ['Ed25519', ED25519],
]);

/**
 * True when one of the keys made the signature under the algorithm the header names. A key is used for one algorithm only (RFC 8725 §3.1): its
 * type, curve, size, `alg`, `use` and, when the header names one, its `kid` must fit. The caller must not assume that a key without `kid` was
 * meant by a header with one; it is tried all the same.
 */
export function signedByOne(jws: ParsedJws, keys: readonly JsonObject[]): boolean {
  const { alg, kid } = jws.header;
  const algorithm = typeof alg === 'string' ? ALGORITHMS.get(alg) : undefined;
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
