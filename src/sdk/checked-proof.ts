import { createHash } from 'node:crypto';
import { forbiddenMember, parseJws, type ParsedJws } from '../kernel/jose/jws.js';
import { proofKeyThumbprint } from '../kernel/jose/proof-key.js';
import { signedByOne } from '../kernel/jose/signatures.js';
import type { JsonObject } from '../kernel/json.js';
import { MandateError } from './mandate-error.js';

export interface ProofExpectations {
  readonly method: string;
  /** The URL of the request as the caller sees it. */
  readonly url: string;
  readonly token: string;
  readonly boundTo: string;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** How long a proof counts either way of its `iat`. */
export const PROOF_SECONDS = 60;
const LONGEST = 4_096;
const LONGEST_JTI = 256;
const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'];

/** Verifies a DPoP proof (RFC 9449 §4.3) and answers its `jti`, which the caller must not accept again; throws `invalid_dpop_proof`. */
export function checkProof(proof: string, expected: ProofExpectations): string {
  const { claims } = readProof(proof, expected.boundTo);
  const fault = claimsFault(claims, expected);
  if (fault !== undefined) throw invalid(fault);
  return claims['jti'] as string;
}

/** A proof that the key itself signed, and the key is the one that the mandate is bound to. */
function readProof(proof: string, boundTo: string): ParsedJws {
  const jws = parseJws(proof, LONGEST);
  if (!jws) throw invalid('not a compact JWS');
  const { typ, jwk, alg } = jws.header;
  if (typ !== 'dpop+jwt' || forbiddenMember(jws.header, 'jwk') !== undefined) throw invalid('not a proof');
  if (proofKeyThumbprint(jwk) !== boundTo) throw invalid('of another key');
  if (!signedByOne({ ...jws, header: { alg: alg ?? '' } }, [jwk as JsonObject], ALGORITHMS))
    throw invalid('not signed by its key');
  return jws;
}

function claimsFault({ jti, htm, htu, iat, ath }: JsonObject, expected: ProofExpectations): string | undefined {
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) return 'no jti';
  if (htm !== expected.method) return 'for another method';
  if (placeOf(htu) !== placeOf(expected.url)) return 'for another URL';
  if (!Number.isSafeInteger(iat) || Math.abs((iat as number) - expected.now) > PROOF_SECONDS) return 'of another time';
  return ath === createHash('sha256').update(expected.token).digest('base64url') ? undefined : 'for another token';
}

/** A URL without query and fragment, normalised (RFC 9449 §4.3, RFC 3986 §6.2.2). */
function placeOf(url: unknown): string {
  if (typeof url !== 'string' || !URL.canParse(url)) throw invalid('for what is no URL');
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function invalid(detail: string): MandateError {
  return new MandateError('invalid_dpop_proof', detail);
}
