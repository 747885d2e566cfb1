import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { LRUCache } from 'lru-cache';
import { cedarCall } from '../domain/cedar-call.js';
import type { PolicyInput } from '../domain/policy-input.js';
import type { ApprovalRule, PolicySet, PolicyVerdict } from '../domain/policy-set.js';
import { handlesWhole, memoKey, type MemoKey } from '../domain/projection.js';
import { policyParts, PolicyTextError, type PolicyPart } from './policy-text.js';

const MEMO_ENTRIES = 20_000;
/** Combinations of rules set aside that are kept parsed; beyond that one is parsed each time. */
const MOST_ASIDES = 16;

/** The engine keeps parsed sets under names for ever, so names are used again; whoever compiled into a slot last owns it. */
const slotOwners = new Map<string, CompiledPolicySet>();

/** One policy of a set: its id and its text, which may hold several Cedar policies. */
export interface PolicySource {
  readonly id: string;
  readonly cedar: string;
}

/**
 * A version of a zone's policies, parsed once. Evaluation follows Cedar: deny by default, forbid overrides permit, an error denies. A deny that
 * only `@approval` forbids determined is asked again with them set aside: then permit is a hold. Rules that people have set aside are left out
 * from the start. Verdicts are remembered, evaluation being pure.
 */
export class CompiledPolicySet implements PolicySet {
  private readonly parts: readonly PolicyPart[];
  private readonly approvals: ReadonlyMap<string, ApprovalRule>;
  private readonly asides = new Set<string>();
  /** A text reads `approved` and `operation` together: who did not see the operation cannot have approved it. */
  private readonly approvesOperations: boolean;
  private readonly memo = new LRUCache<string, PolicyVerdict>({ max: MEMO_ENTRIES });
  private readonly keyOf: MemoKey;

  /** Throws {@link PolicyTextError}. `slot` names the place in the engine; an earlier set compiled into the same slot denies from then on. */
  constructor(
    readonly version: number,
    sources: readonly PolicySource[],
    private readonly slot: string,
  ) {
    this.parts = sources.flatMap((source) => policyParts(source.id, source.cedar));
    this.approvals = new Map(this.parts.flatMap((part) => (part.approval ? [[part.id, part.approval]] : [])));
    this.approvesOperations = this.parts.some((part) => reads(part, 'approved') && reads(part, 'operation'));
    this.keyOf = memoKey(this.parts.map((part) => part.text).join('\n'));
    this.preparse('all', this.parts);
    if (this.approvals.size > 0) {
      this.preparse(
        'open',
        this.parts.filter((part) => part.approval === undefined),
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
    const aside = this.setAside(input);
    const asked = this.approvesOperations && input.approval?.operation === false ? unapproved(input) : input;
    const { decision, diagnostics } = this.ask(this.without(aside), asked);
    const determining = [...diagnostics.reason].sort();
    if (diagnostics.errors.length > 0) return { effect: 'deny', determining, reasons: ['policy_error'] };
    if (decision === 'allow') return { effect: 'permit', determining, reasons: [] };
    if (determining.length === 0) return { effect: 'deny', determining, reasons: ['no_permit'] };
    const required = determining.flatMap((id) => this.approvals.get(id) ?? []);
    const held = required.length === determining.length && this.ask('open', asked).decision === 'allow';
    return held
      ? { effect: 'hold', determining, reasons: [], required }
      : { effect: 'deny', determining, reasons: ['forbidden'] };
  }

  /** The parts that an approval takes out; a rule that reads the operation only when the people saw it. */
  private setAside({ approval }: PolicyInput): readonly PolicyPart[] {
    if (!approval) return [];
    const rules = new Set(approval.rules);
    return this.parts.filter(
      (part) => part.approval && rules.has(part.approval.rule) && (approval.operation || !reads(part, 'operation')),
    );
  }

  /** The name of the set without these parts, parsed when it is first asked. */
  private without(aside: readonly PolicyPart[]): string {
    if (aside.length === 0) return 'all';
    const name = `aside:${aside.map((part) => this.parts.indexOf(part)).join(',')}`;
    if (this.asides.has(name)) return name;
    const kept = this.asides.size < MOST_ASIDES ? name : 'aside';
    this.preparse(
      kept,
      this.parts.filter((part) => !aside.includes(part)),
    );
    if (kept === name) this.asides.add(name);
    return kept;
  }

  private ask(which: string, input: PolicyInput): cedar.Response {
    const answer = cedar.statefulIsAuthorized({ ...cedarCall(input), preparsedPolicySetId: `${this.slot}/${which}` });
    if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
    return answer.response;
  }

  private preparse(which: string, parts: readonly PolicyPart[]): void {
    const staticPolicies = Object.fromEntries(parts.map((part) => [part.id, part.text]));
    const answer = cedar.preparsePolicySet(`${this.slot}/${which}`, { staticPolicies });
    if (answer.type === 'failure')
      throw new PolicyTextError(answer.errors.map((error) => ({ message: error.message, line: 1, column: 1 })));
  }
}

/** Whether a policy may read a member of the context: it names it, spells something with an escape, or handles the context as a whole. */
function reads({ text }: PolicyPart, member: string): boolean {
  return text.includes(member) || handlesWhole(text);
}

function unapproved(input: PolicyInput): PolicyInput {
  return { ...input, context: { ...input.context, approved: false } };
}
