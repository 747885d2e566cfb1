import type { ApprovalRule, ApproverClass } from '../../../policy/index.js';
import type { ApprovalDecision } from './approval.js';

/** Who decides a hold, and how many of them, over all its rules. */
export interface ApproverNeed {
  readonly approverClass: ApproverClass;
  readonly quorum: number;
}

/** The class and the least number of people that satisfy every rule. Rules that ask operators and the subject each need both, so either may begin. */
export function approverNeed(rules: readonly ApprovalRule[]): ApproverNeed {
  const operators = most(rules, 'operator');
  const subjects = most(rules, 'subject');
  const quorum = Math.max(1, operators + subjects, most(rules, 'any'));
  if (operators > 0 && subjects > 0) return { approverClass: 'any', quorum };
  if (operators > 0) return { approverClass: 'operator', quorum };
  return { approverClass: subjects > 0 ? 'subject' : 'any', quorum };
}

/** True when a person of this class can add to the decision of any rule. */
export function mayDecide(rules: readonly ApprovalRule[], approver: 'operator' | 'subject'): boolean {
  return rules.some((rule) => rule.approverClass === approver || rule.approverClass === 'any');
}

/** True when every rule has its quorum of different people of its class. */
export function isSatisfied(rules: readonly ApprovalRule[], decisions: readonly ApprovalDecision[]): boolean {
  return rules.length > 0 && rules.every((rule) => approversOf(rule, decisions).size >= rule.quorum);
}

function approversOf({ approverClass }: ApprovalRule, decisions: readonly ApprovalDecision[]): ReadonlySet<string> {
  const counted = decisions.filter(
    ({ decision, approver_class }) =>
      decision === 'approve' && (approverClass === 'any' || approver_class === approverClass),
  );
  return new Set(counted.map(personOf));
}

/** Who made a decision: people count, not their tokens and roles. */
export function personOf({
  person,
  approver,
}: {
  readonly person?: string | undefined;
  readonly approver: string;
}): string {
  return person ?? approver;
}

function most(rules: readonly ApprovalRule[], approverClass: ApproverClass): number {
  return Math.max(0, ...rules.filter((rule) => rule.approverClass === approverClass).map((rule) => rule.quorum));
}
