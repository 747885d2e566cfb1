import type { PolicyInput } from './policy-input.js';

/** Why policy refused; public and stable. */
export type PolicyReason = 'no_permit' | 'forbidden' | 'policy_error' | 'approval_denied' | 'zone_killed';

/** Who may set an annotated forbid aside: an operator, the subject of the work, or either. */
export type ApproverClass = 'operator' | 'subject' | 'any';

/** A forbid that asks for an approval instead of refusing. `rule` is the digest of its text, so it means this very text and no later one. */
export interface ApprovalRule {
  readonly rule: string;
  readonly approverClass: ApproverClass;
  /** How many different people must approve. */
  readonly quorum: number;
}

export interface PolicyVerdict {
  readonly effect: 'permit' | 'deny' | 'hold';
  /** Ids of the policies that determined the effect. */
  readonly determining: readonly string[];
  /** Empty on permit. */
  readonly reasons: readonly PolicyReason[];
  /** On a hold: every rule that stands in the way. */
  readonly required?: readonly ApprovalRule[];
}

/** The active policies of one zone in one version. Evaluation is pure: the same version and input give the same verdict. */
export interface PolicySet {
  readonly version: number;
  evaluate(input: PolicyInput): PolicyVerdict;
}

const PERMITTED: PolicyVerdict = Object.freeze({
  effect: 'permit',
  determining: Object.freeze(['default']),
  reasons: Object.freeze([]),
});

/** What a zone without policies of its own has: grants alone decide, `permit(principal, action, resource);`. */
export const DEFAULT_POLICY_SET: PolicySet = Object.freeze({ version: 0, evaluate: () => PERMITTED });

/** Guarantees a verdict: an evaluation that throws is a deny with `policy_error`. */
export function evaluateSafely(set: PolicySet, input: PolicyInput): PolicyVerdict {
  try {
    return set.evaluate(input);
  } catch {
    return { effect: 'deny', determining: [], reasons: ['policy_error'] };
  }
}
