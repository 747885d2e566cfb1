import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { isJsonObject, type JsonObject, parseJsonStrict } from '../../kernel/json.js';

/** A compact JWS taken apart; nothing of it is verified. */
export interface ParsedJws {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const PART = /^[A-Za-z0-9_-]+$/;
const MAX_SIZE = 8_192;
const MAX_DEPTH = 8;

/** The parts of a compact JWS whose header and payload are JSON objects without duplicate members, or undefined (RFC 7515 §3.1, §5.2). */
export function parseJws(text: string): ParsedJws | undefined {
  if (text.length > MAX_SIZE) return undefined;
  const [header, payload, signature, ...rest] = text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
  if (![header, payload, signature].every((part) => PART.test(part) && isCanonicalBase64Url(part))) return undefined;
  const decodedHeader = jsonObject(header);
  const claims = jsonObject(payload);
  if (!decodedHeader || !claims) return undefined;
  return {
    header: decodedHeader,
    claims,
    signed: Buffer.from(`${header}.${payload}`, 'ascii'),
    signature: Buffer.from(signature, 'base64url'),
  };
}

type Check = (jwk: JsonObject, key: KeyObject) => boolean;
type Verify = (jws: ParsedJws, key: KeyObject) => boolean;

interface Algorithm {
  readonly fits: Check;
  readonly verify: Verify;
}

const MIN_RSA_BITS = 2048;
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  [
    'ES256',
    {
      fits: (jwk) => jwk['kty'] === 'EC' && jwk['crv'] === 'P-256',
      verify: (jws, key) =>
        jws.signature.length === 64 && verify('sha256', jws.signed, { key, dsaEncoding: 'ieee-p1363' }, jws.signature),
    },
  ],
  [
    'PS256',
    {
      fits: (jwk, key) => jwk['kty'] === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS,
      verify: (jws, key) => verify('sha256', jws.signed, { key, padding: 6, saltLength: 32 }, jws.signature),
    },
  ],
  [
    'EdDSA',
    {
      fits: (jwk) => jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519',
      verify: (jws, key) => verify(null, jws.signed, key, jws.signature),
    },
  ],
]);

/**
 * True when one of the keys made the signature under the algorithm the header names. A key is used for one algorithm only (RFC 8725 §3.1): its
 * type, curve, size, `alg`, `use` and, when the header names one, its `kid` must fit.
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

/** The encoding must be the one that an encoder gives: otherwise one signature would have several texts. */
function isCanonicalBase64Url(part: string): boolean {
  return part.length % 4 !== 1 && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function jsonObject(part: string): JsonObject | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(part, 'base64url'));
    const value = parseJsonStrict(text, { maxDepth: MAX_DEPTH });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
