import { createHash } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject } from '../../../kernel/json.js';

/** The members of each key type that its thumbprint is made of (RFC 7638 §3.2, RFC 8037 §2). */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['e', 'n'],
};
const CURVES: Readonly<Record<string, readonly string[]>> = { EC: ['P-256'], OKP: ['Ed25519'] };
const BASE64URL = /^[A-Za-z0-9_-]{1,1024}$/;

/**
 * The `cnf` claim of tokens that are bound to a public key (RFC 9449 §6.1), or undefined when the value is no public key that a proof could be
 * made with. A key with any private or symmetric part is refused.
 */
export function boundTo(jwk: unknown): JsonObject | undefined {
  if (!isJsonObject(jwk) || typeof jwk['kty'] !== 'string') return undefined;
  const { kty } = jwk;
  const names = REQUIRED[kty];
  if (!names || ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((name) => name in jwk)) return undefined;
  const curves = CURVES[kty];
  if (curves && !curves.some((curve) => curve === jwk['crv'])) return undefined;
  const members = names.map((name) => [name, jwk[name]] as const);
  if (!members.every(([name, value]) => typeof value === 'string' && (name === 'crv' || BASE64URL.test(value))))
    return undefined;
  const thumbprint = createHash('sha256')
    .update(canonicalize({ kty, ...Object.fromEntries(members) }))
    .digest('base64url');
  return { jkt: thumbprint };
}
