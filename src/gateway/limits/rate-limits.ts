import { LRUCache } from 'lru-cache';
import type { SharedBuckets } from '../../platform/shared-buckets/index.js';
import { GatewayError } from '../domain/gateway-error.js';
import { type Quota, rateLimitHeaders } from '../domain/limits/quotas.js';
import { type Bucket, type BucketVerdict, takeTokens, verdictOf } from '../domain/limits/token-bucket.js';

const MOST_BUCKETS = 100_000;

export interface RateLimitParts {
  readonly now: () => number;
  /** Replicas that share the quotas when each counts for itself. */
  readonly replicas: () => number;
  /** Where the replicas count together, if there is such a place. */
  readonly shared: SharedBuckets | undefined;
}

/** Token buckets of limited resources: counted together in Redis when there is one, else each replica has its part of the quota. */
export class RateLimits {
  private readonly buckets = new LRUCache<string, Bucket>({ max: MOST_BUCKETS });

  constructor(private readonly parts: RateLimitParts) {}

  /** Takes one call of every quota. Answers the RateLimit fields of an allowed call; throws {@link RateLimited} and takes nothing otherwise. */
  async take(resource: string, quotas: readonly Quota[]): Promise<string[]> {
    if (quotas.length === 0) return [];
    const verdicts = (await this.takeShared(resource, quotas)) ?? this.takeOwn(resource, quotas);
    const fields = rateLimitHeaders(quotas, verdicts);
    const empty = verdicts.filter(({ allowed }) => !allowed);
    if (empty.length > 0) throw new RateLimited(fields, Math.max(...empty.map(({ resetSeconds }) => resetSeconds)));
    return fields;
  }

  /** Undefined when the replicas cannot count together now: a limit that is a little loose is better than none, or no calls. */
  private async takeShared(resource: string, quotas: readonly Quota[]): Promise<BucketVerdict[] | undefined> {
    const left = await this.parts.shared?.take(
      resource,
      quotas.map(({ key, perMinute }) => ({ key, quota: perMinute })),
    );
    return left?.map((tokens, at) => verdictOf({ tokens, at: 0 }, quotas[at]?.perMinute ?? 0, true));
  }

  private takeOwn(resource: string, quotas: readonly Quota[]): readonly BucketVerdict[] {
    const share = Math.max(1, this.parts.replicas());
    const keys = quotas.map(({ key }) => `${resource}/${key}`);
    const asked = quotas.map(({ perMinute }, at) => ({
      bucket: this.buckets.get(keys[at] as string),
      quota: Math.max(1, perMinute / share),
    }));
    const verdicts = takeTokens(asked, this.parts.now());
    verdicts.forEach(({ bucket }, at) => this.buckets.set(keys[at] as string, bucket));
    return verdicts;
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
