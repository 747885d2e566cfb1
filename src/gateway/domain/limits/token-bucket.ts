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
  const filled = refilled(bucket, quota, now);
  return verdictOf(filled, quota, filled.tokens >= 1);
}

/** Takes one token of each bucket, or of none when one of them is empty: a call that is refused costs nothing elsewhere. */
export function takeTokens(
  asked: readonly { readonly bucket: Bucket | undefined; readonly quota: number }[],
  now: number,
): readonly BucketVerdict[] {
  const filled = asked.map(({ bucket, quota }) => refilled(bucket, quota, now));
  const all = filled.every(({ tokens }) => tokens >= 1);
  return filled.map((bucket, at) => verdictOf(bucket, asked[at]?.quota ?? 0, all));
}

/** What a bucket, filled up to this moment, says about one more call; `take` takes it. */
export function verdictOf(filled: Bucket, quota: number, take: boolean): BucketVerdict {
  const allowed = filled.tokens >= 1;
  const tokens = allowed && take ? filled.tokens - 1 : filled.tokens;
  const missing = tokens >= 1 || quota < 1 ? quota - tokens : 1 - tokens;
  return {
    allowed,
    bucket: { tokens, at: filled.at },
    remaining: Math.floor(tokens),
    resetSeconds: Math.max(1, Math.ceil((missing * WINDOW_MS) / quota / 1_000)),
  };
}

function refilled(bucket: Bucket | undefined, quota: number, now: number): Bucket {
  if (bucket === undefined) return { tokens: quota, at: now };
  const elapsed = Math.max(0, now - bucket.at);
  return { tokens: Math.min(quota, bucket.tokens + (elapsed * quota) / WINDOW_MS), at: Math.max(now, bucket.at) };
}
