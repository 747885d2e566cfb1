import { formatTime } from '../../../kernel/times.js';
import type { Approval, ApprovalDecision, ApprovalStatus } from './approval.js';
import { isSatisfied, mayDecide, personOf } from './approver-class.js';

/** Who decides, and what. */
export interface Verdict {
  /** An admin token's id, or a subject's `sub`. */
  readonly approver: string;
  /** Who stands behind the admin token; the approver itself when nothing else is known. */
  readonly person?: string | undefined;
  readonly approverClass: 'operator' | 'subject';
  readonly decision: 'approve' | 'deny';
  readonly reason?: string | undefined;
  /** The binding that the approver saw; a decision about something else is none. */
  readonly binding?: string | undefined;
}

export type DecisionFault = 'not_pending' | 'wrong_class' | 'own_request' | 'other_binding' | 'decided_already';

export type Decided =
  { readonly ok: true; readonly approval: Approval } | { readonly ok: false; readonly fault: DecisionFault };

/** What holds now: a decision that was not made, and an approval that was not used, end with the hold. */
export function statusAt({ status, expiresAt }: Pick<Approval, 'status' | 'expiresAt'>, now: number): ApprovalStatus {
  return (status === 'pending' || status === 'approved') && expiresAt <= now ? 'expired' : status;
}

/**
 * One person's decision on a hold. Guarantees that only a pending hold changes, that nobody decides a request of its own or twice, and that one
 * denial denies while an approval takes every rule's quorum. The caller must hold the row's lock.
 */
export function decideApproval(approval: Approval, verdict: Verdict, now: number): Decided {
  const fault = decisionFault(approval, verdict, now);
  if (fault) return { ok: false, fault };
  const { approver, person, approverClass, decision, reason } = verdict;
  const at = formatTime(now);
  const made: ApprovalDecision = {
    approver,
    ...(person === undefined || person === approver ? {} : { person }),
    approver_class: approverClass,
    decision,
    ...(reason === undefined ? {} : { reason }),
    at,
  };
  const decisions = [...approval.decisions, made];
  const status = statusAfter(approval, decisions, decision);
  if (status === 'pending') return { ok: true, approval: { ...approval, decisions } };
  return { ok: true, approval: { ...approval, decisions, status, decidedAt: now, approver, reason } };
}

function decisionFault(approval: Approval, verdict: Verdict, now: number): DecisionFault | undefined {
  if (verdict.binding !== undefined && verdict.binding !== approval.binding) return 'other_binding';
  if (isOwnRequest(approval, verdict)) return 'own_request';
  if (!mayDecide(approval.requirements, verdict.approverClass)) return 'wrong_class';
  if (statusAt(approval, now) !== 'pending') return 'not_pending';
  return approval.decisions.some((one) => personOf(one) === personOf(verdict)) ? 'decided_already' : undefined;
}

/** Operators decide for the zone, so neither whom the work is for nor whoever answers for it; the subject decides for itself, when it is asked. */
function isOwnRequest({ subject, raisers }: Approval, verdict: Verdict): boolean {
  const person = personOf(verdict);
  return verdict.approverClass === 'operator' && (person === subject || raisers.includes(person));
}

function statusAfter(
  approval: Approval,
  decisions: readonly ApprovalDecision[],
  decision: 'approve' | 'deny',
): ApprovalStatus {
  if (decision === 'deny') return 'denied';
  return isSatisfied(approval.requirements, decisions) ? 'approved' : 'pending';
}
