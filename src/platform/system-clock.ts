import type { Clock } from '../kernel/clock.js';

/** The clocks of the process. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
