import type { Clock } from '../kernel/clock.js';

/** The system's clocks, in milliseconds. */
export interface ClockSource {
  wall(): number;
  monotonic(): number;
}

/**
 * A wall clock that is never set back: it follows the system's when that is ahead, and otherwise goes on from where it was by the time that has
 * passed. What has expired in this process has therefore expired for good. While it is ahead, readiness says `clock_skew`.
 */
export class SteadyClock implements Clock {
  private latest = { wall: Number.NEGATIVE_INFINITY, at: 0 };

  constructor(private readonly source: ClockSource) {}

  now(): number {
    const [wall, at] = [this.source.wall(), this.source.monotonic()];
    const least = this.latest.wall + (at - this.latest.at);
    if (wall < least) return Math.floor(least);
    this.latest = { wall, at };
    return wall;
  }

  monotonic(): number {
    return this.source.monotonic();
  }
}

/** The clocks of the process. */
export const systemClock: Clock = new SteadyClock({ wall: () => Date.now(), monotonic: () => performance.now() });
