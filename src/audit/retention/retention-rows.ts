import { GENESIS_MAC } from '../domain/chain.js';
import type { ChainPosition } from '../domain/verify-chain.js';
import { type Database, faultCode, type ZoneTx } from '../../platform/database/index.js';

/** How long a zone keeps its ledger when nobody has said otherwise. */
export const DEFAULT_DAYS = 365;

/** What must not be dropped, whatever the zone's retention says. */
export interface Hold {
  readonly id: string;
  readonly from: number;
  /** Exclusive; absent: everything from `from` on. */
  readonly to?: number;
  readonly reason: string;
  readonly createdAt: Date;
}

/** Holds that come after one, by its id. */
export interface HoldPage {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** One zone's part of a month's partition, and why it must be kept, if it must. */
export interface PartitionPart {
  readonly zone: string;
  readonly from: number;
  readonly to: number;
  /** The export that holds it. */
  readonly export?: string;
  readonly keptBy: 'not_due' | 'hold' | 'not_oldest' | 'not_signed' | 'not_exported' | 'exporting' | undefined;
}

export async function readRetention(tx: ZoneTx): Promise<number> {
  const [row] = await tx.query<{ days: number }>('SELECT days FROM caracal.ledger_retention WHERE zone = $1', [
    tx.zone,
  ]);
  return row?.days ?? DEFAULT_DAYS;
}

export async function writeRetention(tx: ZoneTx, days: number, at: Date): Promise<void> {
  await tx.query(
    `INSERT INTO caracal.ledger_retention (zone, days, updated_at) VALUES ($1, $2, $3)
     ON CONFLICT (zone) DO UPDATE SET days = excluded.days, updated_at = excluded.updated_at`,
    [tx.zone, days, at],
  );
}

export async function insertHold(tx: ZoneTx, hold: Hold & { readonly createdBy: string }): Promise<void> {
  await tx.query(
    `INSERT INTO caracal.ledger_holds (zone, id, from_index, to_index, reason, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [tx.zone, hold.id, hold.from, hold.to ?? null, hold.reason, hold.createdAt, hold.createdBy],
  );
}

/** False when the zone has no such hold, or it was released before. */
export async function releaseHold(tx: ZoneTx, id: string, reason: string, at: Date): Promise<boolean> {
  const rows = await tx.query(
    `WITH released AS (
       UPDATE caracal.ledger_holds SET released_at = $3, release_reason = $4 WHERE zone = $1 AND id = $2 AND released_at IS NULL RETURNING 1
     ) SELECT 1 FROM released`,
    [tx.zone, id, at, reason],
  );
  return rows.length > 0;
}

/** Holds that stand, oldest first: their ids are UUIDv7. */
export async function standingHolds(tx: ZoneTx, page: HoldPage): Promise<Hold[]> {
  const rows = await tx.query<{
    id: string;
    from_index: string;
    to_index: string | null;
    reason: string;
    created_at: Date;
  }>(
    `SELECT id, from_index, to_index, reason, created_at FROM caracal.ledger_holds
      WHERE zone = $1 AND released_at IS NULL AND id > $2 ORDER BY id LIMIT $3`,
    [tx.zone, page.after ?? '', page.limit],
  );
  return rows.map((row) => ({
    id: row.id,
    from: Number(row.from_index),
    ...(row.to_index === null ? {} : { to: Number(row.to_index) }),
    reason: row.reason,
    createdAt: row.created_at,
  }));
}

/** The months whose partitions ended at least thirty days ago, oldest first. */
export async function endedMonths(database: Database): Promise<string[]> {
  const rows = await database.asJanitor((tx) =>
    tx.query<{ month: string }>(
      `SELECT replace(substring(c.relname FROM 8), '_', '-') || '-01' AS month FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('caracal.ledger') AND c.relname ~ '^ledger_[0-9]{4}_[0-9]{2}$'
          AND to_date(substring(c.relname FROM 8), 'YYYY_MM') + interval '1 month' <= (now() AT TIME ZONE 'UTC') - interval '30 days'
        ORDER BY c.relname`,
    ),
  );
  return rows.map((row) => row.month);
}

export async function partitionParts(database: Database, month: string): Promise<PartitionPart[]> {
  const rows = await database.asJanitor((tx) =>
    tx.query<{
      zone: string;
      from_index: string;
      to_index: string;
      kept_by: PartitionPart['keptBy'] | null;
      export: string | null;
    }>('SELECT zone, from_index, to_index, kept_by, export FROM caracal.ledger_partition_parts($1)', [month]),
  );
  return rows.map((row) => ({
    zone: row.zone,
    from: Number(row.from_index),
    to: Number(row.to_index),
    ...(row.export === null ? {} : { export: row.export }),
    keptBy: row.kept_by ?? undefined,
  }));
}

/** Counts the partition's rows and drops it; the database refuses while anything keeps any part of it, or a row is not accounted for. */
export async function dropPartition(database: Database, month: string): Promise<void> {
  await database.asJanitor((tx) => tx.query('SELECT caracal.ledger_account_partition($1)', [month]));
  await database.asJanitor((tx) => tx.query('SELECT 1 FROM caracal.ledger_drop_partition($1)', [month]));
}

/** `lock_not_available`, `deadlock_detected`. */
const BUSY: ReadonlySet<string | undefined> = new Set(['55P03', '40P01']);

/** Whether a drop has failed only because others are at work on what is to be dropped. */
export function isBusy(error: unknown): boolean {
  // A lock that was waited for too long comes as a database that cannot be asked.
  return [error, (error as { readonly cause?: unknown }).cause].some((fault) => BUSY.has(faultCode(fault)));
}

/** Checkpoints of one zone that go in one transaction. */
const THINNED_AT_ONCE = 5_000;
const MOST_ROUNDS = 1_000;

/** Removes checkpoints that are old and under another one nearby; the table itself refuses to let go of the others. Safe to repeat. */
export async function thinCheckpoints(database: Database): Promise<void> {
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds += 1) {
    const [row] = await database.asJanitor((tx) =>
      tx.query<{ gone: number }>('SELECT caracal.log_thin($1) AS gone', [THINNED_AT_ONCE]),
    );
    if (!row || row.gone < THINNED_AT_ONCE) return;
  }
}

/** Anything that runs this one statement: the server's transaction, or a verifier's own connection. */
export interface StartQuery {
  query(sql: string, params: readonly unknown[]): Promise<readonly StartRow[]>;
}

interface StartRow {
  readonly to_index: string;
  readonly chain_mac: Buffer;
  readonly ingested_at: Date;
}

/** Where what is left of the zone's ledger begins, and what its first entry must follow. */
export async function ledgerStart(tx: StartQuery, zone: string): Promise<ChainPosition> {
  const [row] = await tx.query(
    'SELECT to_index, chain_mac, ingested_at FROM caracal.ledger_tombstones WHERE zone = $1 ORDER BY to_index DESC LIMIT 1',
    [zone],
  );
  if (!row) return { next: 0, chainMac: GENESIS_MAC, ingestedAt: Number.NEGATIVE_INFINITY };
  return { next: Number(row.to_index), chainMac: row.chain_mac, ingestedAt: row.ingested_at.getTime() };
}
