import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../kernel/json.js';

const DIGESTS: Readonly<Record<string, string | null>> = {
  RS256: 'sha256',
  PS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  EdDSA: null,
};
const PSS_PADDING = 6;
const imported = new WeakMap<JsonObject, KeyObject>();

/** A compact JWS (RFC 7515 §7.1) under the private key of a provider's secret; the algorithm is the key's usual one unless another is named. */
export function signAssertion(
  secret: JsonObject,
  header: { readonly kid?: string | undefined; readonly alg?: string | undefined },
  claims: JsonObject,
): string {
  const key = keyOf(secret);
  const alg = header.alg ?? usualAlgorithm(key);
  const head = { alg, typ: 'JWT', ...(header.kid === undefined ? {} : { kid: header.kid }) };
  const input = `${encode(head)}.${encode(claims)}`;
  return `${input}.${signWith(key, alg, Buffer.from(input, 'ascii')).toString('base64url')}`;
}

function keyOf(secret: JsonObject): KeyObject {
  const known = imported.get(secret);
  if (known) return known;
  const value = secret['private_key'];
  const key = isJsonObject(value)
    ? createPrivateKey({ key: { ...value }, format: 'jwk' })
    : createPrivateKey(value as string);
  imported.set(secret, key);
  return key;
}

function usualAlgorithm(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256';
}

function signWith(key: KeyObject, alg: string, input: Buffer): Buffer {
  const digest = DIGESTS[alg] ?? null;
  if (alg === 'PS256') return sign(digest, input, { key, padding: PSS_PADDING, saltLength: 32 });
  return sign(digest, input, { key, dsaEncoding: 'ieee-p1363' });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
