import type { Tx } from '../../platform/database/index.js';
import { formatTime } from '../../kernel/times.js';
import { chainMac, leafInput, leafOf } from '../domain/chain.js';
import type { PersonalPayload } from '../domain/personal-payload.js';
import type { OnceClaimRow } from '../domain/once-claim.js';
import { FACET_SEPARATOR } from '../domain/facets.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { addPersonal } from './personal-rows.js';
import { binaryArray, ELEMENT, textArray, timeElement, uuidArray } from './binary-array.js';

/** Where a zone's chain ends. */
export interface Head {
  readonly nextIndex: number;
  readonly chainMac: Buffer;
  readonly ingestedAt: number;
}

/** An entry ready to be chained. */
export interface PreparedEntry {
  readonly eventId: string;
  readonly entry: string;
  readonly requestId: string | undefined;
  readonly facets: readonly string[];
  /** What is stored beside the entry, which commits to it. */
  readonly personal?: (PersonalPayload & { readonly subject: string | undefined }) | undefined;
}

/** Locks the heads of these zones, in one order, and returns them; a zone without a ledger is missing. */
export async function lockHeads(tx: Tx, zones: readonly string[]): Promise<Map<string, Head>> {
  const rows = await tx.query<{ zone: string; next_index: string; chain_mac: Buffer; ingested_at: Date | number }>(
    'SELECT * FROM caracal.ledger_lock($1)',
    [zones],
  );
  return new Map(
    rows.map((row) => [
      row.zone,
      {
        nextIndex: Number(row.next_index),
        chainMac: row.chain_mac,
        ingestedAt: row.ingested_at instanceof Date ? row.ingested_at.getTime() : Number.NEGATIVE_INFINITY,
      },
    ]),
  );
}

/** Takes claims; returns for each whether it was won. */
export async function takeClaims(tx: Tx, zone: string, claims: readonly OnceClaimRow[]): Promise<boolean[]> {
  const rows = await tx.query<{ n: number }>('SELECT caracal.claim_once($1, $2, $3, $4) AS n', [
    zone,
    claims.map((claim) => claim.kind),
    claims.map((claim) => claim.keyHash),
    claims.map((claim) => formatTime(claim.expiresAt)),
  ]);
  const won = new Set(rows.map((row) => row.n));
  return claims.map((_, at) => won.has(at + 1));
}

export async function releaseClaim(tx: Tx, zone: string, claim: OnceClaimRow): Promise<void> {
  const release = claim.limit === undefined ? 'claim_release' : 'budget_return';
  await tx.query(`SELECT caracal.${release}($1, $2, $3)`, [zone, claim.kind, claim.keyHash]);
}

/** Where a group went: its first index, and where the chain ends after it. */
export interface ChainedGroup {
  readonly first: number;
  readonly head: Head;
}

/** The ids of those entries of a group that a queue delivered. */
export interface Delivered {
  readonly queue: string;
  readonly ids: readonly string[];
}

const APPEND = 'caracal.ledger_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)';

/** The inbox first, as everywhere: its count is what the append waits for. An id that was seen before is a `unique_violation`, and nothing is written. */
const APPEND_DELIVERED = `WITH seen AS (
  INSERT INTO caracal.inbox (queue, id) SELECT $12, t.id FROM unnest($13::uuid[]) WITH ORDINALITY AS t(id, n) ORDER BY t.n RETURNING id
) SELECT ${APPEND} FROM (SELECT count(*) AS ids FROM seen) AS s WHERE s.ids >= 0`;

/**
 * Chains the entries onto the head and appends them. The database locks the head, and refuses with `serialization_failure` unless it is the
 * one that was chained onto; it checks density, leaves and times, and never sees a key. Delivered entries are remembered in the same statement,
 * which fails with `unique_violation` when one of them was seen before. Entries with personal payload need a transaction: that is a second statement.
 */
export async function appendChained(
  tx: Pick<Tx, 'query'>,
  target: { zone: string; head: Head; now: number; delivered?: Delivered },
  entries: readonly PreparedEntry[],
  keys: LedgerKeys,
): Promise<ChainedGroup> {
  const { zone, head, delivered } = target;
  const ingestedAt = Math.max(head.ingestedAt, target.now);
  const key = keys.current();
  const bytes: Buffer[] = [];
  const leaves: Buffer[] = [];
  const macs: Buffer[] = [];
  let previous = head.chainMac;
  entries.forEach(({ entry, eventId }, at) => {
    const input = leafInput(entry);
    const leaf = leafOf(input);
    previous = chainMac(
      key,
      { zone, index: head.nextIndex + at, kid: keys.currentKid, eventId, ingestedAt, leaf },
      previous,
    );
    bytes.push(input.subarray(1));
    leaves.push(leaf);
    macs.push(previous);
  });
  const every = <T>(value: T): T[] => entries.map(() => value);
  const append = [
    zone,
    head.nextIndex,
    head.chainMac,
    uuidArray(entries.map((entry) => entry.eventId)),
    binaryArray(ELEMENT.timestamptz, every(timeElement(ingestedAt))),
    binaryArray(ELEMENT.text, every(Buffer.from(keys.currentKid))),
    binaryArray(ELEMENT.bytea, leaves),
    binaryArray(ELEMENT.bytea, macs),
    binaryArray(ELEMENT.text, bytes),
    textArray(entries.map((entry) => entry.requestId ?? null)),
    textArray(entries.map((entry) => entry.facets.join(FACET_SEPARATOR))),
  ];
  if (!delivered || delivered.ids.length === 0) await tx.query(`SELECT ${APPEND}`, append);
  else await tx.query(APPEND_DELIVERED, [...append, delivered.queue, uuidArray([...delivered.ids].sort())]);
  const personal = entries.flatMap((entry, at) =>
    entry.personal ? [{ ...entry.personal, index: head.nextIndex + at }] : [],
  );
  if (personal.length > 0) await addPersonal(tx, zone, personal);
  return {
    first: head.nextIndex,
    head: { nextIndex: head.nextIndex + entries.length, chainMac: previous, ingestedAt },
  };
}
