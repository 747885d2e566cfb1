import type { Approval } from '../../domain/approvals/approval.js';
import type { ApprovalEntity } from '../entities/approval.entity.js';

/** A row as the domain speaks of it; a sealed token stays in the row. */
export function toApproval(row: ApprovalEntity): Approval {
  const { tokenSealed: _sealed, tokenUntil: _until, raisedBy: _superseded, ...rest } = row;
  return {
    ...rest,
    session: present(row.session),
    delegation: present(row.delegation),
    txn: present(row.txn),
    authorizationDetails: present(row.authorizationDetails),
    operation: present(row.operation),
    message: present(row.message),
    request: present(row.request),
    approver: present(row.approver),
    reason: present(row.reason),
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt.getTime(),
    decidedAt: timeOf(row.decidedAt),
    consumedAt: timeOf(row.consumedAt),
  };
}

/** The columns of an approval that has released nothing yet. */
export function approvalRow(approval: Approval): ApprovalEntity {
  return {
    ...approval,
    session: orNull(approval.session),
    delegation: orNull(approval.delegation),
    txn: orNull(approval.txn),
    authorizationDetails: orNull(approval.authorizationDetails),
    operation: orNull(approval.operation),
    message: orNull(approval.message),
    request: orNull(approval.request),
    raisedBy: null,
    approver: orNull(approval.approver),
    reason: orNull(approval.reason),
    createdAt: new Date(approval.createdAt),
    expiresAt: new Date(approval.expiresAt),
    decidedAt: dateOf(approval.decidedAt),
    consumedAt: dateOf(approval.consumedAt),
    tokenSealed: null,
    tokenUntil: null,
  };
}

function present<T>(value: T | null): T | undefined {
  return value ?? undefined;
}

function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function timeOf(date: Date | null): number | undefined {
  return date?.getTime();
}

function dateOf(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
