import { isId } from '../../kernel/ids.js';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import type { ScopeSet } from '../../kernel/scopes.js';
import type { ParameterNames, Parameters } from './parameters.js';
import { readDetails } from './requested-details.js';

/** RFC 8693 §3. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
export const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';

/** Everything a token exchange reads (RFC 8693 §2.1, RFC 8707 §2, RFC 9396 §6 and our own). */
export const EXCHANGE_PARAMETERS: ParameterNames = {
  single: [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'nonce',
    'requested_token_type',
    'scope',
    'authorization_details',
    'delegation',
    'approval',
    'lifetime',
  ],
  repeatable: ['resource', 'audience'],
};

export interface ExchangeRequest {
  readonly subjectToken: string;
  /** An id_token says who a federated user is; anything else is a token of ours. */
  readonly subjectKind: 'access_token' | 'id_token';
  /** What was sent with the authentication request that the id_token answers (OIDC Core §3.1.2.1). */
  readonly nonce?: string | undefined;
  readonly actorToken?: string | undefined;
  readonly resources: readonly string[];
  readonly audiences: readonly string[];
  readonly scope?: ScopeSet | undefined;
  readonly details?: readonly JsonObject[] | undefined;
  readonly delegation?: string | undefined;
  /** A hold that was raised by the same request before. */
  readonly approval?: string | undefined;
  readonly lifetime?: number | undefined;
}

/** Reads the form of a token exchange (RFC 8693 §2.1); no token is verified yet. */
export function readExchangeRequest(parameters: Parameters): ExchangeRequest {
  const subjectToken = parameters.required('subject_token');
  const kind = subjectKind(parameters.required('subject_token_type'));
  const requested = parameters.one('requested_token_type');
  if (requested !== undefined) requireAccessTokenType('requested_token_type', requested);
  return {
    subjectToken,
    subjectKind: kind,
    nonce: parameters.one('nonce'),
    actorToken: requireActor(kind, actorToken(parameters)),
    resources: parameters.all('resource'),
    audiences: parameters.all('audience'),
    scope: parameters.scope(),
    details: readDetails(parameters.one('authorization_details')),
    delegation: delegation(parameters),
    approval: parameters.one('approval'),
    lifetime: parameters.lifetime(),
  };
}

/** RFC 8693 §2.1: the type is required with the token and forbidden without it. */
function actorToken(parameters: Parameters): string | undefined {
  const token = parameters.one('actor_token');
  const type = parameters.one('actor_token_type');
  if ((token === undefined) !== (type === undefined))
    throw new OAuthError('invalid_request', 'actor_token and actor_token_type belong together');
  if (type !== undefined) requireAccessTokenType('actor_token_type', type);
  return token;
}

function subjectKind(type: string): ExchangeRequest['subjectKind'] {
  if (type === ID_TOKEN_TYPE) return 'id_token';
  requireAccessTokenType('subject_token_type', type);
  return 'access_token';
}

/** Nobody becomes a user: a user's own token is exchanged only by somebody who acts for it (RFC 8693 §1.1, delegation). */
function requireActor(kind: ExchangeRequest['subjectKind'], actor: string | undefined): string | undefined {
  if (kind === 'id_token' && actor === undefined)
    throw new OAuthError('invalid_request', 'an id_token is exchanged with an actor_token only');
  return actor;
}

function requireAccessTokenType(name: string, type: string): void {
  if (type !== ACCESS_TOKEN_TYPE) throw new OAuthError('invalid_request', `${name} is not supported`);
}

function delegation(parameters: Parameters): string | undefined {
  const id = parameters.one('delegation');
  if (id !== undefined && !isId('del', id)) throw unusableDelegation('not an id');
  return id;
}

/** One answer for a delegation that is unknown, foreign, expired, revoked or missing. */
export function unusableDelegation(detail: string): OAuthError {
  return new OAuthError('invalid_request', 'the delegation cannot be used', { detail });
}
