import { AppError } from '../../kernel/app-error.js';
import type { ChangeTx } from '../../audit/index.js';
import { sessionEntry } from '../domain/entries.js';
import type { Initiator } from '../domain/initiator.js';
import { revocationKey } from '../domain/revocation.js';
import { isOpen } from '../domain/sessions/session.js';
import { updateStanding } from '../persistence/session-rows.js';
import type { DetailedSession, SessionGraph } from './session-graph.js';

export interface StandingChange {
  readonly by: Initiator;
  readonly now: number;
  readonly reason?: string | undefined;
}

/**
 * Suspends a session in the caller's transaction, under the graph lock. Throws `session_not_active` when it has ended, `invalid_transition`
 * when it is suspended already.
 */
export async function suspendSession(tx: ChangeTx, session: DetailedSession, change: StandingChange): Promise<void> {
  requireStanding(session, 'active');
  await suspend(tx, session, change, false);
}

/** {@link suspendSession}, so that only an administrator lets it go on; also of a session that others have suspended. */
export async function holdSession(tx: ChangeTx, session: DetailedSession, change: StandingChange): Promise<void> {
  if (session.held || !isOpen(session.status)) requireStanding(session, 'active');
  await suspend(tx, session, change, true);
}

async function suspend(
  tx: ChangeTx,
  session: DetailedSession,
  { by, now, reason = 'requested' }: StandingChange,
  held: boolean,
): Promise<void> {
  const standing = {
    status: 'suspended',
    suspendedAt: now,
    suspendReason: reason,
    leaseExpiresAt: null,
    held,
  } as const;
  await updateStanding(tx, session.id, standing);
  announce(tx, session.id);
  tx.record(sessionEntry('suspended', session, by, { at: now, reason }));
}

/**
 * Lets a suspended session go on under a new generation, in the caller's transaction, under the graph lock. Throws `session_not_active` when
 * anything above it is not active.
 */
export async function resumeSession(
  tx: ChangeTx,
  graph: SessionGraph,
  session: DetailedSession,
  { by, now, reason }: StandingChange,
): Promise<void> {
  requireStanding(session, 'suspended');
  const parent = session.parent === undefined ? undefined : await graph.session(session.parent);
  if (parent && parent.status !== 'active')
    throw new AppError('session_not_active', `A session above this one is ${parent.status}.`);
  const lease = session.leaseSeconds === undefined ? {} : { leaseExpiresAt: now + session.leaseSeconds * 1000 };
  await updateStanding(tx, session.id, {
    status: 'active',
    generation: session.generation + 1,
    suspendedAt: null,
    suspendReason: null,
    held: false,
    ...lease,
  });
  announce(tx, session.id);
  tx.record(sessionEntry('resumed', session, by, { at: now, ...(reason === undefined ? {} : { reason }) }));
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
