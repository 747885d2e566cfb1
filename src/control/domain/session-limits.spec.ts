import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  DEFAULT_SESSION_LIMITS,
  looserThan,
  MOST_SESSION_LIMITS,
  tightestLimits,
  type SessionLimitName,
} from './session-limits.js';
import { zoneSettings } from './zone-settings.js';

const names = Object.keys(DEFAULT_SESSION_LIMITS) as SessionLimitName[];
const value = fc.nat({ max: 10_000 });
const whole = fc.record(
  Object.fromEntries(names.map((name) => [name, value])) as Record<SessionLimitName, typeof value>,
);
const part = fc.record(
  Object.fromEntries(names.map((name) => [name, value])) as Record<SessionLimitName, typeof value>,
  { requiredKeys: [] },
);

describe('session limits', () => {
  it('[T2] an application never has more than its zone, and what it tightens holds', () => {
    fc.assert(
      fc.property(whole, part, (zone, application) => {
        const held = tightestLimits(zone, application);
        for (const name of names) {
          expect(held[name]).toBeLessThanOrEqual(zone[name]);
          expect(held[name]).toBeLessThanOrEqual(application[name] ?? zone[name]);
        }
      }),
    );
  });

  it('names exactly the limits an application would exceed', () => {
    fc.assert(
      fc.property(whole, part, (zone, application) => {
        const loose = new Set(looserThan(zone, application));
        for (const name of names) expect(loose.has(name)).toBe((application[name] ?? 0) > zone[name]);
      }),
    );
  });

  it('has defaults within what may be set, and no deeper than ten', () => {
    for (const name of names) expect(DEFAULT_SESSION_LIMITS[name]).toBeLessThanOrEqual(MOST_SESSION_LIMITS[name]);
    expect(MOST_SESSION_LIMITS.depth).toBe(10);
  });
});

describe('zone settings', () => {
  it('fills in what was not set and keeps what was', () => {
    const settings = zoneSettings({ limits: { depth: 2 }, grace_seconds: 5, token_lifetimes: { mandate_seconds: 60 } });
    expect(settings.limits).toEqual({ ...DEFAULT_SESSION_LIMITS, depth: 2 });
    expect(settings.token_lifetimes).toEqual({ application_seconds: 900, session_seconds: 900, mandate_seconds: 60 });
    expect(settings).toMatchObject({
      grace_seconds: 5,
      dpop_nonce: 'off',
      public_log: false,
      subject_session_cap_seconds: 86_400,
    });
    expect(settings.hold_ttl_seconds).toBeUndefined();
  });
});
