import { isJsonObject, type JsonObject, parseJsonStrict } from '../../../kernel/json.js';

/** What an upstream's token endpoint said. */
export interface RawAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

/** A token as the upstream issued it (RFC 6749 §5.1). */
export interface IssuedToken {
  readonly accessToken: string;
  /** Seconds; undefined when the upstream does not say. */
  readonly expiresIn: number | undefined;
  readonly refreshToken: string | undefined;
  readonly scope: string | undefined;
}

/**
 * A refusal, by what it takes to get over it. `spent`: the grant itself is gone, only the account's owner can give another (RFC 6749 §5.2
 * `invalid_grant`). `permanent`: it will be refused until somebody changes the configuration here or there. `transient`: time may mend it.
 */
export interface TokenFault {
  readonly fault: 'spent' | 'permanent' | 'transient';
  /** A stable code, never text of the upstream's. */
  readonly code: string;
  readonly retryAfterMs?: number | undefined;
}

export type TokenOutcome = { readonly token: IssuedToken } | TokenFault;

/** What stands in an `Authorization` header without being split (RFC 6750 §2.1 is narrower; some upstreams issue more). */
const HEADER_SAFE = /^[\x21-\x7e]{1,16384}$/;
const MOST_DEPTH = 8;
const LONGEST_LIFE_S = 31_536_000;
const KNOWN_ERRORS = new Set([
  'access_denied',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
]);
const PASSING_ERRORS = new Set(['server_error', 'temporarily_unavailable']);

/** Reads an answer of a token endpoint. It believes nothing that it could not use, and repeats nothing that the upstream wrote. */
export function readTokenAnswer({ status, retryAfter, body }: RawAnswer): TokenOutcome {
  const members = parse(body);
  // Some servers say 200 and mean an error.
  const error = members && typeof members['error'] === 'string' ? members['error'] : undefined;
  if (status !== 200 || error !== undefined) return refusal(status, error, retryAfter);
  return members ? issued(members) : { fault: 'transient', code: 'malformed_answer' };
}

function refusal(status: number, error: string | undefined, retryAfter: string | undefined): TokenFault {
  const code = error !== undefined && KNOWN_ERRORS.has(error) ? error : `status_${status}`;
  if (code === 'invalid_grant') return { fault: 'spent', code };
  const passes = status === 408 || status === 425 || status === 429 || status >= 500 || PASSING_ERRORS.has(code);
  if (!passes) return { fault: 'permanent', code };
  return { fault: 'transient', code, retryAfterMs: delayOf(retryAfter) };
}

function issued(members: JsonObject): TokenOutcome {
  const { access_token, token_type, expires_in, refresh_token, scope } = members;
  if (typeof access_token !== 'string' || !HEADER_SAFE.test(access_token))
    return { fault: 'transient', code: 'malformed_answer' };
  // RFC 6749 §7.1: a token whose type is not understood must not be used.
  if (typeof token_type === 'string' && !['bearer', 'n_a'].includes(token_type.toLowerCase()))
    return { fault: 'permanent', code: 'unsupported_token_type' };
  return {
    token: {
      accessToken: access_token,
      expiresIn: lifeOf(expires_in),
      refreshToken: typeof refresh_token === 'string' && refresh_token !== '' ? refresh_token : undefined,
      scope: typeof scope === 'string' ? scope.slice(0, 4_096) : undefined,
    },
  };
}

/** Some servers send the number as text. */
function lifeOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(Math.floor(seconds), LONGEST_LIFE_S);
}

function delayOf(retryAfter: string | undefined): number | undefined {
  return retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : undefined;
}

function parse(body: Buffer): JsonObject | undefined {
  try {
    const value = parseJsonStrict(body.toString('utf8'), { maxDepth: MOST_DEPTH });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
