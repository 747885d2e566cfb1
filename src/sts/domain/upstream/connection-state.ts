import { createHash } from 'node:crypto';

/** How long the account's owner has to come back. */
export const PENDING_MS = 600_000;

const STATE = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.([A-Za-z0-9_-]{43})$/;

/** The `state` of a connect flow (RFC 6749 §10.12): the zone, so that it can be found, and 256 random bits, so that it cannot be guessed. */
export function formatState(zone: string, random: Buffer): string {
  return `${zone}.${random.toString('base64url')}`;
}

/** The zone that a `state` names; undefined for what is none of ours. Whether the flow exists is another question. */
export function zoneOfState(state: unknown): string | undefined {
  return typeof state === 'string' ? STATE.exec(state)?.[1] : undefined;
}

/** What is kept of a `state`. */
export function stateHash(state: string): Buffer {
  return createHash('sha256').update(state, 'utf8').digest();
}

/** Errors of an authorization endpoint (RFC 6749 §4.1.2.1); anything else an upstream says is not repeated. */
const KNOWN_ERRORS = new Set([
  'access_denied',
  'consent_required',
  'interaction_required',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'login_required',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_response_type',
]);

/** What came back from the authorization endpoint. */
export interface CallbackParameters {
  readonly code?: unknown;
  readonly error?: unknown;
  readonly iss?: unknown;
}

/** The code, or why there is none. `issuer` is whose answer it must be where the provider names one (RFC 9207 §2.4). */
export function readCallback(
  { code, error, iss }: CallbackParameters,
  issuer: string | undefined,
): { readonly code: string } | { readonly refused: string } {
  if (issuer !== undefined && iss !== issuer) return { refused: 'wrong_issuer' };
  if (error !== undefined)
    return { refused: typeof error === 'string' && KNOWN_ERRORS.has(error) ? error : 'authorization_failed' };
  return typeof code === 'string' && /^[\x20-\x7e]{1,4096}$/.test(code) ? { code } : { refused: 'no_code' };
}
