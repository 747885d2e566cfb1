import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { LRUCache } from 'lru-cache';
import { cedarCall } from '../domain/cedar-call.js';
import type { PolicyInput } from '../domain/policy-input.js';
import type { PolicySet, PolicyVerdict } from '../domain/policy-set.js';
import { memoKey, type MemoKey } from '../domain/projection.js';
import { policyParts, PolicyTextError, type PolicyPart } from './policy-text.js';

const MEMO_ENTRIES = 20_000;

/** The engine keeps parsed sets under names for ever, so names are used again; whoever compiled into a slot last owns it. */
const slotOwners = new Map<string, CompiledPolicySet>();

/** One policy of a set: its id and its text, which may hold several Cedar policies. */
export interface PolicySource {
  readonly id: string;
  readonly cedar: string;
}

/**
 * A version of a zone's policies, parsed once. Evaluation follows Cedar: deny by default, forbid overrides permit, an error denies. A deny that
 * only `@approval` forbids determined is asked again with them set aside: then permit is a hold. Verdicts are remembered, evaluation being pure.
 */
export class CompiledPolicySet implements PolicySet {
  private readonly parts: readonly PolicyPart[];
  private readonly approvals: ReadonlySet<string>;
  private readonly memo = new LRUCache<string, PolicyVerdict>({ max: MEMO_ENTRIES });
  private readonly keyOf: MemoKey;

  /** Throws {@link PolicyTextError}. `slot` names the place in the engine; an earlier set compiled into the same slot denies from then on. */
  constructor(
    readonly version: number,
    sources: readonly PolicySource[],
    private readonly slot: string,
  ) {
    this.parts = sources.flatMap((source) => policyParts(source.id, source.cedar));
    this.approvals = new Set(this.parts.filter((part) => part.approval).map((part) => part.id));
    this.keyOf = memoKey(this.parts.map((part) => part.text).join('\n'));
    this.preparse('all', this.parts);
    if (this.approvals.size > 0) {
      this.preparse(
        'open',
        this.parts.filter((part) => !part.approval),
      );
    }
    slotOwners.set(slot, this);
  }

  evaluate(input: PolicyInput): PolicyVerdict {
    const key = this.keyOf(input);
    const known = this.memo.get(key);
    if (known) return known;
    const verdict = this.judge(input);
    this.memo.set(key, verdict);
    return verdict;
  }

  private judge(input: PolicyInput): PolicyVerdict {
    if (slotOwners.get(this.slot) !== this) throw new Error(`policy set ${this.version} is no longer loaded`);
    const { decision, diagnostics } = this.ask('all', input);
    const determining = [...diagnostics.reason].sort();
    if (diagnostics.errors.length > 0) return { effect: 'deny', determining, reasons: ['policy_error'] };
    if (decision === 'allow') return { effect: 'permit', determining, reasons: [] };
    if (determining.length === 0) return { effect: 'deny', determining, reasons: ['no_permit'] };
    const held = determining.every((id) => this.approvals.has(id)) && this.ask('open', input).decision === 'allow';
    return held
      ? { effect: 'hold', determining, reasons: [] }
      : { effect: 'deny', determining, reasons: ['forbidden'] };
  }

  private ask(which: 'all' | 'open', input: PolicyInput): cedar.Response {
    const answer = cedar.statefulIsAuthorized({ ...cedarCall(input), preparsedPolicySetId: `${this.slot}/${which}` });
    if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
    return answer.response;
  }

  private preparse(which: 'all' | 'open', parts: readonly PolicyPart[]): void {
    const staticPolicies = Object.fromEntries(parts.map((part) => [part.id, part.text]));
    const answer = cedar.preparsePolicySet(`${this.slot}/${which}`, { staticPolicies });
    if (answer.type === 'failure')
      throw new PolicyTextError(answer.errors.map((error) => ({ message: error.message, line: 1, column: 1 })));
  }
}
