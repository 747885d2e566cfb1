import type { TokenClaims } from './token-claims.js';
import { TokenError } from './token-error.js';

/** How far the clocks of two of our replicas may differ. */
export const LEEWAY_SECONDS = 5;

/** Guarantees that a token is in its time at `now` (seconds), give or take the leeway, and lives no longer than its class may (RFC 7519 §4.1.4–6). */
export function checkTimes({ iat, nbf, exp }: TokenClaims, maxSeconds: number, now: number): void {
  if (exp + LEEWAY_SECONDS <= now) throw new TokenError('expired');
  if (nbf > now + LEEWAY_SECONDS || iat > now + LEEWAY_SECONDS) throw new TokenError('not_yet_valid');
  if (exp <= iat || exp - iat > maxSeconds) throw new TokenError('lifetime');
}
