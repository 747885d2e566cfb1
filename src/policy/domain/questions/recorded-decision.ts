import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import type { PolicyQuestion } from '../decide.js';
import type { PolicyScene } from '../policy-input.js';

export type Outcome = 'allow' | 'deny' | 'hold';

/** The policy side of a decision as a ledger entry tells it. */
export interface RecordedDecision {
  readonly index: number;
  readonly outcome: Outcome;
  /** What was granted; meaningful where a part would have done. */
  readonly scopes: readonly string[];
  readonly application: string | undefined;
  readonly resource: string | undefined;
  readonly approval: string | undefined;
  readonly question: PolicyQuestion;
  readonly scene: PolicyScene;
}

/** Reasons that policies give; `invalid_target` when nothing was left of an omitted scope. */
const POLICY_REASONS: ReadonlySet<string> = new Set(['no_permit', 'forbidden', 'policy_error', 'invalid_target']);

/** The texts of a JSON array. */
export function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter((item) => typeof item === 'string') : [];
}

/** The text, or undefined of anything else. */
export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** What an entry says that policies were asked; undefined when they were not. */
export function recordedQuestion(
  entry: JsonObject,
): { readonly question: PolicyQuestion; readonly scene: PolicyScene } | undefined {
  const policy = entry['policy'];
  const input = isJsonObject(policy) ? policy['input'] : undefined;
  if (!isJsonObject(input)) return undefined;
  const { principal, context } = input;
  if (!isJsonObject(principal) || !isJsonObject(context)) return undefined;
  const question = {
    scopes: new Set(textsOf(input['actions'])),
    resources: textsOf(input['resources']),
    omitted: input['scope_omitted'] === true,
  };
  return { question, scene: { principal, context } };
}

/** The decision of an entry that policies made; undefined of news, and of refusals for reasons that no policy can change. */
export function recordedDecision(index: number, entry: JsonObject): RecordedDecision | undefined {
  const asked = recordedQuestion(entry);
  const outcome = asked && outcomeOf(entry);
  if (!outcome) return undefined;
  return {
    index,
    outcome,
    scopes: textsOf(entry['scopes']),
    application: textOf(entry['application']),
    resource: textOf(entry['resource']),
    approval: textOf(entry['approval']),
    ...asked,
  };
}

function outcomeOf(entry: JsonObject): Outcome | undefined {
  const reasons = textsOf(entry['reasons']);
  const decision = entry['decision'];
  if (decision === 'allow' || decision === 'hold') return decision;
  if (decision !== 'deny') return undefined;
  if (reasons.includes('approval_required')) return 'hold';
  return reasons.length > 0 && reasons.every((reason) => POLICY_REASONS.has(reason)) ? 'deny' : undefined;
}
