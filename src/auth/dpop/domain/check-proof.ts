import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { forbiddenMember, parseJws, type ParsedJws } from '../../../kernel/jose/jws.js';
import { proofKeyThumbprint } from '../../../kernel/jose/proof-key.js';
import { signedByOne } from '../../../kernel/jose/signatures.js';
import { comparableUrl } from './proof-url.js';

/** What proofs may be signed with (RFC 9449 §4.2 `alg`): asymmetric, one per key, never RSA with PKCS #1 v1.5. */
export const PROOF_ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519'];

/** How far `iat` may lie in the past or the future, in seconds (RFC 9449 §11.1). */
export const PROOF_WINDOW_SECONDS = 60;

/** Why a proof is none. For the log only. */
export type ProofFault =
  | 'several'
  | 'malformed'
  | 'typ'
  | 'alg'
  | 'header'
  | 'jwk'
  | 'signature'
  | 'jti'
  | 'htm'
  | 'htu'
  | 'iat'
  | 'exp'
  | 'nbf'
  | 'nonce'
  | 'ath';

/** The request that a proof must be for. */
export interface ProvenRequest {
  readonly method: string;
  /** The public URL the request was sent to. */
  readonly url: string;
  /** base64url SHA-256 of the access token that is presented with the proof; undefined when none is. */
  readonly tokenHash?: string | undefined;
}

/** A proof that was made for one request by the holder of a key. Whether it was used before is another question. */
export interface CheckedProof {
  /** RFC 7638 thumbprint of the key. */
  readonly jkt: string;
  readonly jti: string;
  readonly iat: number;
  readonly nonce?: string | undefined;
}

const MAX_PROOF = 8_192;
const MAX_JTI = 255;
const MAX_NONCE = 255;

/**
 * Every check of RFC 9449 §4.3 that needs no state, on the lines of the `DPoP` header field as they were received: one field, one JWS, its
 * type and algorithm, a public key that made the signature, `jti`, `htm`, `htu`, `iat` (and `exp`, `nbf` when given), `ath` with a token.
 * `now` is in seconds. The caller must still compare the key with `cnf.jkt`, the nonce with its own, and take the `jti`.
 */
export function checkProof(
  fields: readonly string[],
  request: ProvenRequest,
  now: number,
): { readonly proof: CheckedProof } | { readonly fault: ProofFault } {
  if (fields.length !== 1) return { fault: 'several' };
  const jws = parseJws(fields[0] as string, MAX_PROOF);
  if (!jws) return { fault: 'malformed' };
  const fault = headerFault(jws.header);
  if (fault) return { fault };
  const { jwk } = jws.header;
  const jkt = proofKeyThumbprint(jwk);
  if (jkt === undefined) return { fault: 'jwk' };
  if (!signedByOne(withoutKid(jws), [jwk as JsonObject])) return { fault: 'signature' };
  const wrong = claimFault(jws.claims, request) ?? timeFault(jws.claims, now);
  if (wrong) return { fault: wrong };
  const { jti, iat, nonce } = jws.claims as unknown as CheckedProof;
  return { proof: { jkt, jti, iat, nonce } };
}

function headerFault(header: JsonObject): ProofFault | undefined {
  if (header['typ'] !== 'dpop+jwt') return 'typ';
  if (typeof header['alg'] !== 'string' || !PROOF_ALGORITHMS.includes(header['alg'])) return 'alg';
  return forbiddenMember(header, 'jwk') === undefined ? undefined : 'header';
}

/** The key is in the header itself; what else names one means nothing. */
function withoutKid(jws: ParsedJws): ParsedJws {
  const { kid: _, ...header } = jws.header;
  return { ...jws, header };
}

function claimFault(claims: JsonObject, request: ProvenRequest): ProofFault | undefined {
  if (!isText(claims['jti'], MAX_JTI)) return 'jti';
  if (claims['htm'] !== request.method) return 'htm';
  const htu = claims['htu'];
  const named = typeof htu === 'string' ? comparableUrl(htu) : undefined;
  if (named === undefined || named !== comparableUrl(request.url)) return 'htu';
  if (claims['nonce'] !== undefined && !isText(claims['nonce'], MAX_NONCE)) return 'nonce';
  if (request.tokenHash !== undefined && claims['ath'] !== request.tokenHash) return 'ath';
  return undefined;
}

function timeFault({ iat, exp, nbf }: JsonObject, now: number): ProofFault | undefined {
  if (!isTime(iat) || Math.abs(now - iat) > PROOF_WINDOW_SECONDS) return 'iat';
  if (exp !== undefined && (!isTime(exp) || exp <= now)) return 'exp';
  return nbf !== undefined && (!isTime(nbf) || nbf > now + PROOF_WINDOW_SECONDS) ? 'nbf' : undefined;
}

function isTime(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isText(value: JsonValue | undefined, longest: number): boolean {
  return typeof value === 'string' && value !== '' && value.length <= longest;
}
