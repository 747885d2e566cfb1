import type { Database, Tx } from '../../platform/database/index.js';

/** A call that was let through: the index of that decision, and its entry. */
export interface LetThrough {
  readonly index: number;
  readonly entry: string;
}

/** Zones whose ledgers have entries that were not followed, or calls that are overdue. */
export async function zonesWithOpenCalls(database: Database, now: number): Promise<string[]> {
  const rows = await database.querySystem<{ zone: string }>(
    'open-calls',
    `SELECT h.zone FROM caracal.ledger_head h JOIN caracal.zones z ON z.slug = h.zone
       LEFT JOIN caracal.call_watermarks w ON w.zone = h.zone
      WHERE h.next_index > coalesce(w.next_index, 0)
         OR EXISTS (SELECT FROM caracal.open_calls c WHERE c.zone = h.zone AND c.closed_at IS NULL AND c.due_at <= $1)
      ORDER BY h.zone`,
    [new Date(now)],
  );
  return rows.map((row) => row.zone);
}

/** Follows the zone's ledger by at most `limit` entries; answers by how many. */
export async function followCalls(database: Database, zone: string, limit: number): Promise<number> {
  const [row] = await database.asJanitor((tx) =>
    tx.query<{ n: number }>('SELECT caracal.calls_follow($1, $2) AS n', [zone, limit]),
  );
  return row?.n ?? 0;
}

/** How many calls of the zone are overdue. */
export async function overdueCalls(database: Database, zone: string, now: number): Promise<number> {
  const [row] = await database.querySystem<{ n: number }>(
    'open-calls',
    'SELECT count(*)::integer AS n FROM caracal.open_calls WHERE zone = $1 AND closed_at IS NULL AND due_at <= $2',
    [zone, new Date(now)],
  );
  return row?.n ?? 0;
}

/** Closes overdue calls, in the transaction that says so in the ledger and holds its head. */
export async function closeCalls(tx: Tx, zone: string, now: number, limit: number): Promise<LetThrough[]> {
  const rows = await tx.query<{ index: string; entry: string }>(
    'SELECT index, entry FROM caracal.calls_close($1, $2, $3)',
    [zone, new Date(now), limit],
  );
  return rows.map((row) => ({ index: Number(row.index), entry: row.entry }));
}

/** Those of the calls that were closed before their outcome came; under the lock of the ledger's head. */
export async function closedCalls(tx: Tx, zone: string, indices: readonly number[]): Promise<ReadonlySet<number>> {
  if (indices.length === 0) return new Set();
  const rows = await tx.query<{ index: string }>('SELECT caracal.calls_closed($1, $2) AS index', [zone, indices]);
  return new Set(rows.map((row) => Number(row.index)));
}
