import { isOpen, type SessionRecord } from '../sessions/session.js';
import { type Invocation, isUnfinished } from './invocation.js';
import type { Move } from './moves.js';

/** The moves that follow from what happened around an invocation, in order. */
export type Overtaking = readonly Move[];

/**
 * What must become of unfinished work by itself: past its deadline it has timed out; without its source nobody waits for it; without its
 * target nobody does it; and an attempt that began under another generation of the target was lost with the lease, so it failed and, while
 * attempts remain, is open again. Nothing for work that may go on.
 */
export function overtaken(
  invocation: Invocation,
  parties: { source: SessionRecord | undefined; target: SessionRecord | undefined },
  now: number,
): Overtaking {
  if (!isUnfinished(invocation.status)) return [];
  if (invocation.deadlineAt <= now) return [{ kind: 'time_out' }];
  if (!isLive(parties.source)) return [{ kind: 'cancel', reason: 'source_ended' }];
  if (!isLive(parties.target)) return [{ kind: 'abandon', reason: 'target_ended' }];
  const lost = invocation.status === 'running' && invocation.generation !== parties.target.generation;
  if (!lost) return [];
  const failed: Move = { kind: 'fail', reason: 'lease_lost' };
  return invocation.attempts < invocation.maxAttempts ? [failed, { kind: 'retry' }] : [failed];
}

function isLive(session: SessionRecord | undefined): session is SessionRecord {
  return session !== undefined && isOpen(session.status);
}
