import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { FieldFault } from '../../../kernel/app-error.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

const MOST_KEYS = 16;
const MOST_KID = 256;
/** As JSON spells it; no JSON column holds one. */
const NUL = '\\u0000';
/** Members that only a private or symmetric key has (RFC 7518 §6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const RSA_LEAST_BITS = 2048;

/**
 * What is wrong with a client's key set (RFC 7517 §5, RFC 7591 §2 `jwks`): it must hold public signature keys only, each usable with an
 * asymmetric algorithm, with distinct `kid`s. The caller must not assume that the client holds the private keys.
 */
export function jwksFaults(jwks: JsonObject): readonly FieldFault[] {
  const { keys } = jwks;
  if (JSON.stringify(jwks).includes(NUL)) return [{ field: 'jwks', message: 'must not hold NUL characters' }];
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST_KEYS) {
    return [{ field: 'jwks.keys', message: `must be an array of 1–${MOST_KEYS} public keys (RFC 7517 §5)` }];
  }
  const faults: FieldFault[] = [];
  const kids = new Set<string>();
  keys.forEach((key: JsonValue, at) => {
    const message = keyFault(key, kids);
    if (message !== undefined) faults.push({ field: `jwks.keys.${at}`, message });
  });
  return faults;
}

function keyFault(key: JsonValue, kids: Set<string>): string | undefined {
  if (!isJsonObject(key)) return 'must be a JSON Web Key';
  if (PRIVATE_MEMBERS.some((name) => name in key) || key['kty'] === 'oct')
    return 'must be a public key: send no private or symmetric member';
  return useFault(key) ?? kidFault(key, kids) ?? algorithmFault(key);
}

function useFault(key: JsonObject): string | undefined {
  if (key['use'] !== undefined && key['use'] !== 'sig') return 'must be for signatures: use must be "sig" or absent';
  const operations = key['key_ops'];
  if (operations === undefined) return undefined;
  return Array.isArray(operations) && operations.includes('verify')
    ? undefined
    : 'must be for signatures: key_ops must hold "verify" or be absent';
}

function kidFault({ kid }: JsonObject, kids: Set<string>): string | undefined {
  if (kid === undefined) return undefined;
  if (typeof kid !== 'string' || kid === '' || kid.length > MOST_KID)
    return `kid must be a string of 1–${MOST_KID} characters`;
  if (kids.has(kid)) return 'kid must be distinct within the set';
  kids.add(kid);
  return undefined;
}

function algorithmFault(key: JsonObject): string | undefined {
  const algorithms = algorithmsOf(key);
  if (!algorithms)
    return 'must be an EC key on P-256, P-384 or P-521, an Ed25519 key, or an RSA key of at least 2048 bits';
  const { alg } = key;
  if (alg === undefined || (typeof alg === 'string' && algorithms.includes(alg))) return undefined;
  return `alg must be absent or one of ${algorithms.join(', ')} for this key`;
}

function algorithmsOf(jwk: JsonObject): readonly string[] | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    return undefined;
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  if (asymmetricKeyType === 'rsa')
    return (asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_LEAST_BITS ? RSA_ALGORITHMS : undefined;
  const algorithm = CURVES[asymmetricKeyDetails?.namedCurve ?? ''];
  return algorithm === undefined ? undefined : [algorithm];
}
