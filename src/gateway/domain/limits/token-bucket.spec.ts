import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { quotasOf, rateLimitHeaders } from './quotas.js';
import { effectiveLimits } from './effective-limits.js';
import { type Bucket, takeToken, takeTokens } from './token-bucket.js';

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

  it('takes of all or of none', () => {
    const full = takeTokens(
      [
        { bucket: undefined, quota: 2 },
        { bucket: undefined, quota: 1 },
      ],
      0,
    );
    expect(full.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 1],
      [true, 0],
    ]);
    const [one, other] = full;
    const refused = takeTokens(
      [
        { bucket: one?.bucket, quota: 2 },
        { bucket: other?.bucket, quota: 1 },
      ],
      0,
    );
    expect(refused.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 1],
      [false, 0],
    ]);
  });
});

describe('quotas', () => {
  const limits = effectiveLimits({
    requests_per_minute: 9,
    session_requests_per_minute: 3,
    address_requests_per_minute: 5,
  });

  it('are those that apply, an address with its whole /64', () => {
    const keys = (session: string | undefined, address: string): string[] =>
      quotasOf(limits, { application: 'a', session, address }).map(({ key }) => key);
    expect(keys('s', '192.0.2.1')).toEqual(['resource:', 'session:s', 'address:192.0.2.1']);
    expect(keys(undefined, '2001:db8:1:2:3::4')).toEqual(['resource:', 'address:2001:db8:1:2::/64']);
    expect(keys(undefined, '2001:db8::4')).toEqual(['resource:', 'address:2001:db8:0:0::/64']);
    expect(keys(undefined, '::ffff:192.0.2.1')).toEqual(['resource:', 'address:::ffff:192.0.2.1']);
  });

  it('print the RateLimit fields', () => {
    const quotas = quotasOf(limits, { application: 'a', session: 's', address: '192.0.2.1' }).slice(0, 2);
    const verdicts = takeTokens(
      quotas.map(({ perMinute }) => ({ bucket: undefined, quota: perMinute })),
      0,
    );
    expect(rateLimitHeaders(quotas, verdicts)).toEqual([
      'RateLimit-Policy',
      '"resource";q=9;w=60, "session";q=3;w=60',
      'RateLimit',
      '"resource";r=8;t=7, "session";r=2;t=20',
    ]);
    expect(rateLimitHeaders([], [])).toEqual([]);
  });
});
