import type { Clock } from '../kernel/clock.js';
import { writeChanges, type Change, type ChangeFeed, type ChangeKind } from '../platform/changes/index.js';
import type { Database, ZoneTx } from '../platform/database/index.js';
import type { EntryDraft } from './domain/entry.js';
import { claimRow, type OnceClaim, type OnceClaimRow } from './domain/once-claim.js';
import type { LedgerKeys } from './ledger-keys.js';
import { takeBudgets } from './persistence/budgets.js';
import { appendChained, lockHeads, takeClaims } from './persistence/ledger-store.js';
import { writeOutbox, type OutboxMessage } from './persistence/outbox-rows.js';
import { prepareEntry } from './prepare-entry.js';

/** Where an entry went. `index` is known once the change has committed. */
export interface Recorded {
  index: number;
}

/** What became of a claim; `taken` is known once the change has committed, and false of a budget where one among the same was taken. */
export interface Claimed {
  taken: boolean;
}

/** The transaction of a state change. What is collected here is written last, in the lock order rows → feed head → ledger head. */
export interface ChangeTx extends ZoneTx {
  /** The object's views are re-read on every replica, here before the call is answered. */
  changed(kind: ChangeKind, id: string): void;
  /** The entry without which this change does not happen. */
  record(entry: Omit<EntryDraft, 'zone'>): Recorded;
  /** A message that is sent if and only if this transaction commits. */
  enqueue(message: OutboxMessage): void;
  /** Without this claim the change does not happen: when it was taken before, `refusal` is thrown and everything is rolled back. */
  claim(once: OnceClaim, refusal: () => Error): Claimed;
}

export interface AuditedChangesParts {
  readonly database: Database;
  readonly feed: ChangeFeed;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
}

/** The steps of a change, in their order; up to `ledger` nothing has happened yet, from `committed` on everything has. */
export const CHANGE_STEPS = ['begun', 'rows', 'outbox', 'feed', 'ledger', 'committed', 'applied'] as const;
export type ChangeStep = (typeof CHANGE_STEPS)[number];

/** Every state change of the server: rows, outbox, feed and ledger commit together or not at all. */
export class AuditedChanges {
  private readonly committed: (() => void)[] = [];
  private readonly watchers: ((zone: string, step: ChangeStep) => void | Promise<void>)[] = [];

  constructor(private readonly parts: AuditedChangesParts) {}

  /** `wake` is called after a commit that wrote to the outbox. */
  onOutbox(wake: () => void): void {
    this.committed.push(wake);
  }

  /**
   * `watch` sees each step that was made, and the change goes on when it is done; what it throws ends the change there, as the end of the process
   * would. For tests of exactly that: nothing of the server calls this.
   */
  onStep(watch: (zone: string, step: ChangeStep) => void | Promise<void>): void {
    this.watchers.push(watch);
  }

  /** Resolves when the change is durable, audited and in effect on this replica. */
  async run<T>(zone: string, work: (tx: ChangeTx) => Promise<T>): Promise<T> {
    const collected = new Collected();
    let changes: Change[] = [];
    const result = await this.parts.database.withZone(zone, async (tx) => {
      await this.made(zone, 'begun');
      const answer = await work(collected.bind(tx));
      await this.made(zone, 'rows');
      if (collected.messages.length > 0) await writeOutbox(tx, collected.messages);
      await this.made(zone, 'outbox');
      if (collected.changes.length > 0) changes = await writeChanges(tx, zone, collected.changes);
      await this.made(zone, 'feed');
      if (collected.entries.length + collected.claims.length > 0) await this.appendEntries(tx, collected);
      await this.made(zone, 'ledger');
      return answer;
    });
    await this.made(zone, 'committed');
    await this.parts.feed.catchUp(zone, changes);
    await this.made(zone, 'applied');
    if (collected.messages.length > 0) for (const wake of this.committed) wake();
    return result;
  }

  private async made(zone: string, step: ChangeStep): Promise<void> {
    for (const watch of this.watchers) await watch(zone, step);
  }

  /** Claims come after the ledger's head, as they do in group commits: the other way round, the two would wait for each other. */
  private async appendEntries(tx: ZoneTx, { entries: recorded, claims }: Collected): Promise<void> {
    const entries = recorded.map(({ draft }) => prepareEntry({ ...draft, zone: tx.zone }));
    const head = (await lockHeads(tx, [tx.zone])).get(tx.zone);
    if (!head) throw new Error(`the zone ${tx.zone} has no ledger`);
    if (claims.length > 0) await take(tx, claims);
    if (entries.length === 0) return;
    const target = { zone: tx.zone, head, now: this.parts.clock.now() };
    const { first } = await appendChained(tx, target, entries, this.parts.keys);
    recorded.forEach(({ at }, position) => (at.index = first + position));
  }
}

interface RecordedEntry {
  readonly draft: Omit<EntryDraft, 'zone'>;
  readonly at: Recorded;
}

async function take(tx: ZoneTx, claims: readonly Claim[]): Promise<void> {
  const once = claims.filter((claim) => claim.once.limit === undefined);
  const won = await takeClaims(tx, tx.zone, rowsOf(once));
  once.forEach(({ refusal }, at) => {
    if (!won[at]) throw refusal();
  });
  const budgets = claims.filter((claim) => claim.once.limit !== undefined);
  const [first] = budgets;
  if (!first) return;
  const rows = rowsOf(budgets);
  const [paid] = await takeBudgets(tx, tx.zone, [rows]);
  if (!paid) throw first.refusal();
  budgets.forEach(({ claimed }, at) => (claimed.taken = paid.has(rows[at] as OnceClaimRow)));
}

function rowsOf(claims: readonly Claim[]): OnceClaimRow[] {
  return claims.map(({ once }) => claimRow(once));
}

interface Claim {
  readonly once: OnceClaim;
  readonly refusal: () => Error;
  readonly claimed: Claimed;
}

class Collected {
  readonly changes: { kind: ChangeKind; id: string }[] = [];
  readonly entries: RecordedEntry[] = [];
  readonly messages: OutboxMessage[] = [];
  readonly claims: Claim[] = [];

  bind(tx: ZoneTx): ChangeTx {
    return {
      ...tx,
      changed: (kind, id) => void this.changes.push({ kind, id }),
      record: (draft) => {
        const at: Recorded = { index: -1 };
        this.entries.push({ draft, at });
        return at;
      },
      enqueue: (message) => void this.messages.push(message),
      claim: (once, refusal) => {
        const claimed: Claimed = { taken: true };
        this.claims.push({ once, refusal, claimed });
        return claimed;
      },
    };
  }
}
