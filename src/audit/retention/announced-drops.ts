import type { Database, ZoneTx } from '../../platform/database/index.js';

/** A drop that the ledger has announced and has not said the end of. */
export interface AnnouncedDrop {
  readonly zone: string;
  /** The first day of the month. */
  readonly month: string;
  readonly from: number;
  readonly to: number;
}

/** Keeps what is about to be announced; false when it was announced before and has not ended. */
export async function announceDrop(tx: ZoneTx, { month, from, to }: AnnouncedDrop, at: Date): Promise<boolean> {
  const rows = await tx.query(
    `WITH announced AS (
       INSERT INTO caracal.ledger_drops AS d (zone, month, from_index, to_index, updated_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (zone, month) DO UPDATE SET from_index = $3, to_index = $4, state = 'announced', updated_at = $5
         WHERE d.state = 'withheld' RETURNING 1
     ) SELECT 1 FROM announced`,
    [tx.zone, month, from, to, at],
  );
  return rows.length > 0;
}

/** What is true of a drop that was announced: its tombstone is there, which names the export that holds the entries, or it has not happened. */
export type DropEnd = { readonly state: 'dropped'; readonly export: string } | { readonly state: 'withheld' };

/** Says how an announced drop ended; undefined when that was said before. A tombstone that is there overrules that it was withheld. */
export async function endDrop(tx: ZoneTx, { month, to }: AnnouncedDrop, at: Date): Promise<DropEnd | undefined> {
  const [row] = await tx.query<{ export: string | null }>(
    `WITH ended AS (
       UPDATE caracal.ledger_drops d SET state = t.state, updated_at = $4
         FROM (SELECT max(export) AS export, CASE count(*) WHEN 0 THEN 'withheld' ELSE 'dropped' END AS state
                 FROM caracal.ledger_tombstones WHERE zone = $1 AND to_index = $3) t
        WHERE d.zone = $1 AND d.month = $2 AND d.state <> t.state AND (d.state = 'announced' OR t.state = 'dropped') RETURNING t.export
     ) SELECT export FROM ended`,
    [tx.zone, month, to, at],
  );
  return row && (row.export === null ? { state: 'withheld' } : { state: 'dropped', export: row.export });
}

/** What was announced and not ended, of all zones. */
export async function announcedDrops(database: Database): Promise<AnnouncedDrop[]> {
  const rows = await database.querySystem<{ zone: string; month: string; from_index: string; to_index: string }>(
    'retention',
    `SELECT zone, to_char(month, 'YYYY-MM-DD') AS month, from_index, to_index FROM caracal.ledger_drops WHERE state = 'announced' ORDER BY month, zone`,
  );
  return rows.map(({ zone, month, from_index: from, to_index: to }) => ({
    zone,
    month,
    from: Number(from),
    to: Number(to),
  }));
}
