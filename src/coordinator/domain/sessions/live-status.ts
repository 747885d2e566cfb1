import { isOpen, LEASE_MISSED, type SessionRecord, type SessionStatus, type SessionView } from './session.js';

/** An anchor outside the tree that ends a session. */
export type Anchor = 'zone' | 'application' | 'credential' | 'subject';

export interface StatusFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long a service may be without a lease before it ends. */
  readonly graceMs: number;
  /** The anchor that was killed or revoked after the session started, if any. */
  readonly endedBy: (session: SessionRecord) => Anchor | undefined;
}

interface Standing {
  readonly status: SessionStatus;
  readonly at?: number | undefined;
  readonly reason?: string | undefined;
}

const ACTIVE: Standing = { status: 'active' };

/**
 * What a session is now, given its path from the root to itself: ended when it or anything above it has ended, suspended when it or anything
 * above it is suspended. It never reports more life than any member of the path has. The caller must pass the whole path.
 */
export function liveStatus(path: readonly SessionRecord[], facts: StatusFacts): SessionView {
  const session = path.at(-1);
  if (!session) throw new TypeError('a path ends with its session');
  const own = standing(session, facts);
  if (!isOpen(own.status)) return ended(session, own);
  const above = path.slice(0, -1).map((ancestor) => standing(ancestor, facts));
  const dead = above.find((ancestor) => !isOpen(ancestor.status));
  if (dead) return ended(session, { status: 'terminated', at: dead.at, reason: 'ancestor_ended' });
  if (own.status === 'suspended') return suspended(session, own);
  const held = above.find((ancestor) => ancestor.status === 'suspended');
  return held ? suspended(session, { ...held, reason: 'ancestor_suspended' }) : session;
}

/** What a session is by itself, whatever became of those above it. */
export function standing(session: SessionRecord, facts: StatusFacts): Standing {
  if (!isOpen(session.status)) return { status: session.status, at: session.endedAt, reason: session.endReason };
  const anchor = facts.endedBy(session);
  if (anchor) return { status: 'terminated', reason: `${anchor}_revoked` };
  if (session.expiresAt !== undefined && session.expiresAt <= facts.now)
    return { status: 'expired', at: session.expiresAt, reason: 'ttl' };
  return leased(session, facts);
}

function leased(session: SessionRecord, facts: StatusFacts): Standing {
  const lease = isLeaseBound(session) ? session.leaseExpiresAt : undefined;
  if (lease !== undefined && lease + facts.graceMs <= facts.now)
    return { status: 'terminated', at: lease + facts.graceMs, reason: 'lease_lost' };
  if (session.status === 'suspended')
    return { status: 'suspended', at: session.suspendedAt, reason: session.suspendReason };
  return lease !== undefined && lease <= facts.now ? { status: 'suspended', at: lease, reason: LEASE_MISSED } : ACTIVE;
}

/** True for a service that lives by its lease now; one that was suspended on purpose does not. */
function isLeaseBound(session: SessionRecord): boolean {
  return session.lifecycle === 'service' && (session.status === 'active' || session.suspendReason === LEASE_MISSED);
}

/** True when the lease has passed, as far as this record knows. */
export function hasMissedLease(session: SessionRecord, now: number): boolean {
  return isLeaseBound(session) && session.leaseExpiresAt !== undefined && session.leaseExpiresAt <= now;
}

function ended(session: SessionRecord, by: Standing): SessionView {
  return { ...session, status: by.status, endedAt: by.at, endReason: by.reason };
}

function suspended(session: SessionRecord, by: Standing): SessionView {
  return { ...session, status: 'suspended', suspendedAt: by.at, suspendReason: by.reason };
}
