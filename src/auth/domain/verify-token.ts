import { checkClaims } from './check-claims.js';
import { checkHeader } from './check-header.js';
import { checkTimes } from './check-times.js';
import { decodePart, parseCompact } from './compact-jws.js';
import type { TokenClaims, TokenClass } from './token-claims.js';
import { TokenError } from './token-error.js';
import type { VerificationKey } from './token-keys.js';
import { classOf, TOKEN_PROFILES, type OwnAudiences } from './token-profile.js';

/** What the token is checked against, all of it ours. */
export interface TokenAuthority extends OwnAudiences {
  readonly zone: string;
  /** The keys of the zone by id. The id is a map key and nothing else (RFC 8725 §3.10). */
  readonly keys: ReadonlyMap<string, VerificationKey>;
}

/** A token whose signature and shape are ours. Whether it is in its time and for whom it is, is asked at each use. */
export interface AuthenticToken {
  readonly klass: TokenClass;
  readonly claims: TokenClaims;
  readonly key: VerificationKey;
}

export interface TokenExpectation {
  readonly classes: readonly TokenClass[];
  /** A mandate must name it; without it, who asks judges the audience. */
  readonly audience?: string | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
}

const MAX_BYTES = Math.max(...Object.values(TOKEN_PROFILES).map((profile) => profile.maxBytes));

/** Guarantees that one of the zone's keys signed these very claims, as a token of one class (RFC 8725 §3, RFC 9068 §4). Throws {@link TokenError}. */
export function authenticate(token: string, authority: TokenAuthority): AuthenticToken {
  const jws = parseCompact(token, MAX_BYTES);
  const { alg, kid } = checkHeader(decodePart(jws.header, 'header'));
  const key = authority.keys.get(kid);
  if (!key) throw new TokenError('unknown_key');
  if (alg !== key.alg) throw new TokenError('header');
  if (!key.verifies(jws.signingInput, jws.signature)) throw new TokenError('signature');
  const claims = checkClaims(decodePart(jws.payload, 'claims'));
  if (claims.iss !== authority.issuer) throw new TokenError('issuer');
  if (claims.zone !== authority.zone) throw new TokenError('zone');
  const klass = classOf(claims, authority);
  if (!klass) throw new TokenError('audience');
  if (token.length > TOKEN_PROFILES[klass].maxBytes) throw new TokenError('too_long');
  return { klass, claims, key };
}

/** Guarantees that an authentic token may be used here and now. Throws {@link TokenError}. */
export function admit({ klass, claims }: AuthenticToken, { classes, audience, now }: TokenExpectation): void {
  // An upstream mandate looks like any mandate; who accepts one must name its audience.
  if (!classes.includes(klass) && !(klass === 'mandate' && classes.includes('upstream'))) throw new TokenError('class');
  if (audience !== undefined && !names(claims.aud, audience)) throw new TokenError('audience');
  checkTimes(claims, TOKEN_PROFILES[klass].maxSeconds, now);
}

function names(aud: TokenClaims['aud'], audience: string): boolean {
  return typeof aud === 'string' ? aud === audience : aud.includes(audience);
}
