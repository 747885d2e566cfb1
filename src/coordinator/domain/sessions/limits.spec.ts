import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../kernel/app-error.js';
import type { SessionLimits } from '../../../control/index.js';
import { effectiveLimits, requireDepth, requireRoom } from './limits.js';

const ZONE: SessionLimits = {
  depth: 10,
  children_per_session: 50,
  sessions_per_application: 1_000,
  sessions_per_zone: 5_000,
  delegations_per_session: 100,
  holds_per_session: 10,
  holds_per_zone: 100,
  spawn_per_minute: 120,
};

function refusal(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error instanceof AppError ? { code: error.code, ...error.members } : error;
  }
  return undefined;
}

describe('limits', () => {
  it('of an application only tighten the zone’s', () => {
    expect(effectiveLimits(ZONE, { children_per_session: 5, depth: 99 })).toEqual({ ...ZONE, children_per_session: 5 });
    expect(effectiveLimits(ZONE, undefined)).toEqual(ZONE);
  });

  it('never let a session stand deeper than 10', () =>
    expect(effectiveLimits({ ...ZONE, depth: 50 }, {}).depth).toBe(10));

  it('[T8] are reached, not passed', () => {
    expect(refusal(() => requireRoom(ZONE, 'children_per_session', 49))).toBeUndefined();
    expect(refusal(() => requireRoom(ZONE, 'children_per_session', 50))).toEqual({
      code: 'limit_exceeded',
      limit: 'children_per_session',
    });
    expect(refusal(() => requireDepth(ZONE, 10))).toBeUndefined();
    expect(refusal(() => requireDepth(ZONE, 11))).toEqual({ code: 'limit_exceeded', limit: 'depth' });
    expect(refusal(() => requireRoom({ ...ZONE, sessions_per_zone: 0 }, 'sessions_per_zone', 0))).toEqual({
      code: 'limit_exceeded',
      limit: 'sessions_per_zone',
    });
  });

  it('[T8] of a rate say how often and when again', () => {
    const spent = () => requireRoom(ZONE, 'spawn_per_minute', 120);
    const quota = { name: 'spawn_per_minute', perMinute: 120 };
    expect(spent).toThrow(expect.objectContaining({ retryAfter: 60, quota }));
    expect(() => requireDepth(ZONE, 11)).toThrow(expect.objectContaining({ quota: undefined }));
  });
});
