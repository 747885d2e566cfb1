import { forbiddenMember } from '../../kernel/jose/jws.js';
import type { JsonObject, JsonValue } from '../../kernel/json.js';

/** What a client assertion must agree with. Times are whole seconds. */
export interface AssertionExpectation {
  readonly clientId: string;
  readonly issuer: string;
  readonly now: number;
}

export interface AcceptedAssertion {
  readonly jti: string;
  /** From when on the `jti` may be forgotten, in whole seconds. */
  readonly forgetAt: number;
}

const MAX_LIFE = 300;
const AHEAD = 10;
const LEEWAY = 5;
const MAX_JTI = 255;
const TYPES: ReadonlySet<JsonValue | undefined> = new Set([undefined, 'JWT', 'jwt', 'client-authentication+jwt']);

/** The first fault of an assertion's header, or undefined (RFC 8725 §3.1, §3.10, §3.11). The signature is checked elsewhere. */
export function assertionHeaderFault(header: JsonObject): string | undefined {
  if (!TYPES.has(header['typ'])) return 'typ';
  const refused = forbiddenMember(header);
  if (refused !== undefined) return refused;
  return header['kid'] === undefined || typeof header['kid'] === 'string' ? undefined : 'kid';
}

/**
 * The accepted assertion, or the name of the claim that is wrong (RFC 7523 §3): `iss` and `sub` are the client, `aud` is our issuer as one
 * string, `exp` is ahead and at most 300 s after `iat`, nothing lies in the future beyond clock skew, `jti` is there. The caller must still
 * claim the `jti`, so that an assertion works once.
 */
export function checkAssertionClaims(
  claims: JsonObject,
  expected: AssertionExpectation,
): AcceptedAssertion | { readonly fault: string } {
  const { iss, sub, aud, jti } = claims;
  if (iss !== expected.clientId) return { fault: 'iss' };
  if (sub !== expected.clientId) return { fault: 'sub' };
  if (aud !== expected.issuer) return { fault: 'aud' };
  if (typeof jti !== 'string' || jti.length === 0 || jti.length > MAX_JTI) return { fault: 'jti' };
  const fault = timeFault(claims, expected.now);
  return fault === undefined ? { jti, forgetAt: (claims['exp'] as number) + LEEWAY + 1 } : { fault };
}

function timeFault({ exp, iat, nbf }: JsonObject, now: number): string | undefined {
  if (!isTime(exp) || exp <= now - LEEWAY) return 'exp';
  if (!hasBegun(iat, now)) return 'iat';
  if (!hasBegun(nbf, now)) return 'nbf';
  return exp - (iat ?? now) > MAX_LIFE ? 'exp' : undefined;
}

function hasBegun(start: JsonValue | undefined, now: number): start is number | undefined {
  return start === undefined || (isTime(start) && start <= now + AHEAD);
}

function isTime(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}
