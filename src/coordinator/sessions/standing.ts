import { AppError } from '../../kernel/app-error.js';
import type { ChangeTx } from '../../audit/index.js';
import { sessionEntry } from '../domain/entries.js';
import type { Initiator } from '../domain/initiator.js';
import { revocationKey } from '../domain/revocation.js';
import { isOpen } from '../domain/sessions/session.js';
import { updateStanding } from '../persistence/session-rows.js';
import type { DetailedSession } from './session-graph.js';

export interface StandingChange {
  readonly by: Initiator;
  readonly now: number;
  readonly reason?: string | undefined;
}

/**
 * Suspends a session in the caller's transaction, under the graph lock. Throws `session_not_active` when it has ended, `invalid_transition`
 * when it is suspended already.
 */
export async function suspendSession(
  tx: ChangeTx,
  session: DetailedSession,
  { by, now, reason = 'requested' }: StandingChange,
): Promise<void> {
  requireStanding(session, 'active');
  const standing = { status: 'suspended', suspendedAt: now, suspendReason: reason, leaseExpiresAt: null } as const;
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
  session: DetailedSession,
  { by, now, reason }: StandingChange,
): Promise<void> {
  requireStanding(session, 'suspended');
  if (session.suspendReason === 'ancestor_suspended')
    throw new AppError('session_not_active', 'A session above this one is suspended.');
  const lease = session.leaseSeconds === undefined ? {} : { leaseExpiresAt: now + session.leaseSeconds * 1000 };
  await updateStanding(tx, session.id, {
    status: 'active',
    generation: session.generation + 1,
    suspendedAt: null,
    suspendReason: null,
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
