import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SteadyClock } from './system-clock.js';

describe('the wall clock of the process', () => {
  it('is the system’s while that only goes forward, also by leaps', () => {
    const source = { wall: 1_000, monotonic: 5 };
    const clock = new SteadyClock({ wall: () => source.wall, monotonic: () => source.monotonic });
    expect(clock.now()).toBe(1_000);
    Object.assign(source, { wall: 1_010, monotonic: 15.4 });
    expect(clock.now()).toBe(1_010);
    Object.assign(source, { wall: 9_999, monotonic: 16 });
    expect(clock.now()).toBe(9_999);
    expect(clock.monotonic()).toBe(16);
  });

  it('[T4] goes on by the time that has passed when the system’s is set back', () => {
    const source = { wall: 100_000, monotonic: 0 };
    const clock = new SteadyClock({ wall: () => source.wall, monotonic: () => source.monotonic });
    clock.now();
    Object.assign(source, { wall: 10_000, monotonic: 250.6 });
    expect(clock.now()).toBe(100_250);
    Object.assign(source, { wall: 11_000, monotonic: 1_250 });
    expect(clock.now()).toBe(101_250);
    Object.assign(source, { wall: 200_000, monotonic: 1_300 });
    expect(clock.now()).toBe(200_000);
  });

  it('[T4] never goes back and never falls behind what has passed, however the system’s is set', () => {
    const step = fc.record({ passes: fc.nat(10_000), set: fc.option(fc.integer({ min: -1e9, max: 1e9 })) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const source = { wall: 1e12, monotonic: 0 };
        const clock = new SteadyClock({ wall: () => source.wall, monotonic: () => source.monotonic });
        let last = clock.now();
        for (const { passes, set } of steps) {
          source.monotonic += passes;
          source.wall += passes + (set ?? 0);
          const now = clock.now();
          expect(now).toBeGreaterThanOrEqual(Math.max(last + passes, source.wall));
          last = now;
        }
      }),
    );
  });
});
