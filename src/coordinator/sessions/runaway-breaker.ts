import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Catalogue } from '../../control/index.js';
import { APP_LOGGER, type AppLogger } from '../../platform/logging/index.js';
import { type BreakerName, breakerReason, CallWindow, isWatched } from '../domain/breaker.js';
import { SYSTEM } from '../domain/initiator.js';
import { GraphChanges } from '../graph-changes.js';
import { RuntimeState } from '../state/runtime-state.js';
import { SessionGraph } from './session-graph.js';
import { holdSession } from './standing.js';

const MOST_TREES = 16_384;

/** A call that was decided on, and the session it was made under. */
export interface NotedCall {
  readonly zone: string;
  readonly session: string;
  readonly refused: boolean;
}

/**
 * Suspends a whole tree of sessions when it passes one of the zone's thresholds. Calls are counted by each replica for itself, without
 * waiting and without the database; a tree that is suspended is refused by everything that asks for its standing.
 */
@Injectable()
export class RunawayBreaker {
  private readonly trees = new LRUCache<string, CallWindow>({ max: MOST_TREES });
  private readonly tripping = new Set<string>();

  constructor(
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    private readonly catalogue: Catalogue,
    @Inject(APP_LOGGER) private readonly log: AppLogger,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Counts a call, and suspends its tree when it passes a threshold. Never rejects: what fails is tried again with the next call. */
  async note(call: NotedCall): Promise<void> {
    await this.count(call).catch((error: unknown) => this.log.error({ err: error }, 'a call could not be counted'));
  }

  private async count(call: NotedCall): Promise<void> {
    const breaker = (await this.catalogue.zone(call.zone))?.settings.breaker;
    if (!breaker || !isWatched(breaker, call.refused)) return;
    const root = (await this.runtime.session(call.zone, call.session))?.root;
    if (root === undefined) return;
    const now = this.clock.now();
    const key = `${call.zone}/${root}`;
    const window = this.trees.get(key) ?? new CallWindow(now);
    this.trees.set(key, window);
    const passed = window.note(call.refused, breaker, now);
    if (passed !== undefined) await this.tripOnce(call.zone, root, passed);
  }

  /** Calls that are under way together pass the threshold together. */
  private async tripOnce(zone: string, root: string, passed: BreakerName): Promise<void> {
    const key = `${zone}/${root}`;
    if (this.tripping.has(key)) return;
    this.tripping.add(key);
    await this.trip(zone, root, passed)
      .then(() => this.trees.delete(key))
      .finally(() => this.tripping.delete(key));
  }

  /** Suspends the tree under this root, if it is active. */
  async trip(zone: string, root: string, passed: BreakerName): Promise<void> {
    const { at } = await this.runtime.anchors(zone);
    await this.graph.run(zone, 'ending', async (tx) => {
      const now = this.clock.now();
      const session = await new SessionGraph(tx, at(now)).session(root);
      if (session?.status === 'active')
        await holdSession(tx, session, { by: SYSTEM, now, reason: breakerReason(passed) });
    });
  }
}
