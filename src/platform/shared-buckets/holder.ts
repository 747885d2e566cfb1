import type { RedisBuckets } from './redis-buckets.js';

/** Where the replicas count together; empty without Redis. */
export interface SharedBucketsHolder {
  readonly buckets: RedisBuckets | undefined;
}

/** Injection token of the {@link SharedBucketsHolder}. */
export const SHARED_BUCKETS = Symbol('SharedBuckets');
