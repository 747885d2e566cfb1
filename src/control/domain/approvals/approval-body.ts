import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import type { Approval } from './approval.js';
import { type ApprovalViewer, seenBy } from './privacy.js';
import { statusAt } from './transitions.js';

/** A hold as those who decide see it: facts that the server knows, never a word of the requester's that was not marked as such. */
export function approvalBody(whole: Approval, now: number, viewer: ApprovalViewer): JsonObject {
  const approval = seenBy(whole, viewer);
  return {
    id: approval.id,
    status: statusAt(approval, now),
    origin: approval.origin,
    approver_class: approval.approverClass,
    quorum: approval.quorum,
    privacy: approval.privacy,
    decisions: approval.decisions.map(({ person: _person, ...decision }) => decision),
    requester: {
      application: approval.application,
      session: approval.session ?? null,
      subject: approval.subject,
    },
    resources: approval.resources.map((held) => held.identifier),
    scopes: [...approval.scopes].sort(),
    authorization_details: approval.authorizationDetails ?? null,
    operation: approval.operation ?? null,
    delegation: approval.delegation ?? null,
    binding: approval.binding,
    binding_message: approval.message ?? null,
    policy_version: approval.policyVersion,
    policies: approval.determining,
    created_at: formatTime(approval.createdAt),
    expires_at: formatTime(approval.expiresAt),
    decided_at: timeOrNull(approval.decidedAt),
    consumed_at: timeOrNull(approval.consumedAt),
    approver: approval.approver ?? null,
    reason: approval.reason ?? null,
  };
}

/** A hold as its requester sees it. */
export function holdBody(approval: Approval, now: number): JsonObject {
  return {
    id: approval.id,
    status: statusAt(approval, now),
    binding: approval.binding,
    expires_at: formatTime(approval.expiresAt),
  };
}

function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : formatTime(ms);
}
