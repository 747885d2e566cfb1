import type { JsonObject } from '../../kernel/json.js';
import type { TokenClaims } from '../../auth/index.js';
import { tokenType } from './mandate-claims.js';

/** The whole answer about any token that is not both live and visible to the caller (RFC 7662 §2.2). */
export const INACTIVE: JsonObject = Object.freeze({ active: false });

/** Whom a resource that verifies for itself is served by. */
export type ServerOf = (audience: string) => string | undefined;

/** True when the caller may know of the token: it was issued to it, or it serves one of the token's audiences (RFC 7662 §4). */
export function mayIntrospect(claims: TokenClaims, caller: string, serverOf: ServerOf): boolean {
  return claims.client_id === caller || audiences(claims).some((audience) => serverOf(audience) === caller);
}

/** The members of an active answer (RFC 7662 §2.2, RFC 8693 §4, RFC 9449 §6.2, RFC 9396 §9.2). */
export function activeAnswer(claims: TokenClaims): JsonObject {
  const {
    iss,
    sub,
    aud,
    iat,
    nbf,
    exp,
    jti,
    client_id,
    scope,
    zone,
    sid,
    act,
    dlg,
    dep,
    sub_type,
    txn,
    cnf,
    authorization_details,
  } = claims;
  const members = {
    iss,
    sub,
    aud,
    iat,
    nbf,
    exp,
    jti,
    client_id,
    scope,
    zone,
    sid,
    act,
    dlg,
    dep,
    sub_type,
    txn,
    cnf,
    authorization_details,
  };
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return {
    active: true,
    token_type: tokenType(claims),
    ...(Object.fromEntries(present) as JsonObject),
  };
}

function audiences(claims: TokenClaims): readonly string[] {
  return typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
}
