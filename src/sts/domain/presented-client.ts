import { OAuthError } from '../../kernel/oauth-error.js';
import type { Parameters } from './parameters.js';

export const CLIENT_PARAMETERS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'] as const;
export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** How a client says who it is; nothing of it is verified yet. */
export type PresentedClient =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly secret: string;
    }
  | { readonly method: 'private_key_jwt'; readonly clientId?: string | undefined; readonly assertion: string };

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/**
 * Guarantees exactly one method of client authentication (RFC 6749 §2.3, RFC 7523 §2.2). More than one, a lone half of the assertion pair or
 * a client id that contradicts the header are `invalid_request`; none, or one that cannot be read, is `invalid_client`.
 * `authorization` holds every Authorization header of the request.
 */
export function presentedClient(authorization: readonly string[], parameters: Parameters): PresentedClient {
  const secret = parameters.one('client_secret');
  const assertion = parameters.one('client_assertion');
  const type = parameters.one('client_assertion_type');
  if ((assertion === undefined) !== (type === undefined))
    throw new OAuthError('invalid_request', 'client_assertion and client_assertion_type belong together');
  const used = authorization.length + (secret === undefined ? 0 : 1) + (assertion === undefined ? 0 : 1);
  if (used > 1) throw new OAuthError('invalid_request', 'more than one method of client authentication was used');
  if (authorization[0] !== undefined) return basic(authorization[0], parameters.one('client_id'));
  if (assertion !== undefined) return jwt(assertion, type, parameters.one('client_id'));
  const clientId = parameters.one('client_id');
  if (secret === undefined || clientId === undefined) throw invalidClient('no client authentication');
  return { method: 'client_secret_post', clientId, secret };
}

/** One answer for every failed client authentication (RFC 6749 §5.2); why goes to the log only. */
export function invalidClient(detail: string): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed', { detail });
}

function basic(header: string, bodyClientId: string | undefined): PresentedClient {
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) throw invalidClient('the Authorization header is not Basic');
  const pair = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = pair.indexOf(':');
  const clientId = decodeComponent(pair.slice(0, Math.max(colon, 0)));
  const secret = decodeComponent(pair.slice(colon + 1));
  if (colon < 1 || !clientId || !secret) throw invalidClient('Basic credentials are malformed');
  if (bodyClientId !== undefined && bodyClientId !== clientId)
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
  return { method: 'client_secret_basic', clientId, secret };
}

/** One form-encoded component (RFC 6749 §2.3.1, appendix B); undefined when it is not well-formed. */
function decodeComponent(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function jwt(assertion: string, type: string | undefined, clientId: string | undefined): PresentedClient {
  if (type !== JWT_BEARER_ASSERTION) throw invalidClient('unknown client_assertion_type');
  return { method: 'private_key_jwt', clientId, assertion };
}
