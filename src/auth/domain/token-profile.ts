import type { TokenClaims, TokenClass } from './token-claims.js';

/** What holds for every token of a class, whoever mints it. */
export interface TokenProfile {
  readonly maxBytes: number;
  readonly maxSeconds: number;
}

export const TOKEN_PROFILES: Readonly<Record<TokenClass, TokenProfile>> = {
  application: { maxBytes: 4096, maxSeconds: 3600 },
  session: { maxBytes: 4096, maxSeconds: 900 },
  mandate: { maxBytes: 8192, maxSeconds: 900 },
  upstream: { maxBytes: 8192, maxSeconds: 60 },
  control: { maxBytes: 8192, maxSeconds: 300 },
};

/** The longest that any token may still be accepted after the key that signed it stopped signing. */
export const LONGEST_TOKEN_SECONDS = Math.max(...Object.values(TOKEN_PROFILES).map((profile) => profile.maxSeconds));

/** The audiences that are no resource's. */
export interface OwnAudiences {
  readonly issuer: string;
  readonly control: string;
}

/**
 * The class that a token's audience says it is of (RFC 8725 §3.12), or undefined when the audience mixes classes. An upstream mandate
 * has the audience of a mandate and is told apart by nobody but its addressee: it reads `mandate` here.
 */
export function classOf({ aud, sid }: Pick<TokenClaims, 'aud' | 'sid'>, own: OwnAudiences): TokenClass | undefined {
  if (aud === own.issuer) return sid === undefined ? 'application' : 'session';
  if (aud === own.control) return 'control';
  if (typeof aud === 'string') return 'mandate';
  return aud.includes(own.issuer) || aud.includes(own.control) ? undefined : 'mandate';
}
