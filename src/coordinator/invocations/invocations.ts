import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { AuditedChanges } from '../../audit/index.js';
import { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { invocationEntry } from '../domain/invocations/invocation-entry.js';
import type { Invocation } from '../domain/invocations/invocation.js';
import type { Move } from '../domain/invocations/moves.js';
import { digestOf, type InvocationRequest, newInvocation } from '../domain/invocations/new-invocation.js';
import { type Party, requireParty } from '../domain/invocations/parties.js';
import { requireActive } from '../domain/sessions/session-start.js';
import type { SessionView } from '../domain/sessions/session.js';
import { countUnfinished } from '../persistence/invocations/invocation-lists.js';
import {
  addEvent,
  insertInvocation,
  lockInvocation,
  readInvocation,
} from '../persistence/invocations/invocation-rows.js';
import { callerOf, initiatorOf, type RuntimeCall } from '../sessions/runtime-call.js';
import { RuntimeState } from '../state/runtime-state.js';
import { recordMove } from './record-move.js';

/** What a party does to an invocation. */
export type Act = Exclude<Move, { kind: 'start' | 'abandon' | 'time_out' }> | { readonly kind: 'start' };

const PARTIES: Readonly<Record<Act['kind'], Party>> = {
  start: 'target',
  progress: 'target',
  complete: 'target',
  fail: 'target',
  retry: 'source',
  cancel: 'source',
};

/** Unfinished invocations that one session may be handed. */
const MOST_UNFINISHED = 1_000;

/**
 * Work between sessions. An invocation passes work, not authority, so none of this takes the graph lock: each move holds the invocation's own
 * row, and what ends a party meanwhile is followed by the upkeep.
 */
@Injectable()
export class Invocations {
  constructor(
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Hands work to another session. Throws `access_denied` for a token without a session, `session_not_active` unless both are active. */
  async create(call: RuntimeCall, asked: InvocationRequest): Promise<Invocation> {
    const { sid } = call.claims;
    if (sid === undefined) throw new AppError('access_denied', 'Only a session hands out work; present its token.');
    const source = await this.active(call.zone, sid);
    const target = await this.active(call.zone, asked.target);
    return this.changes.run(call.zone, async (tx) => {
      const now = this.clock.now();
      const invocation = newInvocation(asked, { id: newId('inv'), source, target, now });
      if ((await countUnfinished(tx, target.id, now)) >= MOST_UNFINISHED) throw crowded();
      await insertInvocation(tx, invocation);
      const event = { type: 'created', at: now, attempt: 0 } as const;
      await addEvent(tx, invocation.id, event);
      tx.record(invocationEntry(event, invocation, initiatorOf(call)));
      tx.changed('invocation', target.id);
      return invocation;
    });
  }

  /** One move by a party. Throws `access_denied` for the wrong party, `not_found` for a stranger, `invalid_transition` for an illegal move. */
  async act(call: RuntimeCall, id: string, act: Act): Promise<Invocation> {
    const known = await this.database.readZone(call.zone, (tx) => readInvocation(tx, id));
    const above = await this.above(call, known);
    const need = { act: PARTIES[act.kind], above };
    requireParty(callerOf(call), known, need);
    const target = known && (await this.runtime.session(call.zone, known.target));
    return this.changes.run(call.zone, async (tx) => {
      const before = requireParty(callerOf(call), await lockInvocation(tx, id), need);
      const move = moveOf(act, target);
      return recordMove(tx, before, { move, by: initiatorOf(call), now: this.clock.now() });
    });
  }

  /** Whether the caller's session stands above a party of the invocation. */
  async above({ zone, claims }: RuntimeCall, found: Invocation | undefined): Promise<(session: string) => boolean> {
    const { sid, client_id: application } = claims;
    if (sid === undefined || !found) return () => false;
    const ends = await Promise.all([found.source, found.target].map((id) => this.runtime.session(zone, id)));
    return (session) =>
      ends.some((end) => end?.id === session && end.application === application && end.path.includes(sid));
  }

  private async active(zone: string, id: string): Promise<SessionView> {
    const session = await this.runtime.session(zone, id);
    if (!session) throw new AppError('not_found', 'There is no such session.');
    requireActive(session);
    return session;
  }
}

/** Whatever goes on needs an assignee that may work now; only giving up does not. */
function moveOf(act: Act, target: SessionView | undefined): Move {
  if (act.kind === 'cancel') return act;
  if (!target) throw new AppError('session_not_active', 'The target is gone.');
  requireActive(target);
  if (act.kind === 'start') return { kind: 'start', generation: target.generation };
  return act.kind === 'complete' ? { ...act, digest: act.digest ?? digestOf(act.result) } : act;
}

function crowded(): AppError {
  return new AppError('limit_exceeded', 'The target has too much to do.', {
    members: { limit: 'invocations_per_session' },
  });
}
