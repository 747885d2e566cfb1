import { Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import type { ChangeTx } from '../../audit/index.js';
import { KeyRing } from '../../auth/index.js';
import { KillSwitch } from '../../control/index.js';
import { endEdge } from '../delegations/end-edges.js';
import type { Initiator } from '../domain/initiator.js';
import type { RevocationKind } from '../domain/revocation.js';
import { isOpen } from '../domain/sessions/session.js';
import { advanceSubjectEpoch, isKnownSubject } from '../persistence/subject-epochs.js';
import { endSession } from '../sessions/end-sessions.js';
import { SessionGraph } from '../sessions/session-graph.js';
import type { Anchors } from '../state/runtime-state.js';
import { Revocations } from './revocations.js';

/** One thing to be ended, by whom and why. */
export interface EndingOrder {
  readonly kind: RevocationKind;
  readonly id: string;
  readonly reason: string;
  readonly by: Initiator;
  readonly now: number;
}

/** Ends whatever can be revoked, each kind by its owner's rule. The caller holds the graph lock. Answers false when it had ended already. */
@Injectable()
export class AnchorEndings {
  constructor(
    private readonly revocations: Revocations,
    private readonly killSwitch: KillSwitch,
    private readonly keys: KeyRing,
  ) {}

  /** Throws `not_found` for an object that the zone does not have; a token need not be known. */
  async end(tx: ChangeTx, anchors: Anchors, order: EndingOrder): Promise<boolean> {
    const { kind, id, reason, by, now } = order;
    switch (kind) {
      case 'session':
        return endSessionIn(tx, new SessionGraph(tx, anchors.at(now)), order);
      case 'delegation':
        return endDelegationIn(tx, new SessionGraph(tx, anchors.at(now)), order);
      case 'subject':
        return this.subject(tx, order);
      case 'token':
        return this.revocations.revoke(tx, { kind, id, reason, actor: by.name });
      case 'key':
        return this.keys.revoke(tx, id);
      case 'connection':
        return this.connection(tx, order);
      case 'zone':
      case 'application':
      case 'credential':
        return this.catalogued(tx, kind, order);
    }
  }

  private async connection(tx: ChangeTx, { kind, id, reason, by, now }: EndingOrder): Promise<boolean> {
    const ending = { reason, actor: by.name, now };
    if (!(await this.killSwitch.revokeConnection(tx, id, ending))) return false;
    return this.revocations.revoke(tx, { kind, id, reason, actor: by.name });
  }

  private catalogued(tx: ChangeTx, kind: 'zone' | 'application' | 'credential', order: EndingOrder): Promise<boolean> {
    const ending = { reason: order.reason, actor: order.by.name, now: order.now };
    if (kind === 'application') return this.killSwitch.revokeApplication(tx, order.id, ending);
    if (kind === 'credential') return this.killSwitch.revokeCredential(tx, order.id, ending);
    if (order.id !== tx.zone) throw unknown();
    return this.killSwitch.killZone(tx, ending);
  }

  private async subject(tx: ChangeTx, { id, reason, by, now }: EndingOrder): Promise<boolean> {
    if (!(await isKnownSubject(tx, id))) throw unknown();
    const epoch = await advanceSubjectEpoch(tx, id, now);
    tx.changed('subject', id);
    tx.enqueue({
      queue: 'revocation',
      name: 'settle',
      aggregate: `subject:${tx.zone}:${id}`,
      body: { kind: 'subject', anchor: id },
    });
    return this.revocations.revoke(tx, { kind: 'subject', id, reason, actor: by.name, epoch });
  }
}

async function endSessionIn(tx: ChangeTx, graph: SessionGraph, { id, reason, by, now }: EndingOrder): Promise<boolean> {
  const session = await graph.session(id);
  if (!session) throw unknown();
  if (!isOpen(session.status)) return false;
  await endSession(tx, session, { status: 'terminated', reason, by, now });
  return true;
}

async function endDelegationIn(
  tx: ChangeTx,
  graph: SessionGraph,
  { id, reason, by, now }: EndingOrder,
): Promise<boolean> {
  const edge = await graph.delegation(id);
  if (!edge) throw unknown();
  return endEdge(tx, graph, edge, { reason, by, now, terminateTargets: false });
}

function unknown(): AppError {
  return new AppError('not_found', 'There is no such object.');
}
