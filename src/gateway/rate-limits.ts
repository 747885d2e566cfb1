import { LRUCache } from 'lru-cache';
import { GatewayError } from './domain/gateway-error.js';
import { type Bucket, rateLimitHeaders, takeToken } from './domain/limits/token-bucket.js';

const MOST_BUCKETS = 100_000;

/** Token buckets of limited resources, in this process. */
export class RateLimits {
  private readonly buckets = new LRUCache<string, Bucket>({ max: MOST_BUCKETS });

  constructor(private readonly now: () => number) {}

  /** Takes one call of the key's quota. Answers the RateLimit fields of an allowed call; throws {@link RateLimited}. */
  take(key: string, quota: number | undefined): string[] {
    if (quota === undefined) return [];
    const verdict = takeToken(this.buckets.get(key), quota, this.now());
    this.buckets.set(key, verdict.bucket);
    const fields = rateLimitHeaders(quota, verdict);
    if (!verdict.allowed) throw new RateLimited(fields, verdict.resetSeconds);
    return fields;
  }
}

/** `rate_limited` with the fields its answer carries. */
export class RateLimited extends GatewayError {
  constructor(
    readonly fields: readonly string[],
    retryAfter: number,
  ) {
    super('rate_limited', { retryAfter });
  }
}
