import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import type { ScopeSet } from '../../kernel/scopes.js';
import { EXCHANGE_PARAMETERS, type ExchangeRequest, readExchangeRequest } from './exchange-request.js';
import type { ParameterNames, Parameters } from './parameters.js';
import { readDetails } from './requested-details.js';

/** What a backchannel authentication request reads (CIBA Core 1.0 §7.1), and what says for which session it is. */
export const BACKCHANNEL_PARAMETERS: ParameterNames = {
  single: [
    ...EXCHANGE_PARAMETERS.single,
    'login_hint',
    'login_hint_token',
    'id_token_hint',
    'binding_message',
    'requested_expiry',
    'request',
  ],
  repeatable: EXCHANGE_PARAMETERS.repeatable,
};

/** What both devices show to tell that they mean the same; a code, not a text, so that it persuades nobody. */
const BINDING_MESSAGE = /^[A-Za-z0-9._#-]{1,32}$/;
const SECONDS = /^[1-9]\d{0,8}$/;
/** Means something to OpenID Providers only. */
const OPENID = 'openid';

export interface BackchannelRequest {
  /** Who is to decide: `operator`, or the `sub` of the person that the work is for. */
  readonly hint: string;
  readonly resources: readonly string[];
  readonly audiences: readonly string[];
  /** Undefined when `openid` alone was asked for. */
  readonly scope?: ScopeSet | undefined;
  readonly details?: readonly JsonObject[] | undefined;
  readonly message?: string | undefined;
  /** Seconds. */
  readonly requestedExpiry?: number | undefined;
  /** The tokens that say who acts for whom; undefined for an application that acts for itself. */
  readonly tokens?: ExchangeRequest | undefined;
}

/** Reads the form (CIBA Core 1.0 §7.1); no token is verified yet. */
export function readBackchannelRequest(parameters: Parameters): BackchannelRequest {
  if (parameters.one('request') !== undefined)
    throw new OAuthError('invalid_request', 'signed authentication requests are not supported');
  const scope = parameters.scope();
  if (!scope) throw new OAuthError('invalid_request', 'scope is required');
  const rest = new Set([...scope].filter((name) => name !== OPENID));
  return {
    hint: readHint(parameters),
    resources: parameters.all('resource'),
    audiences: parameters.all('audience'),
    scope: rest.size === 0 ? undefined : rest,
    details: readDetails(parameters.one('authorization_details')),
    message: readMessage(parameters.one('binding_message')),
    requestedExpiry: readExpiry(parameters.one('requested_expiry')),
    tokens: readTokens(parameters),
  };
}

/** Exactly one hint; of the three kinds the plain one is known here (§7.1, §13). */
function readHint(parameters: Parameters): string {
  const hints = ['login_hint', 'login_hint_token', 'id_token_hint'].filter(
    (name) => parameters.one(name) !== undefined,
  );
  if (hints.length !== 1) throw new OAuthError('invalid_request', 'exactly one hint is required');
  const hint = parameters.one('login_hint');
  if (hint === undefined) throw new OAuthError('unknown_user_id', 'only login_hint is supported');
  return hint;
}

function readMessage(message: string | undefined): string | undefined {
  if (message !== undefined && !BINDING_MESSAGE.test(message))
    throw new OAuthError('invalid_binding_message', 'binding_message must be 1–32 of A–Z, a–z, 0–9 and . _ # -');
  return message;
}

function readExpiry(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!SECONDS.test(text)) throw new OAuthError('invalid_request', 'requested_expiry is not a number of seconds');
  return Number(text);
}

function readTokens(parameters: Parameters): ExchangeRequest | undefined {
  if (parameters.one('subject_token') === undefined) return undefined;
  const tokens = readExchangeRequest(parameters);
  if (tokens.subjectKind !== 'access_token')
    throw new OAuthError('invalid_request', 'subject_token must be a token of this server');
  return tokens;
}
