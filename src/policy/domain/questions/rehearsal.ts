import { isJsonObject, type JsonObject } from '../../../kernel/json.js';
import { judge } from '../decide.js';
import type { PolicySet } from '../policy-set.js';
import { type Outcome, recordedDecision, type RecordedDecision } from './recorded-decision.js';

/** One decision that would be another. `indeterminate` when the policies read what the ledger kept only as a hash. */
export interface ChangedDecision {
  readonly index: number;
  readonly before: Outcome;
  readonly after: Outcome | 'indeterminate';
  /** What would determine it. */
  readonly determining: readonly string[];
  /** Where a part of the scopes was and is permitted, which; only when these differ. */
  readonly scopes?: { readonly before: readonly string[]; readonly after: readonly string[] };
}

/** Changed decisions that are alike. */
export interface ChangedGroup {
  readonly before: Outcome;
  readonly after: Outcome | 'indeterminate';
  readonly application: string | null;
  readonly resource: string | null;
  readonly scopes: readonly string[];
  readonly count: number;
  /** The index of the first of them. */
  readonly first: number;
}

export interface RehearsalReport {
  /** Decisions that were asked about again. */
  readonly examined: number;
  readonly changed: readonly ChangedDecision[];
  /** True when there were more changes than are listed; they are counted all the same. */
  readonly truncated: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly groups: readonly ChangedGroup[];
}

/** The policies that are tried, and whether their text names a word. */
export interface Draft {
  readonly set: PolicySet;
  readonly mentions: (word: string) => boolean;
}

const MOST_CHANGES = 10_000;
const MOST_GROUPS = 1_000;

/** Decides ledger entries again under other policies and collects what changes. Pure: the same entries and policies give the same report. */
export class Rehearsal {
  private examined = 0;
  private total = 0;
  private readonly changed: ChangedDecision[] = [];
  private readonly counts = new Map<string, number>();
  private readonly groups = new Map<string, ChangedGroup>();

  constructor(private readonly draft: Draft) {}

  /** Takes the next entry; what is no decision of policies passes. */
  examine(index: number, entry: JsonObject): void {
    const decision = recordedDecision(index, entry);
    if (!decision) return;
    this.examined += 1;
    const change = changeOf(decision, this.draft);
    if (change) this.note(decision, change);
  }

  report(): RehearsalReport {
    return {
      examined: this.examined,
      changed: this.changed,
      truncated: this.total > this.changed.length,
      counts: Object.fromEntries([...this.counts].sort()),
      groups: [...this.groups.values()].sort((a, b) => b.count - a.count || a.first - b.first).slice(0, MOST_GROUPS),
    };
  }

  private note(decision: RecordedDecision, change: ChangedDecision): void {
    this.total += 1;
    if (this.changed.length < MOST_CHANGES) this.changed.push(change);
    const kind = `${change.before}_to_${change.after}`;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.group(decision, change);
  }

  private group(decision: RecordedDecision, { before, after, index }: ChangedDecision): void {
    const { question } = decision;
    const application = decision.application ?? null;
    const resource = decision.resource ?? null;
    const scopes = [...question.scopes].sort();
    const key = JSON.stringify([before, after, application, resource, scopes]);
    const known = this.groups.get(key) ?? { before, after, application, resource, scopes, count: 0, first: index };
    this.groups.set(key, { ...known, count: known.count + 1 });
  }
}

/** How a decision would change; undefined when it stays. */
export function changeOf(decision: RecordedDecision, draft: Draft): ChangedDecision | undefined {
  const { index, outcome: before, question, scene } = decision;
  if (hashedNames(scene.context).some(draft.mentions))
    return { index, before, after: 'indeterminate', determining: [] };
  const judgement = judge(question, scene, draft.set);
  const after = afterwards(judgement.outcome, decision);
  const { determining } = judgement;
  if (after !== before) return { index, before, after, determining };
  if (!question.omitted || judgement.outcome !== 'allow') return undefined;
  const scopes = { before: [...decision.scopes].sort(), after: [...judgement.scopes].sort() };
  return scopes.before.join(' ') === scopes.after.join(' ') ? undefined : { index, before, after, determining, scopes };
}

/** What was approved stays so where the draft, too, asks for an approval only. */
function afterwards(outcome: ReturnType<typeof judge>['outcome'], { approval, scene }: RecordedDecision): Outcome {
  if (outcome === 'hold') return approval !== undefined && scene.context['approved'] === true ? 'allow' : 'hold';
  return outcome === 'allow' ? 'allow' : 'deny';
}

/** Names of arguments of which the ledger has only the hash: `{"sha256": "…"}` in their place. */
function hashedNames(context: JsonObject): readonly string[] {
  const operation = context['operation'];
  const args = isJsonObject(operation) ? operation['args'] : undefined;
  if (!isJsonObject(args)) return [];
  if (isHash(args)) return ['args'];
  return Object.entries(args).flatMap(([name, value]) => (isJsonObject(value) && isHash(value) ? [name] : []));
}

function isHash(value: JsonObject): boolean {
  return typeof value['sha256'] === 'string' && Object.keys(value).length === 1;
}
