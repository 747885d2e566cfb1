import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { bearerChallenge, Unauthenticated } from '../../platform/http/index.js';
import { ChangeFeed } from '../../platform/changes/index.js';
import { Database } from '../../platform/database/index.js';
import { Readiness } from '../../platform/health/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import type { Invocation } from '../domain/invocations/invocation.js';
import { listAssigned, nextAvailable } from '../persistence/invocations/invocation-lists.js';
import { callerOf, type RuntimeCall } from '../sessions/runtime-call.js';
import { RuntimeState } from '../state/runtime-state.js';
import { Sleepers } from './sleepers.js';

export interface AssignmentQuestion {
  readonly limit: number;
  readonly cursor?: string;
  /** How long to wait while there is nothing to do, in milliseconds. */
  readonly waitMs: number;
  /** Whoever asked has gone. */
  readonly gone: AbortSignal;
}

/** Tells assignees what they may begin, at once or as soon as there is something. Waiting holds no connection to the database. */
@Injectable()
export class Assignments {
  private readonly sleepers = new Sleepers();

  constructor(
    private readonly database: Database,
    private readonly runtime: RuntimeState,
    private readonly urls: PublicUrls,
    feed: ChangeFeed,
    readiness: Readiness,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    feed.subscribe(['invocation'], (zone) => this.sleepers.wake(zone));
    feed.onReset((zone) => this.sleepers.wake(zone));
    runtime.onRevoked((zone) => this.sleepers.wake(zone));
    readiness.onShutDown(() => this.sleepers.close());
  }

  /** Pending work whose time has come, one more than the limit when there is more; nothing when the time to wait is over. */
  async of(call: RuntimeCall, asked: AssignmentQuestion): Promise<Invocation[]> {
    const until = this.clock.monotonic() + asked.waitMs;
    await this.runtime.anchors(call.zone);
    for (;;) {
      // Before the look, so that nothing falls between the look and the sleep.
      const sleep = this.sleepers.prepare(call.zone);
      const { found, next } = await this.look(call, asked);
      const left = until - this.clock.monotonic();
      if (found.length > 0 || left <= 0 || !this.sleepers.open || asked.gone.aborted) {
        sleep.cancel();
        return found;
      }
      await sleep.atMost(Math.min(left, next), asked.gone);
      await this.requireStanding(call);
    }
  }

  private look(
    call: RuntimeCall,
    { limit, cursor }: AssignmentQuestion,
  ): Promise<{ found: Invocation[]; next: number }> {
    const now = this.clock.now();
    const party = callerOf(call);
    return this.database.readZone(call.zone, async (tx) => {
      const found = await listAssigned(tx, party, { limit: limit + 1, after: cursor, now });
      if (found.length > 0) return { found, next: 0 };
      const next = await nextAvailable(tx, party, now);
      return { found, next: next === undefined ? Number.POSITIVE_INFINITY : Math.max(next - now, 1) };
    });
  }

  /** Authority may have ended while somebody waited; then nothing is told any more. */
  private async requireStanding({ zone, claims }: RuntimeCall): Promise<void> {
    const verdict = await this.runtime.verdict(zone, claims, this.clock.now());
    if (verdict === 'active' && claims.exp * 1000 > this.clock.now()) return;
    if (verdict === 'suspended') throw new AppError('session_not_active', 'The session is suspended.');
    const challenge = bearerChallenge({ realm: this.urls.issuer(zone), error: 'invalid_token' });
    throw new Unauthenticated([challenge], 'the token ended while it waited');
  }
}
