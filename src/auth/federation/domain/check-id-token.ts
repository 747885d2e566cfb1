import { forbiddenMember } from '../../../kernel/jose/jws.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { isOpaqueSubject } from '../../../kernel/opaque-subject.js';

/** An OpenID provider whose users a zone accepts. */
export interface TrustedIssuer {
  readonly id: string;
  /** Its issuer identifier, byte for byte. */
  readonly issuer: string;
  /** What its id_tokens for this zone name as audience: our client id there. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** The claim that names the user. */
  readonly subjectClaim: string;
}

/** Why an id_token is not accepted. The name says which check it failed and nothing of what the token holds. */
export type IdTokenFault =
  | 'malformed'
  | 'issuer'
  | 'header'
  | 'algorithm'
  | 'audience'
  | 'azp'
  | 'expired'
  | 'times'
  | 'too_old'
  | 'nonce'
  | 'subject'
  | 'may_act'
  | 'signature'
  | 'revoked';

export interface IdTokenExpectation {
  readonly issuer: TrustedIssuer;
  /** What the caller says was sent with the authentication request. */
  readonly nonce?: string | undefined;
  /** How long after its `iat` an id_token may still be used, in seconds. */
  readonly capSeconds: number;
  /** Whole seconds. */
  readonly now: number;
}

/** What an id_token says once every check that needs neither key nor state has passed. */
export interface IdTokenClaims {
  readonly user: string;
  readonly iat: number;
  readonly exp: number;
  readonly mayAct?: JsonObject | undefined;
}

const LEEWAY_SECONDS = 5;
const TYPES: ReadonlySet<JsonValue | undefined> = new Set([undefined, 'JWT', 'jwt']);

/** The first fault of the header (RFC 8725 §3.1, §3.10, §3.11): a type of its own kind, no key or extension brought along, an algorithm of the issuer's. */
export function idTokenHeaderFault(header: JsonObject, algorithms: readonly string[]): IdTokenFault | undefined {
  const { typ, alg, kid } = header;
  if (!TYPES.has(typ) || forbiddenMember(header) !== undefined) return 'header';
  if (kid !== undefined && typeof kid !== 'string') return 'header';
  return typeof alg === 'string' && algorithms.includes(alg) ? undefined : 'algorithm';
}

/**
 * Every check of OIDC Core §3.1.3.7 that needs neither key nor state: `iss`, `aud` and `azp`, times, `nonce` when one is expected, and a user's name that
 * nobody mistakes for another's. The caller must still check the signature, claim the token and ask whether the user was revoked since.
 */
export function checkIdTokenClaims(
  claims: JsonObject,
  expected: IdTokenExpectation,
): { readonly claims: IdTokenClaims } | { readonly fault: IdTokenFault } {
  const { issuer } = expected;
  if (claims['iss'] !== issuer.issuer) return { fault: 'issuer' };
  const fault =
    audienceFault(claims, issuer.audience) ??
    timeFault(claims, expected) ??
    nonceFault(claims['nonce'], expected.nonce);
  if (fault) return { fault };
  const user = claims[issuer.subjectClaim];
  if (!isOpaqueSubject(claims['sub']) || !isOpaqueSubject(user)) return { fault: 'subject' };
  const mayAct = claims['may_act'];
  if (mayAct !== undefined && !isJsonObject(mayAct)) return { fault: 'may_act' };
  return { claims: { user, iat: claims['iat'] as number, exp: claims['exp'] as number, mayAct } };
}

/** We must be the audience; among several we must also be the one it was issued to (OIDC Core §3.1.3.7 steps 3–5). */
function audienceFault({ aud, azp }: JsonObject, audience: string): IdTokenFault | undefined {
  const names: readonly (JsonValue | undefined)[] = Array.isArray(aud) ? (aud as readonly JsonValue[]) : [aud];
  if (!names.includes(audience) || !names.every((name) => typeof name === 'string')) return 'audience';
  if (azp === undefined) return names.length === 1 ? undefined : 'azp';
  return azp === audience ? undefined : 'azp';
}

function timeFault({ exp, iat, nbf }: JsonObject, expected: IdTokenExpectation): IdTokenFault | undefined {
  const { now, capSeconds } = expected;
  if (!isTime(exp) || !isTime(iat) || exp <= iat) return 'times';
  if (iat > now + LEEWAY_SECONDS) return 'times';
  if (nbf !== undefined && (!isTime(nbf) || nbf > now + LEEWAY_SECONDS)) return 'times';
  if (exp + LEEWAY_SECONDS <= now) return 'expired';
  return iat + capSeconds <= now ? 'too_old' : undefined;
}

function nonceFault(nonce: JsonValue | undefined, expected: string | undefined): IdTokenFault | undefined {
  if (nonce !== undefined && typeof nonce !== 'string') return 'nonce';
  return expected === undefined || nonce === expected ? undefined : 'nonce';
}

function isTime(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
