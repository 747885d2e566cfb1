/** How full a bucket was at a moment of a monotonic clock. */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

export interface BucketVerdict {
  readonly allowed: boolean;
  readonly bucket: Bucket;
  /** Whole calls left. */
  readonly remaining: number;
  /** Whole seconds until the next call is allowed, or until the bucket is full again when one is left. */
  readonly resetSeconds: number;
}

const WINDOW_MS = 60_000;

/**
 * Takes one token of a bucket that holds `quota` and refills evenly over a minute: never more than `2 × quota` calls in any minute, and a caller
 * that waits `resetSeconds` after a refusal is allowed. A clock that stands still or goes back refills nothing.
 */
export function takeToken(bucket: Bucket | undefined, quota: number, now: number): BucketVerdict {
  const perMs = quota / WINDOW_MS;
  const elapsed = bucket === undefined ? 0 : Math.max(0, now - bucket.at);
  const filled = bucket === undefined ? quota : Math.min(quota, bucket.tokens + elapsed * perMs);
  const allowed = filled >= 1;
  const tokens = allowed ? filled - 1 : filled;
  const missing = tokens >= 1 ? quota - tokens : 1 - tokens;
  return {
    allowed,
    bucket: { tokens, at: bucket === undefined ? now : Math.max(now, bucket.at) },
    remaining: Math.floor(tokens),
    resetSeconds: Math.max(1, Math.ceil(missing / perMs / 1_000)),
  };
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers §3, §4), names and values in turn. */
export function rateLimitHeaders(quota: number, verdict: BucketVerdict): string[] {
  return [
    'RateLimit-Policy',
    `"resource";q=${quota};w=60`,
    'RateLimit',
    `"resource";r=${verdict.remaining};t=${verdict.resetSeconds}`,
  ];
}
