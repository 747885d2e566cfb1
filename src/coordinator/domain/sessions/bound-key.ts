import { proofKeyThumbprint } from '../../../kernel/jose/proof-key.js';
import type { JsonObject } from '../../../kernel/json.js';

/**
 * The `cnf` claim of tokens that are bound to a public key (RFC 9449 §6.1), or undefined when the value is no public key that a proof could be
 * made with. A key with any private or symmetric part is refused.
 */
export function boundTo(jwk: unknown): JsonObject | undefined {
  const jkt = proofKeyThumbprint(jwk);
  return jkt === undefined ? undefined : { jkt };
}
