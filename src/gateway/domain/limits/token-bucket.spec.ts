import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Bucket, rateLimitHeaders, takeToken } from './token-bucket.js';

describe('[T8] takeToken', () => {
  it('allows the quota at once, then refuses until a token has come back', () => {
    let bucket: Bucket | undefined;
    for (let call = 0; call < 3; call += 1) {
      const verdict = takeToken(bucket, 3, 0);
      expect(verdict).toMatchObject({ allowed: true, remaining: 2 - call });
      bucket = verdict.bucket;
    }
    const refused = takeToken(bucket, 3, 0);
    expect(refused).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 20 });
    expect(takeToken(refused.bucket, 3, 19_999).allowed).toBe(false);
    expect(takeToken(refused.bucket, 3, 20_000).allowed).toBe(true);
  });

  it('never allows more than twice the quota in a minute, and waiting as told is enough', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: -100, max: 2_000 }), { maxLength: 200 }),
        (quota, steps) => {
          let bucket: Bucket | undefined;
          let now = 0;
          const allowedAt: number[] = [];
          for (const step of steps) {
            now += step;
            const verdict = takeToken(bucket, quota, now);
            bucket = verdict.bucket;
            if (verdict.allowed) allowedAt.push(bucket.at);
            else expect(takeToken(bucket, quota, bucket.at + verdict.resetSeconds * 1_000).allowed).toBe(true);
          }
          for (const start of allowedAt) {
            expect(allowedAt.filter((at) => at >= start && at < start + 60_000).length).toBeLessThanOrEqual(2 * quota);
          }
        },
      ),
    );
  });

  it('prints the RateLimit fields', () => {
    expect(rateLimitHeaders(3, takeToken(undefined, 3, 0))).toEqual([
      'RateLimit-Policy',
      '"resource";q=3;w=60',
      'RateLimit',
      '"resource";r=2;t=20',
    ]);
  });
});
