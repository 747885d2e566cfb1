import type { ChangeTx } from '../../audit/index.js';
import type { DelegationView } from '../domain/delegations/delegation-record.js';
import { delegationEntry } from '../domain/entries.js';
import type { Initiator } from '../domain/initiator.js';
import { revocationEnd, revocationKey } from '../domain/revocation.js';
import { isOpen } from '../domain/sessions/session.js';
import { endDelegations, targetsBelow } from '../persistence/delegation-rows.js';
import { writeRevocation } from '../persistence/revocation-rows.js';
import { endSession } from '../sessions/end-sessions.js';
import type { SessionGraph } from '../sessions/session-graph.js';

export interface EdgeEnding {
  readonly reason: string;
  readonly by: Initiator;
  readonly now: number;
  /** End the sessions that received it as well. */
  readonly terminateTargets: boolean;
}

/**
 * Revokes an edge in the caller's transaction, under the graph lock: the one anchor stops it and every edge whose path contains it; their rows
 * are settled from the outbox. Answers whether the edge itself was still active.
 */
export async function endEdge(
  tx: ChangeTx,
  graph: SessionGraph,
  edge: DelegationView,
  ending: EdgeEnding,
): Promise<boolean> {
  const active = edge.status === 'active';
  if (active) await revoke(tx, edge, ending);
  if (ending.terminateTargets) {
    for (const target of await targetsBelow(tx, edge.id)) {
      const session = await graph.session(target);
      if (session && isOpen(session.status))
        await endSession(tx, session, {
          status: 'terminated',
          reason: 'delegation_revoked',
          by: ending.by,
          now: ending.now,
        });
    }
  }
  return active;
}

async function revoke(tx: ChangeTx, edge: DelegationView, { reason, by, now }: EdgeEnding): Promise<void> {
  await endDelegations(tx, [edge.id], { status: 'revoked', at: now, reason });
  await writeRevocation(tx, {
    kind: 'delegation',
    anchor: edge.id,
    reason,
    actor: by.name,
    at: now,
    expiresAt: revocationEnd(now),
  });
  tx.changed('delegation', edge.id);
  tx.changed('session', edge.target);
  tx.changed('revocation', revocationKey('delegation', edge.id));
  tx.record(delegationEntry('revoked', edge, by, { at: now, reason }));
  tx.enqueue({
    queue: 'lifecycle',
    name: 'settle',
    aggregate: `delegation:${tx.zone}:${edge.path[0] ?? edge.id}`,
    body: { kind: 'delegation', anchor: edge.id },
  });
}
