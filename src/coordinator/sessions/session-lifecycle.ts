import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { ChangeTx } from '../../audit/index.js';
import { sessionEntry } from '../domain/entries.js';
import { type Act, requireReach } from '../domain/sessions/reach.js';
import { revocationKey } from '../domain/revocation.js';
import { isOpen } from '../domain/sessions/session.js';
import { GraphChanges } from '../graph-changes.js';
import { updateStanding } from '../persistence/session-rows.js';
import { RuntimeState } from '../state/runtime-state.js';
import { endSession } from './end-sessions.js';
import { callerOf, initiatorOf, type RuntimeCall } from './runtime-call.js';
import { type DetailedSession, SessionGraph } from './session-graph.js';

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
    return this.change(call, { id, act: 'own' }, async (tx, session, now) => {
      requireStanding(session, 'active');
      await updateStanding(tx, id, {
        status: 'suspended',
        suspendedAt: now,
        suspendReason: reason,
        leaseExpiresAt: null,
      });
      announce(tx, id);
      tx.record(sessionEntry('suspended', session, initiatorOf(call), { at: now, reason }));
    });
  }

  /** Lets a suspended session go on, under a new generation. Throws `session_not_active` when anything above it is not active. */
  resume(call: RuntimeCall, id: string): Promise<DetailedSession> {
    return this.change(call, { id, act: 'own' }, async (tx, session, now) => {
      requireStanding(session, 'suspended');
      if (session.suspendReason === 'ancestor_suspended')
        throw new AppError('session_not_active', 'A session above this one is suspended.');
      const lease = session.leaseSeconds === undefined ? {} : { leaseExpiresAt: now + session.leaseSeconds * 1000 };
      await updateStanding(tx, id, {
        status: 'active',
        generation: session.generation + 1,
        suspendedAt: null,
        suspendReason: null,
        ...lease,
      });
      announce(tx, id);
      tx.record(sessionEntry('resumed', session, initiatorOf(call), { at: now }));
    });
  }

  /** Ends a session and all below it. Of a session that has ended already it changes nothing. */
  terminate(call: RuntimeCall, id: string, reason = 'requested'): Promise<DetailedSession> {
    return this.change(call, { id, act: 'terminate' }, async (tx, session, now) => {
      if (isOpen(session.status))
        await endSession(tx, session, { status: 'terminated', reason, by: initiatorOf(call), now });
    });
  }

  private async change(
    call: RuntimeCall,
    what: { id: string; act: Act },
    work: (tx: ChangeTx, session: DetailedSession, now: number) => Promise<void>,
  ): Promise<DetailedSession> {
    const { at } = await this.runtime.anchors(call.zone);
    return this.graph.run(call.zone, 'ending', async (tx) => {
      const facts = at(this.clock.now());
      const before = requireReach(callerOf(call), await new SessionGraph(tx, facts).session(what.id), what.act);
      await work(tx, before, facts.now);
      return (await new SessionGraph(tx, facts).session(what.id)) ?? before;
    });
  }
}

/** Suspension ends nothing for good, so it has no anchor; the news makes whoever holds open work judge it anew. */
function announce(tx: ChangeTx, id: string): void {
  tx.changed('session', id);
  tx.changed('revocation', revocationKey('session', id));
}

function requireStanding(session: DetailedSession, status: 'active' | 'suspended'): void {
  if (session.status === status) return;
  if (!isOpen(session.status)) throw new AppError('session_not_active', `The session is ${session.status}.`);
  throw new AppError('invalid_transition', `The session is ${session.status}.`);
}
