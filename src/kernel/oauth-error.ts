import type { SpentQuota } from './app-error.js';
import type { JsonObject } from './json.js';

/** Every `error` value our OAuth endpoints answer with (RFC 6749 §5.2 and its extensions). Codes are stable. */
export const OAUTH_ERROR_CODES = [
  'invalid_request',
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_token_type',
  'invalid_scope',
  'invalid_target',
  'invalid_grant',
  'invalid_authorization_details',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'access_denied',
  'authorization_pending',
  'slow_down',
  'expired_token',
  'unknown_user_id',
  'invalid_binding_message',
  'temporarily_unavailable',
  'server_error',
] as const;

export type OAuthErrorCode = (typeof OAUTH_ERROR_CODES)[number];

const STATUS: Readonly<Record<OAuthErrorCode, number>> = {
  invalid_request: 400,
  invalid_client: 401,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_grant: 400,
  invalid_authorization_details: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  access_denied: 403,
  authorization_pending: 400,
  slow_down: 400,
  expired_token: 400,
  unknown_user_id: 400,
  invalid_binding_message: 400,
  temporarily_unavailable: 503,
  server_error: 500,
};

/** The HTTP status an OAuth endpoint answers for a code unless the error says otherwise. */
export function oauthStatus(code: OAuthErrorCode): number {
  return STATUS[code];
}

export interface OAuthErrorOptions {
  /** For the log only; never sent. */
  readonly detail?: string;
  /** Only where the contract departs from the code's own status (413, 415, 429). */
  readonly status?: number;
  /** Further public members of the answer: `reason`, `missing_scope`, `approval`, `scope`. */
  readonly members?: JsonObject;
  /** Seconds for `Retry-After`. */
  readonly retryAfter?: number;
  readonly quota?: SpentQuota;
  readonly cause?: unknown;
}

/** A refusal at an OAuth endpoint. `description` is public text; `detail` and `cause` go to the log only. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly status: number;
  readonly detail: string | undefined;
  readonly members: JsonObject | undefined;
  readonly retryAfter: number | undefined;
  readonly quota: SpentQuota | undefined;

  constructor(
    readonly code: OAuthErrorCode,
    readonly description: string,
    options: OAuthErrorOptions = {},
  ) {
    super(description, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? oauthStatus(code);
    this.detail = options.detail;
    this.members = options.members;
    this.retryAfter = options.retryAfter;
    this.quota = options.quota;
  }
}
