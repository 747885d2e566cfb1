import type { JsonObject } from '../../../kernel/json.js';
import type { ApprovalRule, ApproverClass } from '../../../policy/index.js';
import type { ApprovalPrivacy } from './privacy-mode.js';

/** As stored. `pending → approved | denied | expired`, `approved → consumed | expired`. */
export type ApprovalStatus = 'pending' | 'approved' | 'denied' | 'expired' | 'consumed';

/** What asked for the decision. */
export type ApprovalOrigin = 'exchange' | 'gateway' | 'ciba' | 'control';

/** One person's decision. An operator is known by the admin token, a subject by its `sub`. */
export type ApprovalDecision = {
  readonly approver: string;
  /** Who stands behind the admin token, when it is not the token alone; shown to nobody. */
  readonly person?: string;
  readonly approver_class: 'operator' | 'subject';
  readonly decision: 'approve' | 'deny';
  readonly reason?: string;
  /** RFC 3339. */
  readonly at: string;
};

/** A resource as it was when the hold was raised. */
export type HeldResource = { readonly id: string; readonly identifier: string };

/** The server-derived facts of what would be released. Everything in it is bound; see `bindingOf`. */
export interface HeldWork {
  readonly zone: string;
  readonly application: string;
  readonly session?: string | undefined;
  readonly delegation?: string | undefined;
  readonly subject: string;
  readonly resources: readonly HeldResource[];
  readonly scopes: readonly string[];
  readonly authorizationDetails?: readonly JsonObject[] | undefined;
  /** At the gateway only. */
  readonly operation?: JsonObject | undefined;
  readonly policyVersion: number;
}

/** A hold and what became of it. Times in milliseconds. */
export interface Approval extends HeldWork {
  readonly id: string;
  readonly binding: string;
  readonly origin: ApprovalOrigin;
  readonly status: ApprovalStatus;
  readonly approverClass: ApproverClass;
  readonly quorum: number;
  readonly requirements: readonly ApprovalRule[];
  readonly decisions: readonly ApprovalDecision[];
  /** The roots of the trees of sessions that the request came through: nobody of them decides it. */
  readonly sides: readonly string[];
  readonly txn?: string | undefined;
  readonly determining: readonly string[];
  /** The requester's own words, shown as such. */
  readonly message?: string | undefined;
  /** What is needed to go on when the requester only polls. */
  readonly request?: JsonObject | undefined;
  /** The people who answer for the sessions that the request came through: none of them decides it as an operator. */
  readonly raisers: readonly string[];
  /** What those who decide may see; fixed when the hold is raised. */
  readonly privacy: ApprovalPrivacy;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decidedAt?: number | undefined;
  readonly consumedAt?: number | undefined;
  readonly approver?: string | undefined;
  readonly reason?: string | undefined;
}
