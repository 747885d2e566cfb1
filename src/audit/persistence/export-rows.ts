import type { Database, ZoneTx } from '../../platform/database/index.js';
import type { ExportedRow } from '../domain/log/export-manifest.js';

/** An export as it is stored. */
export interface ExportRow {
  readonly id: string;
  readonly zone: string;
  readonly status: 'running' | 'ready' | 'failed';
  readonly from: number;
  readonly to: number;
  readonly scheduled: boolean;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly bytes: number | null;
  readonly manifest: string | null;
  readonly reason: string | null;
}

type Stored = Omit<ExportRow, 'from' | 'to' | 'bytes'> & {
  readonly from: string;
  readonly to: string;
  readonly bytes: string | null;
};

const COLUMNS = `id, zone, status, from_index AS "from", to_index AS "to", scheduled, created_by AS "createdBy", created_at AS "createdAt",
  finished_at AS "finishedAt", bytes, manifest, reason`;

/** Waits for a drop that is going on; none begins while the transaction lasts, and what it writes is seen by the next. */
export async function awaitDrops(tx: ZoneTx): Promise<void> {
  await tx.query('LOCK TABLE ledger_exports IN ROW EXCLUSIVE MODE');
}

export async function insertExport(
  tx: ZoneTx,
  row: Pick<ExportRow, 'id' | 'from' | 'to' | 'scheduled' | 'createdBy' | 'createdAt'>,
): Promise<ExportRow> {
  const rows = await tx.query<Stored>(
    `INSERT INTO ledger_exports (zone, id, from_index, to_index, scheduled, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${COLUMNS}`,
    [tx.zone, row.id, row.from, row.to, row.scheduled, row.createdBy, row.createdAt],
  );
  return toRow(rows[0] as Stored);
}

export async function findExport(tx: ZoneTx, id: string): Promise<ExportRow | undefined> {
  const [row] = await tx.query<Stored>(`SELECT ${COLUMNS} FROM ledger_exports WHERE zone = $1 AND id = $2`, [
    tx.zone,
    id,
  ]);
  return row && toRow(row);
}

/** Oldest first. */
export async function listExports(
  tx: ZoneTx,
  page: { limit: number; after?: string | undefined },
): Promise<ExportRow[]> {
  const rows = await tx.query<Stored>(
    `SELECT ${COLUMNS} FROM ledger_exports WHERE zone = $1 AND id > $2 ORDER BY id LIMIT $3`,
    [tx.zone, page.after ?? '', page.limit],
  );
  return rows.map(toRow);
}

/** The end of the export; false when it was ready before. */
export async function finishExport(
  tx: ZoneTx,
  id: string,
  end: { readonly at: Date; readonly bytes: number; readonly manifest: string },
): Promise<boolean> {
  const rows = await tx.query<{ id: string }>(
    `WITH done AS (UPDATE ledger_exports SET status = 'ready', finished_at = $3, bytes = $4, manifest = $5, reason = NULL
       WHERE zone = $1 AND id = $2 AND status <> 'ready' RETURNING id) SELECT id FROM done`,
    [tx.zone, id, end.at, end.bytes, end.manifest],
  );
  return rows.length > 0;
}

/** An export whose job was given up; false when it had ended. What is asked for again may still make it ready. */
export async function failExport(
  tx: ZoneTx,
  id: string,
  { at, reason }: { readonly at: Date; readonly reason: string },
): Promise<boolean> {
  const rows = await tx.query(
    `WITH failed AS (UPDATE ledger_exports SET status = 'failed', finished_at = $3, reason = $4
       WHERE zone = $1 AND id = $2 AND status = 'running' RETURNING id) SELECT id FROM failed`,
    [tx.zone, id, at, reason],
  );
  return rows.length > 0;
}

/** Exports whose jobs lie among the dead letters, as far as it was not said of them yet. */
export const ABANDONED_EXPORTS = `SELECT e.zone, e.id, d.reason FROM (
    SELECT zone, (envelope->>'body')::jsonb->>'id' AS id, reason FROM caracal.dead_letter
     WHERE queue = 'exports' AND zone IS NOT NULL AND envelope->>'body' IS NOT NULL
  ) d JOIN caracal.ledger_exports e ON e.zone = d.zone AND e.id = d.id AND e.status = 'running'`;

/** Entries in the ledger. */
export async function ledgerSize(tx: ZoneTx): Promise<number> {
  const [row] = await tx.query<{ next_index: string }>('SELECT next_index FROM ledger_head WHERE zone = $1', [tx.zone]);
  return Number(row?.next_index ?? 0);
}

/** Where the zone's scheduled exports have come to, and when the last one was made; undefined before the first. */
export async function lastScheduled(tx: ZoneTx): Promise<{ to: number; createdAt: Date } | undefined> {
  const [row] = await tx.query<{ to: string; createdAt: Date }>(
    `SELECT to_index AS "to", created_at AS "createdAt" FROM ledger_exports
      WHERE zone = $1 AND scheduled AND status <> 'failed' ORDER BY id DESC LIMIT 1`,
    [tx.zone],
  );
  return row && { to: Number(row.to), createdAt: row.createdAt };
}

interface LedgerRow {
  readonly index: string;
  readonly ingested_at: Date;
  readonly leaf: Buffer;
  readonly kid: string;
  readonly chain_mac: Buffer;
  readonly entry: string;
}

const PAGE = 2_000;

/** What the ledger holds of the entries `from` to `to` (exclusive), page by page, in the order of their indices and as it stands there. */
export async function* readForExport(
  database: Database,
  zone: string,
  { from, to }: { from: number; to: number },
): AsyncGenerator<ExportedRow[]> {
  for (let at = from; at < to; at += PAGE) {
    const rows = await database.asAuditorAtLength(zone, (tx) =>
      tx.query<LedgerRow>(
        `SELECT index, ingested_at, leaf, kid, chain_mac, entry FROM caracal.ledger
         WHERE zone = $1 AND index >= $2 AND index < $3 ORDER BY index, ingested_at`,
        [zone, at, Math.min(at + PAGE, to)],
      ),
    );
    yield rows.map((row) => ({
      index: Number(row.index),
      ingestedAt: row.ingested_at.getTime(),
      leaf: row.leaf,
      kid: row.kid,
      mac: row.chain_mac,
      entry: row.entry,
    }));
  }
}

function toRow(row: Stored): ExportRow {
  return { ...row, from: Number(row.from), to: Number(row.to), bytes: row.bytes === null ? null : Number(row.bytes) };
}
