import type { JsonObject } from './json.js';

/** Every code a problem document of ours can carry, outside OAuth endpoints and the gateway. Codes are stable. */
export const PROBLEM_CODES = [
  'invalid_token',
  'insufficient_capability',
  'access_denied',
  'not_found',
  'invalid_request',
  'precondition_failed',
  'precondition_required',
  'method_not_allowed',
  'unsupported_media_type',
  'request_too_large',
  'idempotency_key_reused',
  'idempotency_in_progress',
  'conflict',
  'session_not_active',
  'lease_lost',
  'limit_exceeded',
  'authority_exceeded',
  'delegation_cycle',
  'invalid_subject',
  'invalid_transition',
  'approval_not_pending',
  'control_disabled',
  'retention_hold',
  'gone',
  'range_not_satisfiable',
  'rate_limited',
  'replayed',
  'egress_denied',
  'temporarily_unavailable',
  'server_error',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid_token: 401,
  insufficient_capability: 403,
  access_denied: 403,
  not_found: 404,
  invalid_request: 400,
  precondition_failed: 412,
  precondition_required: 428,
  method_not_allowed: 405,
  unsupported_media_type: 415,
  request_too_large: 413,
  idempotency_key_reused: 422,
  idempotency_in_progress: 409,
  conflict: 409,
  session_not_active: 409,
  lease_lost: 409,
  limit_exceeded: 429,
  authority_exceeded: 403,
  delegation_cycle: 409,
  invalid_subject: 400,
  invalid_transition: 409,
  approval_not_pending: 409,
  control_disabled: 503,
  retention_hold: 409,
  gone: 410,
  range_not_satisfiable: 416,
  rate_limited: 429,
  replayed: 401,
  egress_denied: 400,
  temporarily_unavailable: 503,
  server_error: 500,
};

/** The HTTP status that an edge answers for a code (RFC 9457 §3.1.3). */
export function problemStatus(code: ProblemCode): number {
  return STATUS[code];
}

/** One fault of one input field; `field` is a path such as `operations.0.method`. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** A quota per minute that is used up: what `RateLimit-Policy` and `RateLimit` say beside `Retry-After`. */
export interface SpentQuota {
  readonly name: string;
  readonly perMinute: number;
}

export interface AppErrorOptions {
  readonly errors?: readonly FieldFault[];
  /** Extension members of the problem document (RFC 9457 §3.2); public. */
  readonly members?: JsonObject;
  /** For the log only; never sent. */
  readonly detail?: string;
  /** Seconds for `Retry-After`. */
  readonly retryAfter?: number;
  readonly quota?: SpentQuota;
  readonly cause?: unknown;
}

/** A refusal with a stable code. `publicDetail` is sent to the client; `detail` and `cause` go to the log only. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly errors: readonly FieldFault[] | undefined;
  readonly members: JsonObject | undefined;
  readonly detail: string | undefined;
  readonly retryAfter: number | undefined;
  readonly quota: SpentQuota | undefined;

  constructor(
    readonly code: ProblemCode,
    readonly publicDetail: string,
    options: AppErrorOptions = {},
  ) {
    super(publicDetail, options.cause === undefined ? undefined : { cause: options.cause });
    this.errors = options.errors;
    this.members = options.members;
    this.detail = options.detail;
    this.retryAfter = options.retryAfter;
    this.quota = options.quota;
  }
}
