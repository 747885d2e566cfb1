import type { JsonObject } from '../../kernel/json.js';

/** Every code that `Caracal-Error` can carry, with the status it is answered with. */
export const GATEWAY_STATUS = {
  invalid_token: 401,
  replayed: 401,
  revoked: 401,
  insufficient_scope: 403,
  operation_not_permitted: 403,
  access_denied: 403,
  approval_required: 403,
  path_not_allowed: 400,
  invalid_request: 400,
  not_found: 404,
  method_not_allowed: 405,
  request_too_large: 413,
  rate_limited: 429,
  egress_denied: 502,
  upstream_unavailable: 502,
  credential_unavailable: 502,
  upstream_timeout: 504,
  view_stale: 503,
  audit_unavailable: 503,
  overloaded: 503,
} as const;

/** The detail of an `overloaded` that ends a call because the process stops. */
export const STOPPING = 'stopping';

export type GatewayCode = keyof typeof GATEWAY_STATUS;

/** What a caller did nothing wrong about: the same request may come again, under the same proof. */
const OURS: ReadonlySet<GatewayCode> = new Set([
  'rate_limited',
  'egress_denied',
  'upstream_unavailable',
  'credential_unavailable',
  'upstream_timeout',
  'view_stale',
  'audit_unavailable',
  'overloaded',
]);

/** True when the caller, not the gateway or what stands behind it, is why the call was refused. */
export function isCallers(code: GatewayCode): boolean {
  return !OURS.has(code);
}

export type DpopFault = 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce' | 'none';

export interface GatewayErrorOptions {
  /** For the log only; never sent. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
  /** Seconds for `Retry-After`; codes answered with 503 have one in any case. */
  readonly retryAfter?: number;
  /** Extension members of the problem document (RFC 9457 §3.2); public. */
  readonly members?: JsonObject;
  /** What a `DPoP` challenge says was wrong (RFC 9449 §7.1); `none` names the scheme alone, beside a `Bearer` one. */
  readonly dpop?: DpopFault | undefined;
  /** All scopes that the operation needs (RFC 6750 §3). */
  readonly scope?: string;
  /** Reason codes of the decision, for the ledger. */
  readonly reasons?: readonly string[];
  /** What policies were asked and answered, for the ledger. */
  readonly policy?: JsonObject | undefined;
  /** The answer is this JSON-RPC error instead of a problem document. */
  readonly rpc?: RpcFault;
}

/** What a JSON-RPC error says besides what every refusal says (JSON-RPC 2.0 §5.1). */
export interface RpcFault {
  readonly id: string | number | null;
  readonly code: number;
  readonly message: string;
}

/** A refusal or failure of the gateway's own, as opposed to an answer of the upstream, which passes as it is. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly status: number;
  readonly detail: string | undefined;
  readonly retryAfter: number | undefined;
  readonly members: JsonObject | undefined;
  readonly scope: string | undefined;
  readonly dpop: DpopFault | undefined;
  readonly reasons: readonly string[];
  readonly rpc: RpcFault | undefined;
  readonly policy: JsonObject | undefined;

  constructor(
    readonly code: GatewayCode,
    options: GatewayErrorOptions = {},
  ) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = GATEWAY_STATUS[code];
    this.detail = options.detail;
    this.retryAfter = options.retryAfter ?? (this.status === 503 ? 1 : undefined);
    this.members = options.members;
    this.scope = options.scope;
    this.dpop = options.dpop;
    this.reasons = options.reasons ?? [code];
    this.rpc = options.rpc;
    this.policy = options.policy;
  }
}
