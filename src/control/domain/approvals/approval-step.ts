import type { Approval, ApprovalStatus } from './approval.js';

/** What every `approval.*` entry of the ledger says. */
export type StepEntry = {
  readonly type: string;
  readonly approval: string;
  readonly occurred_at: string;
  readonly detail?: { readonly status?: string };
};

/** A hold as it was when a ledger entry of it said so, whatever became of it since. */
export function asOf(approval: Approval, entry: StepEntry): Approval {
  if (entry.type === 'approval.requested') return undecided(approval, { status: 'pending', decisions: [] });
  if (entry.type === 'approval.decided') return decided(approval, entry);
  return { ...approval, status: entry.type === 'approval.expired' ? 'expired' : 'consumed' };
}

/** `status` is what the hold was after the decision. */
function decided(approval: Approval, { occurred_at, detail }: StepEntry): Approval {
  const status = (detail?.status ?? approval.status) as ApprovalStatus;
  const decisions = approval.decisions.filter((one) => Date.parse(one.at) <= Date.parse(occurred_at));
  if (status === 'pending') return undecided(approval, { status, decisions });
  return { ...approval, status, decisions, consumedAt: undefined };
}

function undecided(approval: Approval, then: Pick<Approval, 'status' | 'decisions'>): Approval {
  const later = { decidedAt: undefined, consumedAt: undefined, approver: undefined, reason: undefined };
  return { ...approval, ...then, ...later };
}
