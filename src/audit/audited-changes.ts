import type { Clock } from '../kernel/clock.js';
import { writeChanges, type Change, type ChangeFeed } from '../platform/changes/index.js';
import type { Database, ZoneTx } from '../platform/database/index.js';
import { claimRow, type OnceClaimRow } from './domain/once-claim.js';
import type { ChangeRunner, ChangeTx } from './change-tx.js';
import { type Claim, Collected } from './collected-change.js';
import { JointChange, Undone } from './joint-change.js';
import type { LedgerKeys } from './ledger-keys.js';
import { takeBudgets } from './persistence/budgets.js';
import { appendChained, type Head, lockHeads, takeClaims } from './persistence/ledger-store.js';
import { writeOutbox } from './persistence/outbox-rows.js';
import { prepareEntry } from './prepare-entry.js';

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
export class AuditedChanges implements ChangeRunner {
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

  /**
   * Runs changes of several zones that commit together or not at all; each zone's ledger has the entries of its own. What `work` runs must come one
   * after the other. With `dryRun` everything is done up to the outbox and then undone.
   */
  async together<T>(work: (changes: ChangeRunner) => Promise<T>, { dryRun }: { readonly dryRun: boolean }): Promise<T> {
    const joint = new JointChange();
    const feeds = new Map<string, Change[]>();
    const result = await this.parts.database
      .acrossZones(async (enter) => {
        const answer = await work(joint.runner(enter));
        if (dryRun) throw new Undone(answer);
        for (const [zone, { messages }] of joint.parts())
          if (messages.length > 0) await writeOutbox(await enter(zone), messages);
        for (const [zone, { changes }] of joint.parts())
          if (changes.length > 0) feeds.set(zone, await writeChanges(await enter(zone), zone, changes));
        await this.appendTogether(joint, enter);
        return answer;
      })
      .catch((error: unknown) => {
        if (error instanceof Undone) return error.answer as T;
        throw error;
      });
    for (const [zone, changes] of feeds) await this.parts.feed.catchUp(zone, changes);
    if (joint.parts().some(([, { messages }]) => messages.length > 0)) for (const wake of this.committed) wake();
    return result;
  }

  /** Every head is locked in one statement and in order, as group commits do it. */
  private async appendTogether(joint: JointChange, enter: (zone: string) => Promise<ZoneTx>): Promise<void> {
    const written = joint.parts().filter(([, { entries, claims }]) => entries.length + claims.length > 0);
    const [first] = written;
    if (!first) return;
    const heads = await lockHeads(
      await enter(first[0]),
      written.map(([zone]) => zone),
    );
    for (const [zone, collected] of written) {
      await this.made(zone, 'feed');
      await this.append(await enter(zone), collected, heads.get(zone));
      await this.made(zone, 'ledger');
    }
  }

  private async made(zone: string, step: ChangeStep): Promise<void> {
    for (const watch of this.watchers) await watch(zone, step);
  }

  /** Claims come after the ledger's head, as they do in group commits: the other way round, the two would wait for each other. */
  private async appendEntries(tx: ZoneTx, collected: Collected): Promise<void> {
    await this.append(tx, collected, (await lockHeads(tx, [tx.zone])).get(tx.zone));
  }

  private async append(tx: ZoneTx, { entries: recorded, claims }: Collected, head: Head | undefined): Promise<void> {
    const entries = recorded.map(({ draft }) => prepareEntry({ ...draft, zone: tx.zone }));
    if (!head) throw new Error(`the zone ${tx.zone} has no ledger`);
    if (claims.length > 0) await take(tx, claims);
    if (entries.length === 0) return;
    const target = { zone: tx.zone, head, now: this.parts.clock.now() };
    const { first } = await appendChained(tx, target, entries, this.parts.keys);
    recorded.forEach(({ at }, position) => (at.index = first + position));
  }
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
