import type { TokenClaims } from './token-claims.js';

/** No thumbprint is empty: what is bound to something else than a key can be proved by nobody. */
const UNPROVABLE = '';

/**
 * The thumbprint of the key a token is bound to (RFC 9449 §6.1), undefined for a bearer token. A token with a confirmation of another kind reads
 * as bound to a key that nobody has. The caller must compare it with the key that was proved.
 */
export function boundKey({ cnf }: Pick<TokenClaims, 'cnf'>): string | undefined {
  if (cnf === undefined) return undefined;
  return typeof cnf['jkt'] === 'string' ? cnf['jkt'] : UNPROVABLE;
}
