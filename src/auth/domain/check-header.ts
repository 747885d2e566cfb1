import type { JsonObject } from '../../kernel/json.js';
import { TokenError } from './token-error.js';

const TYPES: ReadonlySet<unknown> = new Set(['at+jwt', 'application/at+jwt']);
const MEMBERS: ReadonlySet<string> = new Set(['alg', 'typ', 'kid']);

/**
 * Guarantees a header of ours: a type of access tokens (RFC 9068 §2.1), a key id, and no member that could bring a key, a location
 * of one, or an extension (`jwk`, `jku`, `x5u`, `x5c`, `crit`: RFC 8725 §3.10). The algorithm is compared with the key's own, never
 * used to choose one (§3.1).
 */
export function checkHeader(header: JsonObject): { readonly alg: string; readonly kid: string } {
  const { alg, typ, kid } = header;
  if (!TYPES.has(typ) || typeof kid !== 'string' || typeof alg !== 'string') throw new TokenError('header');
  if (Object.keys(header).some((member) => !MEMBERS.has(member))) throw new TokenError('header');
  return { alg, kid };
}
