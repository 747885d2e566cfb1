import type { ChangeTx } from '../../audit/index.js';
import { sessionEntry } from '../domain/entries.js';
import type { Initiator } from '../domain/initiator.js';
import { revocationEnd, revocationKey } from '../domain/revocation.js';
import type { SessionRecord } from '../domain/sessions/session.js';
import { writeRevocation } from '../persistence/revocation-rows.js';
import { hasDependants, updateStanding } from '../persistence/session-rows.js';

export interface SessionEnding {
  readonly status: 'terminated' | 'expired';
  readonly reason: string;
  readonly by: Initiator;
  readonly now: number;
}

/**
 * Ends a session in the caller's transaction, under the graph lock: the one anchor stops it and everything below it from the commit on; rows
 * below it are settled from the outbox. The caller has checked that it is open and that it may be ended.
 */
export async function endSession(tx: ChangeTx, session: SessionRecord, ending: SessionEnding): Promise<void> {
  const { status, reason, by, now } = ending;
  await updateStanding(tx, session.id, { status, endedAt: now, endReason: reason });
  await writeRevocation(tx, {
    kind: 'session',
    anchor: session.id,
    reason,
    actor: by.name,
    at: now,
    expiresAt: revocationEnd(now),
  });
  tx.changed('session', session.id);
  tx.changed('revocation', revocationKey('session', session.id));
  tx.record(sessionEntry(status, session, by, { at: now, reason }));
  if (!(await hasDependants(tx, session.id))) return;
  tx.enqueue({
    queue: 'lifecycle',
    name: 'settle',
    aggregate: `session:${tx.zone}:${session.root}`,
    body: { kind: 'session', anchor: session.id },
  });
}
