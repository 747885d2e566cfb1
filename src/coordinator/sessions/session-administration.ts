import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { adminEntry, type ChangeTx } from '../../audit/index.js';
import { GraphChanges } from '../graph-changes.js';
import { type AdminRuntimeCall, administrator, requireChangeable } from '../revocations/administration.js';
import { RuntimeState } from '../state/runtime-state.js';
import { type DetailedSession, SessionGraph } from './session-graph.js';
import { holdSession, resumeSession, type StandingChange } from './standing.js';

type Work = (tx: ChangeTx, graph: SessionGraph, session: DetailedSession, change: StandingChange) => Promise<void>;

/** Suspends and resumes sessions at the request of administrators: also what the breaker has suspended. */
@Injectable()
export class SessionAdministration {
  constructor(
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found`, `session_not_active` when it has ended, `invalid_transition` when an administrator or the breaker has suspended it. */
  suspend(call: AdminRuntimeCall, id: string, reason = 'suspended by an administrator'): Promise<void> {
    return this.change(call, { id, reason, action: 'sessions.suspend' }, (tx, _graph, session, change) =>
      holdSession(tx, session, change),
    );
  }

  /** Throws `not_found`, `session_not_active` when it or anything above it is not active, `invalid_transition` when it is not suspended. */
  resume(call: AdminRuntimeCall, id: string, reason?: string): Promise<void> {
    return this.change(call, { id, reason, action: 'sessions.resume' }, resumeSession);
  }

  private async change(
    call: AdminRuntimeCall,
    { id, reason, action }: { id: string; reason: string | undefined; action: string },
    work: Work,
  ): Promise<void> {
    const { view, at } = await this.runtime.anchors(call.zone);
    requireChangeable(view);
    await this.graph.run(call.zone, 'ending', async (tx) => {
      const now = this.clock.now();
      const graph = new SessionGraph(tx, at(now));
      const session = await graph.session(id);
      if (!session) throw new AppError('not_found', 'There is no such session.');
      await work(tx, graph, session, { by: administrator(call), now, reason });
      const detail = reason === undefined ? {} : { reason };
      tx.record(adminEntry(call.admin, call.origin, { action, target: `session:${id}`, occurredAt: now, detail }));
    });
  }
}
