import type { JsonObject } from '../../kernel/json.js';
import { difference, type ScopeSet } from '../../kernel/scopes.js';
import { type Bounds, grantedUntil } from './ceiling.js';
import { narrow, type NarrowingRequest } from './narrowing.js';
import { type PolicyFacts, type PolicyScene, policyScene, recordedInput } from './policy-input.js';
import {
  type ApprovalRule,
  evaluateSafely,
  type PolicyReason,
  type PolicySet,
  type PolicyVerdict,
} from './policy-set.js';

export interface DecisionFacts extends Bounds, Omit<PolicyFacts, 'now'> {}

/** What the ledger keeps about the policy side of a decision. */
export type PolicyRecord = JsonObject & {
  readonly version: number;
  readonly determining: readonly string[];
  readonly input: JsonObject;
};

export type Decision =
  | { readonly outcome: 'allow'; readonly scopes: ScopeSet; readonly endsAt: number; readonly policy: PolicyRecord }
  | {
      readonly outcome: 'refused';
      readonly code: 'invalid_target' | 'invalid_scope';
      readonly missing: ScopeSet;
      readonly policy?: PolicyRecord;
    }
  | {
      readonly outcome: 'denied';
      readonly reasons: readonly PolicyReason[];
      readonly missing: ScopeSet;
      readonly policy: PolicyRecord;
    }
  | {
      readonly outcome: 'hold';
      readonly scopes: ScopeSet;
      readonly held: ScopeSet;
      /** Every rule that a person must set aside before these scopes are released. */
      readonly required: readonly ApprovalRule[];
      readonly policy: PolicyRecord;
    };

/**
 * The one decision of exchange, gateway and control. Structural rules come first and refuse with `invalid_target` or `invalid_scope`; then the
 * zone's policies are asked about every scope at every target. An explicit scope is all or nothing: one denial denies, one hold holds the
 * whole. An omitted scope yields what is permitted without a hold; nothing left is `invalid_target`. An evaluation error denies.
 * The caller must not assume that `allow` outlives `endsAt` (milliseconds), nor apply it to anything but these targets.
 */
export function decide(request: NarrowingRequest, facts: DecisionFacts, policies: PolicySet): Decision {
  const narrowing = narrow(request, facts);
  if (!narrowing.ok) return { outcome: 'refused', code: narrowing.code, missing: narrowing.missing };
  const { scopes } = narrowing;
  const scene = policyScene(facts);
  const asked = { scopes, targets: request.targets, omitted: request.scope === undefined };
  const resources = request.targets.map((target) => target.id);
  const judgement = judge({ scopes, omitted: asked.omitted, resources }, scene, policies);
  const policy: PolicyRecord = {
    version: policies.version,
    determining: judgement.determining,
    input: recordedInput(scene, asked),
  };
  switch (judgement.outcome) {
    case 'allow': {
      const permitted = judgement.scopes;
      const endsAt = Math.min(...request.targets.map((target) => grantedUntil(target, permitted, facts)));
      return { outcome: 'allow', scopes: permitted, endsAt, policy };
    }
    case 'nothing':
      return { outcome: 'refused', code: 'invalid_target', missing: scopes, policy };
    case 'denied':
      return { outcome: 'denied', reasons: judgement.reasons, missing: judgement.denied, policy };
    case 'hold':
      return { outcome: 'hold', scopes, held: judgement.held, required: judgement.required, policy };
  }
}

/** What policies are asked in one decision: every scope at every resource, of which a part will do when `scope` was omitted. */
export interface PolicyQuestion {
  readonly scopes: ScopeSet;
  /** Ids. */
  readonly resources: readonly string[];
  readonly omitted: boolean;
}

export type Judgement = { readonly determining: readonly string[] } & (
  | { readonly outcome: 'allow'; readonly scopes: ScopeSet }
  | { readonly outcome: 'nothing' }
  | { readonly outcome: 'denied'; readonly denied: ScopeSet; readonly reasons: readonly PolicyReason[] }
  | { readonly outcome: 'hold'; readonly held: ScopeSet; readonly required: readonly ApprovalRule[] }
);

/** The policy half of {@link decide}: the same question and scene under the same policies give the same judgement, so a ledger can be replayed. */
export function judge(question: PolicyQuestion, scene: PolicyScene, policies: PolicySet): Judgement {
  const { scopes, omitted } = question;
  const answers = ask(question, scene, policies);
  const determining = sortedDistinct(answers.verdicts.flatMap((verdict) => verdict.determining));
  const permitted = difference(difference(scopes, answers.denied), answers.held);
  if (!omitted && permitted.size < scopes.size) return { determining, ...refuseWhole(answers) };
  if (permitted.size === 0) return { determining, outcome: 'nothing' };
  return { determining, outcome: 'allow', scopes: permitted };
}

interface Answers {
  readonly verdicts: readonly PolicyVerdict[];
  readonly denied: ScopeSet;
  readonly held: ScopeSet;
}

function ask({ scopes, resources }: PolicyQuestion, scene: PolicyScene, policies: PolicySet): Answers {
  const { principal, context, approval } = scene;
  const verdicts: PolicyVerdict[] = [];
  const denied = new Set<string>();
  const held = new Set<string>();
  for (const action of scopes) {
    for (const resource of resources) {
      const verdict = evaluateSafely(policies, { principal, action, resource, context, approval });
      verdicts.push(verdict);
      if (verdict.effect === 'deny') denied.add(action);
      if (verdict.effect === 'hold') held.add(action);
    }
  }
  return { verdicts, denied, held };
}

/** An explicit scope is all or nothing; a denial outweighs a hold. */
function refuseWhole({ verdicts, denied, held }: Answers) {
  if (denied.size === 0) return { outcome: 'hold', held, required: requiredBy(verdicts) } as const;
  const denials = verdicts.filter((verdict) => verdict.effect === 'deny');
  return { outcome: 'denied', denied, reasons: sortedDistinct(denials.flatMap((verdict) => verdict.reasons)) } as const;
}

function requiredBy(verdicts: readonly PolicyVerdict[]): readonly ApprovalRule[] {
  const rules = verdicts.flatMap((verdict) => verdict.required ?? []);
  const byRule = new Map(rules.map((rule) => [rule.rule, rule]));
  return [...byRule.values()].sort((a, b) => (a.rule < b.rule ? -1 : 1));
}

function sortedDistinct<T extends string>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].sort();
}
