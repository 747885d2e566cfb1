import type { ZoneView } from '../../control/index.js';

/** Limits of a tree of sessions that end in its suspension, not only in a refusal. */
export type BreakerThresholds = ZoneView['settings']['breaker'];

export type BreakerName = keyof BreakerThresholds;

/** What a suspension by the breaker says. */
export function breakerReason(name: BreakerName): string {
  return `breaker:${name}`;
}

/** Where a new child would stand in its tree. */
export interface SpawnFacts {
  readonly depth: number;
  /** Children that its parent would have. */
  readonly fanOut: number;
  /** Sessions started in its tree within a minute. */
  readonly spawned: number;
}

/** The threshold that one more session would pass, if any. */
export function spawnTrips(thresholds: BreakerThresholds, facts: SpawnFacts): BreakerName | undefined {
  const { depth, fan_out: fanOut, spawns_per_minute: spawns } = thresholds;
  if (depth !== undefined && facts.depth > depth) return 'depth';
  if (fanOut !== undefined && facts.fanOut > fanOut) return 'fan_out';
  return spawns !== undefined && facts.spawned > spawns ? 'spawns_per_minute' : undefined;
}

/** Thrown in the transaction of a spawn, which must not happen; the suspension is a change of its own. */
export class RunawayError extends Error {
  override readonly name = 'RunawayError';

  constructor(
    readonly root: string,
    readonly passed: BreakerName,
  ) {
    super(`a tree of sessions has passed ${passed}`);
  }
}

/** True when a call must be counted at all. */
export function isWatched(thresholds: BreakerThresholds, refused: boolean): boolean {
  return thresholds.calls_per_minute !== undefined || (refused && thresholds.refusals_per_minute !== undefined);
}

const MINUTE_MS = 60_000;

/** Calls of one tree, counted in minutes from the first. */
export class CallWindow {
  private calls = 0;
  private refusals = 0;

  constructor(private since: number) {}

  /** Counts one call; the threshold that it passes, if any. */
  note(refused: boolean, thresholds: BreakerThresholds, now: number): BreakerName | undefined {
    if (now - this.since >= MINUTE_MS || now < this.since) {
      this.since = now;
      this.calls = 0;
      this.refusals = 0;
    }
    this.calls += 1;
    if (refused) this.refusals += 1;
    if (this.calls > (thresholds.calls_per_minute ?? Infinity)) return 'calls_per_minute';
    return this.refusals > (thresholds.refusals_per_minute ?? Infinity) ? 'refusals_per_minute' : undefined;
  }
}
