import type { JsonObject } from '../../kernel/json.js';
import { difference, type ScopeSet } from '../../kernel/scopes.js';
import { type Bounds, grantedUntil, type Target } from './ceiling.js';
import { narrow, type NarrowingRequest } from './narrowing.js';
import { type PolicyFacts, type PolicyScene, policyScene, recordedInput } from './policy-input.js';
import { evaluateSafely, type PolicyReason, type PolicySet, type PolicyVerdict } from './policy-set.js';

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
  | { readonly outcome: 'hold'; readonly scopes: ScopeSet; readonly held: ScopeSet; readonly policy: PolicyRecord };

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
  const answers = ask(scopes, request.targets, scene, policies);
  const policy: PolicyRecord = {
    version: policies.version,
    determining: sortedDistinct(answers.verdicts.flatMap((verdict) => verdict.determining)),
    input: recordedInput(scene, scopes, request.targets),
  };
  const permitted = difference(difference(scopes, answers.denied), answers.held);
  if (request.scope !== undefined && permitted.size < scopes.size) return refuseWhole(scopes, answers, policy);
  if (permitted.size === 0) return { outcome: 'refused', code: 'invalid_target', missing: scopes, policy };
  const endsAt = Math.min(...request.targets.map((target) => grantedUntil(target, permitted, facts)));
  return { outcome: 'allow', scopes: permitted, endsAt, policy };
}

interface Answers {
  readonly verdicts: readonly PolicyVerdict[];
  readonly denied: ScopeSet;
  readonly held: ScopeSet;
}

function ask(scopes: ScopeSet, targets: readonly Target[], scene: PolicyScene, policies: PolicySet): Answers {
  const verdicts: PolicyVerdict[] = [];
  const denied = new Set<string>();
  const held = new Set<string>();
  for (const action of scopes) {
    for (const target of targets) {
      const verdict = evaluateSafely(policies, { ...scene, action, resource: target.id });
      verdicts.push(verdict);
      if (verdict.effect === 'deny') denied.add(action);
      if (verdict.effect === 'hold') held.add(action);
    }
  }
  return { verdicts, denied, held };
}

/** An explicit scope is all or nothing; a denial outweighs a hold. */
function refuseWhole(scopes: ScopeSet, answers: Answers, policy: PolicyRecord): Decision {
  if (answers.denied.size === 0) return { outcome: 'hold', scopes, held: answers.held, policy };
  return { outcome: 'denied', reasons: reasonsOf(answers), missing: answers.denied, policy };
}

function reasonsOf(answers: Answers): readonly PolicyReason[] {
  const denials = answers.verdicts.filter((verdict) => verdict.effect === 'deny');
  return sortedDistinct(denials.flatMap((verdict) => verdict.reasons));
}

function sortedDistinct<T extends string>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].sort();
}
