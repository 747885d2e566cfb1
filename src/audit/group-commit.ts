import type { Database, Tx } from '../platform/database/index.js';
import type { Clock } from '../kernel/clock.js';
import type { EntryDraft } from './domain/entry.js';
import type { LedgerKeys } from './ledger-keys.js';
import {
  appendChained,
  lockHeads,
  takeClaims,
  type OnceClaimRow,
  type PreparedEntry,
} from './persistence/ledger-store.js';
import { asReplayed } from './prepare-entry.js';

/** One caller's entry on its way into a group. */
export interface GroupItem {
  readonly draft: EntryDraft;
  readonly prepared: PreparedEntry;
  readonly claims: readonly OnceClaimRow[];
}

/** Where an entry went. `replayed`: a claim was already taken, and the entry says so. */
export interface Appended {
  readonly zone: string;
  readonly index: number;
  readonly replayed: boolean;
  /** The kinds of the claims that were lost. */
  readonly lost: readonly string[];
}

interface Parts {
  readonly database: Database;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
}

/**
 * Commits a group in one transaction: heads locked, claims taken, entries chained and appended. All or nothing.
 * Item n of the answer belongs to item n of the group; undefined where the zone has no ledger.
 */
export function commitGroup(parts: Parts, group: readonly GroupItem[]): Promise<(Appended | undefined)[]> {
  const zones = [...new Set(group.map((item) => item.draft.zone))].sort();
  return parts.database.asAudit(async (tx) => {
    const heads = await lockHeads(tx, zones);
    const answers = new Map<GroupItem, Appended>();
    for (const [zone, head] of heads) {
      const items = group.filter((item) => item.draft.zone === zone);
      const lost = await losers(tx, zone, items);
      const entries = items.map((item) => (lost.has(item) ? asReplayed(item.draft) : item.prepared));
      const first = await appendChained(tx, { zone, head, now: parts.clock.now() }, entries, parts.keys);
      items.forEach((item, at) =>
        answers.set(item, { zone, index: first + at, replayed: lost.has(item), lost: lost.get(item) ?? [] }),
      );
    }
    return group.map((item) => answers.get(item));
  });
}

/** The items of a zone that lost at least one of their claims, with the kinds of these. What a loser had won stays taken: it was presented, after all. */
async function losers(tx: Tx, zone: string, items: readonly GroupItem[]): Promise<Map<GroupItem, string[]>> {
  const owners = items.flatMap((item) => item.claims.map((claim) => ({ item, claim })));
  const lost = new Map<GroupItem, string[]>();
  if (owners.length === 0) return lost;
  const claims = owners.map((owner) => owner.claim);
  const won = await takeClaims(tx, zone, claims);
  owners.forEach(({ item, claim }, at) => {
    if (!won[at]) lost.set(item, [...(lost.get(item) ?? []), claim.kind]);
  });
  return lost;
}
