import { faultCode, type Database, type Tx } from '../platform/database/index.js';
import { firstSeen } from '../platform/queue/index.js';
import type { Clock } from '../kernel/clock.js';
import type { EntryDraft } from './domain/entry.js';
import type { OnceClaimRow } from './domain/once-claim.js';
import type { LedgerKeys } from './ledger-keys.js';
import { BUDGET, takeBudgets } from './persistence/budgets.js';
import { appendChained, lockHeads, takeClaims, type Head, type PreparedEntry } from './persistence/ledger-store.js';
import { asLost } from './prepare-entry.js';

/** One entry on its way into a group: a caller's, or one that a queue delivered. */
export type GroupItem = { readonly zone: string; readonly prepared: PreparedEntry } & (
  { readonly draft: EntryDraft; readonly claims: readonly OnceClaimRow[] } | { readonly delivered: true }
);

/** Where an entry went. `replayed`: a claim was already taken, and the entry says so. */
export interface Appended {
  readonly zone: string;
  readonly index: number;
  readonly replayed: boolean;
  /** The kinds of the claims that were lost. */
  readonly lost: readonly string[];
  /** Positions of budgets that were not needed, because one among the same was taken. */
  readonly idle?: readonly number[] | undefined;
}

/** What became of an entry; `seen`: it was delivered and appended before. */
export type Fate = Appended | 'seen' | 'no_ledger';

interface Parts {
  readonly database: Database;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
}

const HEAD_MOVED = '40001';
const SEEN_BEFORE = '23505';
/** The queue whose jobs bring entries. */
const QUEUE = 'audit';

/** Commits groups, one after the other. It remembers where each chain ended, so that the next group can usually be one statement. */
export class GroupCommit {
  private readonly heads = new Map<string, Head>();

  constructor(private readonly parts: Parts) {}

  /** All or nothing. Item n of the answer belongs to item n of the group. */
  async commit(group: readonly GroupItem[]): Promise<Fate[]> {
    const zone = soleZone(group);
    const head = zone === undefined ? undefined : this.heads.get(zone);
    if (zone === undefined || !head) return this.underLock(group);
    try {
      return await this.onto(zone, head, group);
    } catch (error) {
      this.heads.delete(zone);
      // Somebody else has appended meanwhile, or a job was delivered again; nothing was written.
      if (faultCode(error) === HEAD_MOVED || faultCode(error) === SEEN_BEFORE) return this.underLock(group);
      throw error;
    }
  }

  /** One statement: the append function locks the head itself and refuses when it is not the one remembered. */
  private async onto(zone: string, head: Head, group: readonly GroupItem[]): Promise<Appended[]> {
    const entries = group.map((item) => item.prepared);
    const chained = await appendChained(
      this.parts.database.auditStatements,
      { zone, head, now: this.parts.clock.now(), delivered: { queue: QUEUE, ids: deliveredIds(group) } },
      entries,
      this.parts.keys,
    );
    this.heads.set(zone, chained.head);
    return group.map((_, at) => ({ zone, index: chained.first + at, replayed: false, lost: [] }));
  }

  /** One transaction: what was delivered before left out, heads locked and read, claims taken, entries chained and appended. */
  private async underLock(whole: readonly GroupItem[]): Promise<Fate[]> {
    const ends = new Map<string, Head>();
    const fates = await this.parts.database.asAudit(async (tx) => {
      const seen = await seenBefore(tx, whole);
      const group = whole.filter((item) => !seen.has(item));
      const zones = [...new Set(group.map((item) => item.zone))].sort();
      const found = new Map<GroupItem, Appended>();
      for (const [zone, head] of await lockHeads(tx, zones)) {
        const items = group.filter((item) => item.zone === zone);
        const { lost, idle } = await takeAll(tx, zone, items);
        const entries = items.map((item) => asStands(item, lost.get(item)));
        const chained = await appendChained(tx, { zone, head, now: this.parts.clock.now() }, entries, this.parts.keys);
        ends.set(zone, chained.head);
        items.forEach((item, at) =>
          found.set(item, {
            zone,
            index: chained.first + at,
            replayed: lost.has(item),
            lost: lost.get(item) ?? [],
            idle: idle.get(item),
          }),
        );
      }
      return whole.map((item) => found.get(item) ?? (seen.has(item) ? 'seen' : 'no_ledger'));
    });
    for (const [zone, head] of ends) this.heads.set(zone, head);
    return fates;
  }
}

function asStands(item: GroupItem, lost: readonly string[] | undefined): PreparedEntry {
  return lost && 'draft' in item ? asLost(item.draft, lost) : item.prepared;
}

function deliveredIds(group: readonly GroupItem[]): string[] {
  return group.flatMap((item) => ('delivered' in item ? [item.prepared.eventId] : []));
}

/** The delivered items that are in the ledger, or are another's to append; the others are this transaction's now. */
async function seenBefore(tx: Tx, group: readonly GroupItem[]): Promise<ReadonlySet<GroupItem>> {
  const delivered = group.filter((item) => 'delivered' in item);
  if (delivered.length === 0) return new Set();
  const fresh = new Set(await firstSeen(tx, QUEUE, deliveredIds(delivered)));
  // An event that two deliveries brought into one group belongs to the first.
  return new Set(delivered.filter((item) => !fresh.delete(item.prepared.eventId)));
}

/** The one zone of a group that needs nothing but the append, which is one statement. */
function soleZone(group: readonly GroupItem[]): string | undefined {
  const zone = group[0]?.zone;
  const bare = (item: GroupItem): boolean =>
    item.zone === zone && claimsOf(item).length === 0 && item.prepared.personal === undefined;
  return group.every(bare) ? zone : undefined;
}

interface Takings {
  /** The items that lost at least one of their claims, with the kinds of these. */
  readonly lost: ReadonlyMap<GroupItem, readonly string[]>;
  readonly idle: ReadonlyMap<GroupItem, readonly number[]>;
}

/** Takes the claims of a zone's items. What a loser had won stays taken: it was presented, after all. */
async function takeAll(tx: Tx, zone: string, items: readonly GroupItem[]): Promise<Takings> {
  const owners = items.flatMap((item) => claimsOf(item).map((claim) => ({ item, claim })));
  const once = owners.filter(({ claim }) => claim.limit === undefined);
  const lost = new Map<GroupItem, string[]>();
  const won =
    once.length === 0
      ? []
      : await takeClaims(
          tx,
          zone,
          once.map(({ claim }) => claim),
        );
  once.forEach(({ item, claim }, at) => {
    if (!won[at]) lost.set(item, [...(lost.get(item) ?? []), claim.kind]);
  });
  // What is refused anyway spends nothing.
  const budgeted = items.filter((item) => !lost.has(item) && claimsOf(item).some((claim) => claim.limit !== undefined));
  const idle = new Map<GroupItem, number[]>();
  if (budgeted.length === 0) return { lost, idle };
  const paid = await takeBudgets(tx, zone, budgeted.map(claimsOf));
  budgeted.forEach((item, at) => {
    const taken = paid[at];
    if (taken) idle.set(item, idleOf(claimsOf(item), taken));
    else lost.set(item, [BUDGET]);
  });
  return { lost, idle };
}

function idleOf(claims: readonly OnceClaimRow[], taken: ReadonlySet<OnceClaimRow>): number[] {
  return claims.flatMap((claim, at) => (claim.limit === undefined || taken.has(claim) ? [] : [at]));
}

function claimsOf(item: GroupItem): readonly OnceClaimRow[] {
  return 'claims' in item ? item.claims : [];
}
