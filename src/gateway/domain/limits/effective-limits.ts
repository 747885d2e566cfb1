/** `limits` of a resource as it is stored and sent; what is absent has the default of {@link effectiveLimits}. */
export interface DeclaredLimits {
  readonly requests_per_minute?: number;
  readonly application_requests_per_minute?: number;
  readonly session_requests_per_minute?: number;
  readonly address_requests_per_minute?: number;
  readonly max_body_bytes?: number;
  readonly connect_timeout_ms?: number;
  readonly timeout_ms?: number;
  readonly idle_timeout_ms?: number;
  readonly total_timeout_ms?: number;
  readonly max_concurrent?: number;
  readonly queue_timeout_ms?: number;
}

export interface Limits {
  /** Calls a minute: of all callers, of one application, session and address. */
  readonly quotas: {
    readonly resource: number | undefined;
    readonly application: number | undefined;
    readonly session: number | undefined;
    readonly address: number | undefined;
  };
  readonly maxBodyBytes: number;
  readonly connectTimeoutMs: number;
  /** From dispatch to the final header block. */
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number | undefined;
  readonly maxConcurrent: number;
  readonly queueTimeoutMs: number;
}

/** Guarantees a bound for everything that has to be bounded, whatever the resource declares. */
export function effectiveLimits(declared: DeclaredLimits): Limits {
  return {
    quotas: {
      resource: declared.requests_per_minute,
      application: declared.application_requests_per_minute,
      session: declared.session_requests_per_minute,
      address: declared.address_requests_per_minute,
    },
    maxBodyBytes: declared.max_body_bytes ?? 10_485_760,
    connectTimeoutMs: declared.connect_timeout_ms ?? 5_000,
    headersTimeoutMs: declared.timeout_ms ?? 30_000,
    idleTimeoutMs: declared.idle_timeout_ms ?? 60_000,
    totalTimeoutMs: declared.total_timeout_ms,
    maxConcurrent: declared.max_concurrent ?? 256,
    queueTimeoutMs: declared.queue_timeout_ms ?? 1_000,
  };
}
