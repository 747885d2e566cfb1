import { describe, expect, it } from '@jest/globals';
import { CallWindow, isWatched, spawnTrips } from './breaker.js';

const calm = { depth: 3, fanOut: 5, spawned: 20 };

describe('the runaway breaker', () => {
  it('[T8] trips on the first threshold that one more session would pass', () => {
    expect(spawnTrips({}, calm)).toBeUndefined();
    expect(spawnTrips({ depth: 3, fan_out: 5, spawns_per_minute: 20 }, calm)).toBeUndefined();
    expect(spawnTrips({ depth: 2 }, calm)).toBe('depth');
    expect(spawnTrips({ fan_out: 4 }, calm)).toBe('fan_out');
    expect(spawnTrips({ spawns_per_minute: 19 }, calm)).toBe('spawns_per_minute');
  });

  it('[T8] trips on calls and refusals within a minute, and begins a new count with each', () => {
    const window = new CallWindow(0);
    const thresholds = { calls_per_minute: 3, refusals_per_minute: 1 };
    expect(window.note(true, thresholds, 1)).toBeUndefined();
    expect(window.note(false, thresholds, 2)).toBeUndefined();
    expect(window.note(true, thresholds, 3)).toBe('refusals_per_minute');
    expect(window.note(false, thresholds, 4)).toBe('calls_per_minute');
    expect(window.note(true, thresholds, 60_000)).toBeUndefined();
    expect(window.note(false, thresholds, 0)).toBeUndefined();
  });

  it('watches only what has a threshold', () => {
    expect(isWatched({}, true)).toBe(false);
    expect(isWatched({ refusals_per_minute: 1 }, false)).toBe(false);
    expect(isWatched({ refusals_per_minute: 1 }, true)).toBe(true);
    expect(isWatched({ calls_per_minute: 1 }, false)).toBe(true);
  });
});
