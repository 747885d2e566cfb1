import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { isJsonObject } from '../../../kernel/json.js';
import type { Approval, ApprovalDecision } from './approval.js';

/** Who looks: somebody who decides for the zone, or the person that the work is for. */
export type ApprovalViewer = 'operator' | 'subject';

const SOME_USER = 'user';
const SOME_OPERATOR = 'operator';

/**
 * The hold as this viewer may see it. Under `minimal` operators see neither who the user is nor what the work contains — kind of operation, resource
 * and scopes remain —, and the user sees no operator. Binding, times and numbers are the same for all.
 */
export function seenBy(approval: Approval, viewer: ApprovalViewer): Approval {
  if (approval.privacy === 'full') return approval;
  return viewer === 'operator' ? withoutWork(approval) : withoutDeciders(approval, 'operator', SOME_OPERATOR);
}

/** `app:…` says nothing about a person. */
export function namelessSubject(subject: string): string {
  return subject.startsWith('app:') ? subject : SOME_USER;
}

/** The kind of an operation: neither path nor arguments nor digests, which could be guessed. */
export function operationKind({ method, template, mcp }: JsonObject): JsonObject {
  return {
    ...present({ method, template }),
    ...(isJsonObject(mcp) ? { mcp: present({ method: mcp['method'], tool: mcp['tool'] }) } : {}),
  };
}

function withoutWork(approval: Approval): Approval {
  const { subject, operation, authorizationDetails } = approval;
  return {
    ...withoutDeciders(approval, 'subject', SOME_USER),
    subject: namelessSubject(subject),
    operation: operation && operationKind(operation),
    authorizationDetails: authorizationDetails?.map((detail) => present({ type: detail['type'] })),
  };
}

/** What people of one class decided and when, without who they are and without their words. */
function withoutDeciders(approval: Approval, approverClass: ApprovalViewer, name: string): Approval {
  const { decisions, approver } = approval;
  const theirs = (one: ApprovalDecision): boolean => one.approver_class === approverClass;
  const last = decisions.some((one) => theirs(one) && one.approver === approver);
  return {
    ...approval,
    decisions: decisions.map((one) => (theirs(one) ? nameless(one, name) : one)),
    ...(last ? { approver: name, reason: undefined } : {}),
  };
}

function nameless({ approver_class, decision, at }: ApprovalDecision, approver: string): ApprovalDecision {
  return { approver, approver_class, decision, at };
}

function present(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject;
}
