import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { ChangeTx } from '../../audit/index.js';
import { type Act, requireReach } from '../domain/sessions/reach.js';
import { isOpen } from '../domain/sessions/session.js';
import { GraphChanges } from '../graph-changes.js';
import { RuntimeState } from '../state/runtime-state.js';
import { endSession } from './end-sessions.js';
import { callerOf, initiatorOf, type RuntimeCall } from './runtime-call.js';
import { type DetailedSession, SessionGraph } from './session-graph.js';
import { resumeSession, suspendSession } from './standing.js';

/** Suspends, resumes and terminates sessions at the request of agents and their applications. Each answers the session as it is then. */
@Injectable()
export class SessionLifecycle {
  constructor(
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Stops a session and all below it until it is resumed. Throws `session_not_active` when it has ended, `invalid_transition` when it is suspended. */
  suspend(call: RuntimeCall, id: string, reason = 'requested'): Promise<DetailedSession> {
    return this.change(call, { id, act: 'own' }, (tx, session, { now }) =>
      suspendSession(tx, session, { by: initiatorOf(call), now, reason }),
    );
  }

  /**
   * Lets a suspended session go on, under a new generation. Throws `session_not_active` when anything above it is not active, `access_denied`
   * when the breaker or an administrator suspended it: then only an administrator lets it go on.
   */
  resume(call: RuntimeCall, id: string): Promise<DetailedSession> {
    return this.change(call, { id, act: 'own' }, async (tx, session, { now, graph }) => {
      if (session.status === 'suspended' && session.held)
        throw new AppError('access_denied', 'Only an administrator lets this session go on.');
      await resumeSession(tx, graph, session, { by: initiatorOf(call), now });
    });
  }

  /** Ends a session and all below it. Of a session that has ended already it changes nothing. */
  terminate(call: RuntimeCall, id: string, reason = 'requested'): Promise<DetailedSession> {
    return this.change(call, { id, act: 'terminate' }, async (tx, session, { now }) => {
      if (isOpen(session.status))
        await endSession(tx, session, { status: 'terminated', reason, by: initiatorOf(call), now });
    });
  }

  private async change(
    call: RuntimeCall,
    what: { id: string; act: Act },
    work: (tx: ChangeTx, session: DetailedSession, seen: { now: number; graph: SessionGraph }) => Promise<void>,
  ): Promise<DetailedSession> {
    const { at } = await this.runtime.anchors(call.zone);
    return this.graph.run(call.zone, 'ending', async (tx) => {
      const facts = at(this.clock.now());
      const graph = new SessionGraph(tx, facts);
      const before = requireReach(callerOf(call), await graph.session(what.id), what.act);
      await work(tx, before, { now: facts.now, graph });
      return (await new SessionGraph(tx, facts).session(what.id)) ?? before;
    });
  }
}
