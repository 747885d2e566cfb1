import { GENESIS_MAC } from '../domain/chain.js';
import type { ChainPosition } from '../domain/verify-chain.js';
import type { Database, ZoneTx } from '../../platform/database/index.js';
import type { JsonObject } from '../../kernel/json.js';
import { ledgerStart } from '../retention/retention-rows.js';

/** Something in the ledger that is not as it was written. */
export interface Finding {
  /** Absent when no single entry can be named. */
  readonly index?: number;
  readonly kind: 'chain' | 'head' | 'checkpoint' | 'tile' | 'schema' | 'personal';
  readonly reason: string;
}

/** A sweep as it stands. */
export interface Sweep {
  readonly id: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly findings: readonly Finding[];
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly position: ChainPosition;
}

interface Row {
  readonly id: string;
  readonly status: Sweep['status'];
  readonly findings: readonly Finding[];
  readonly started_at: Date;
  readonly finished_at: Date | null;
  readonly next_index: string;
  readonly chain_mac: Buffer | null;
  readonly ingested_at: Date | null;
}

const COLUMNS = 'id, status, findings, started_at, finished_at, next_index, chain_mac, ingested_at';

/** Begins a sweep at the first entry that the ledger still holds, in the caller's transaction. */
export async function insertSweep(tx: ZoneTx, id: string, at: Date): Promise<void> {
  const start = await ledgerStart(tx, tx.zone);
  await tx.query(
    'INSERT INTO caracal.ledger_sweeps (zone, id, started_at, next_index, chain_mac, ingested_at) VALUES ($1, $2, $3, $4, $5, $6)',
    [tx.zone, id, at, start.next, start.chainMac, start.next === 0 ? null : new Date(start.ingestedAt)],
  );
}

/** The sweep, or undefined when the zone has none of this id. */
export async function readSweep(database: Database, zone: string, id: string): Promise<Sweep | undefined> {
  return first(database, zone, 'id = $2', [id]);
}

/** The latest sweep of the zone that nobody has ended, if there is one. */
export function unfinishedSweep(database: Database, zone: string): Promise<Sweep | undefined> {
  return first(database, zone, `status = 'running'`, []);
}

/** What the last sweep that ended before this one found; empty when there was none. */
export async function findingsBefore(database: Database, zone: string, id: string): Promise<readonly Finding[]> {
  const before = await first(database, zone, `status = 'done' AND id <> $2`, [id]);
  return before?.findings ?? [];
}

/** Remembers that everything before the position was accepted. */
export async function saveProgress(database: Database, zone: string, id: string, at: ChainPosition): Promise<void> {
  await database.withZone(zone, (tx) =>
    tx.query(
      'UPDATE caracal.ledger_sweeps SET next_index = $3, chain_mac = $4, ingested_at = $5 WHERE zone = $1 AND id = $2 AND next_index < $3',
      [zone, id, at.next, at.chainMac, new Date(at.ingestedAt)],
    ),
  );
}

/** False when another replica has ended it before. */
export async function finishSweep(
  tx: ZoneTx,
  id: string,
  end: { readonly findings: readonly Finding[]; readonly at: Date },
): Promise<boolean> {
  const ended = await tx.query(
    `WITH ended AS (
       UPDATE caracal.ledger_sweeps SET status = 'done', findings = $3, finished_at = $4
        WHERE zone = $1 AND id = $2 AND status = 'running' RETURNING 1
     ) SELECT 1 FROM ended`,
    [tx.zone, id, JSON.stringify(end.findings), end.at],
  );
  return ended.length > 0;
}

/** Zones whose last finished sweep found something. */
export async function tamperedZones(database: Database): Promise<string[]> {
  const rows = await database.querySystem<{ zone: string }>(
    'ledger-sweep',
    `SELECT zone FROM (SELECT DISTINCT ON (zone) zone, findings FROM caracal.ledger_sweeps WHERE status = 'done' ORDER BY zone, started_at DESC) s
     WHERE jsonb_array_length(findings) > 0`,
  );
  return rows.map((row) => row.zone);
}

/** Every zone that has a ledger, or should have one. */
export async function sweptZones(database: Database): Promise<string[]> {
  const rows = await database.querySystem<{ zone: string }>(
    'ledger-sweep',
    'SELECT slug AS zone FROM caracal.zones ORDER BY slug',
  );
  return rows.map((row) => row.zone);
}

async function first(database: Database, zone: string, where: string, params: unknown[]): Promise<Sweep | undefined> {
  const sql = `SELECT ${COLUMNS} FROM caracal.ledger_sweeps WHERE zone = $1 AND ${where} ORDER BY started_at DESC LIMIT 1`;
  const [row] = await database.readZone(zone, (tx) => tx.query<Row & Record<string, unknown>>(sql, [zone, ...params]));
  return row && toSweep(row);
}

function toSweep(row: Row): Sweep {
  return {
    id: row.id,
    status: row.status,
    findings: row.findings,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    position: {
      next: Number(row.next_index),
      chainMac: row.chain_mac ?? GENESIS_MAC,
      ingestedAt: row.ingested_at?.getTime() ?? Number.NEGATIVE_INFINITY,
    },
  };
}

/** A finding as it goes over the wire and into the ledger. */
export function findingBody({ index, kind, reason }: Finding): JsonObject {
  return { ...(index === undefined ? {} : { index }), kind, reason };
}
