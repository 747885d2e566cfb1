export { RedisBuckets, type SharedBuckets } from './redis-buckets.js';
export { SHARED_BUCKETS, type SharedBucketsHolder } from './holder.js';
