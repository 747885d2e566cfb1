import { AppError } from '../../kernel/app-error.js';
import type { Clock } from '../../kernel/clock.js';
import type { AuditedChanges, ChangeTx } from '../../audit/index.js';
import type { AdminCall, AdminChanges } from '../admin-changes.js';
import { approvalBody } from '../domain/approvals/approval-body.js';
import type { Approval } from '../domain/approvals/approval.js';
import { decidedEntry, type NewsCause } from '../domain/approvals/entries.js';
import { decideApproval, type DecisionFault, type Verdict } from '../domain/approvals/transitions.js';
import { lockApproval, saveDecision } from '../persistence/approvals/approval-rows.js';

/** What an operator decides; `binding` when the decision was made on a page that showed it. */
export interface OperatorDecision extends Pick<Verdict, 'decision' | 'reason' | 'binding'> {
  readonly zone: string;
  readonly id: string;
}

interface Parts {
  readonly admin: AdminChanges;
  readonly changes: AuditedChanges;
  readonly clock: Clock;
}

/** People's decisions on holds, each one in the ledger or not made. */
export class ApprovalDecisions {
  constructor(private readonly parts: Parts) {}

  /** Throws `not_found`, `approval_not_pending`, `access_denied` and, for a second decision or another binding, `conflict`. */
  asOperator(call: AdminCall, { zone, id, ...asked }: OperatorDecision): Promise<Approval> {
    const { actor, origin } = call;
    const verdict: Verdict = { ...asked, approver: actor.id, person: actor.person, approverClass: 'operator' };
    return this.parts.admin.run(call, zone, async (tx) => {
      const cause: NewsCause = { actor: { kind: 'human', token: actor.id }, origin, at: tx.now };
      const { before, after } = await decide(tx, id, verdict, cause);
      const target = `approval:${id}`;
      const bodies = {
        before: approvalBody(before, tx.now, 'operator'),
        after: approvalBody(after, tx.now, 'operator'),
      };
      tx.note({ action: `approvals.${verdict.decision}`, target, ...bodies });
      return after;
    });
  }

  /** The decision of the person that the work is for; the caller has proved who that is and that it is not the requester. */
  asSubject(
    zone: string,
    id: string,
    verdict: Omit<Verdict, 'approverClass'>,
    cause: Omit<NewsCause, 'at'>,
  ): Promise<Approval> {
    const now = this.parts.clock.now();
    return this.parts.changes.run(zone, async (tx) => {
      const { after } = await decide(tx, id, { ...verdict, approverClass: 'subject' }, { ...cause, at: now });
      return after;
    });
  }
}

async function decide(
  tx: ChangeTx,
  id: string,
  verdict: Verdict,
  cause: NewsCause,
): Promise<{ readonly before: Approval; readonly after: Approval }> {
  const before = await lockApproval(tx, id);
  if (!before) throw new AppError('not_found', 'There is no such approval.');
  const decided = decideApproval(before, verdict, cause.at);
  if (!decided.ok) throw refusalOf(decided.fault);
  await saveDecision(tx, decided.approval);
  tx.changed('approval', id);
  tx.record(decidedEntry(decided.approval, verdict, cause));
  return { before, after: decided.approval };
}

function refusalOf(fault: DecisionFault): AppError {
  switch (fault) {
    case 'not_pending':
      return new AppError('approval_not_pending', 'The approval is decided or its time is over.');
    case 'wrong_class':
      return new AppError('access_denied', 'Somebody else has to decide this approval.');
    case 'own_request':
      return new AppError('access_denied', 'Nobody decides a request of their own.');
    case 'other_binding':
      return new AppError('conflict', 'The approval is about something else than was shown.');
    case 'decided_already':
      return new AppError('conflict', 'You have decided this approval; others have to join.');
  }
}
