import type { Approval } from '../../control/index.js';

/** Who looks at an approval, as a verified token and the state of its session say. */
export interface ApprovalCaller {
  readonly application: string;
  readonly sub: string;
  readonly subType: 'application' | 'user';
  /** Undefined for an application token. */
  readonly session?: { readonly id: string; readonly root: string } | undefined;
}

/**
 * `requester`: raised it, or stands above who did. `side`: works with the requester, so must not decide. `approver`: the person that the work is
 * for, in a tree of sessions of its own. Nobody else knows that the approval exists.
 */
export type ApprovalRole = 'requester' | 'side' | 'approver' | 'stranger';

type Raised = Pick<Approval, 'application' | 'session' | 'subject' | 'sides'>;

/** `path` are the sessions from the root to the one that raised the approval. */
export function approvalRole(approval: Raised, path: readonly string[], caller: ApprovalCaller): ApprovalRole {
  const { application, session, sub, subType } = caller;
  const own = application === approval.application;
  if (session === undefined) return own ? 'requester' : 'stranger';
  if (own && path.includes(session.id)) return 'requester';
  if (approval.sides.includes(session.root)) return 'side';
  if (subType === 'user' && sub === approval.subject) return 'approver';
  return own ? 'side' : 'stranger';
}
