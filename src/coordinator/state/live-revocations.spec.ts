import { describe, expect, it } from '@jest/globals';
import { LiveRevocations } from './live-revocations.js';

describe('live revocations', () => {
  it('hold an anchor until no token can match it any more', () => {
    const live = new LiveRevocations();
    live.put({ kind: 'token', anchor: 'jti_1', expiresAt: 100 }, 0);
    expect(live.has('token', 'jti_1', 99)).toBe(true);
    expect(live.has('token', 'jti_1', 100)).toBe(false);
    expect(live.has('session', 'jti_1', 0)).toBe(false);
  });

  it('keep the later end of an anchor that is put twice', () => {
    const live = new LiveRevocations();
    live.put({ kind: 'token', anchor: 'a', expiresAt: 100 }, 0);
    live.put({ kind: 'token', anchor: 'a', expiresAt: 50 }, 0);
    expect(live.has('token', 'a', 80)).toBe(true);
  });

  it('[T8] forget what has run out, so that memory follows what is live', () => {
    const live = new LiveRevocations();
    for (let n = 0; n < 2_000; n += 1) live.put({ kind: 'token', anchor: `jti_${n}`, expiresAt: n }, n);
    expect(live.size).toBeLessThan(600);
  });

  it('[T2] never take a subject back to an earlier epoch', () => {
    const live = new LiveRevocations();
    expect(live.subjectEpoch('user:x')).toBe(0);
    live.putSubjects(new Map([['user:x', { epoch: 3, revokedAt: 30 }]]));
    live.putSubjects(new Map([['user:x', { epoch: 2, revokedAt: 20 }]]));
    expect(live.standing('user:x')).toEqual({ epoch: 3, revokedAt: 30 });
  });
});
