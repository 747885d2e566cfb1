import type { Database } from '../../platform/database/index.js';
import { edgeTiles, type TileId, TileTree } from '../domain/log/tiles.js';
import type { ChainPosition, StoredLink } from '../domain/verify-chain.js';
import { readTiles, tileKey } from '../log/log-rows.js';
import { erasureFault, personalFault } from '../persistence/personal-rows.js';
import { readLinks } from '../persistence/ledger-links.js';
import { ledgerStart } from '../retention/retention-rows.js';

/** What the ledger's tables say of themselves, read as `caracal_auditor`, who can change nothing. */
export class SweepReading {
  constructor(private readonly database: Database) {}

  links(zone: string, after: number, limit: number): Promise<StoredLink[]> {
    return this.database.asAuditorAtLength(zone, (tx) =>
      readLinks((sql, params) => tx.query(sql, params), zone, after, limit),
    );
  }

  /** The first entry of the range whose personal payload is not as it was, or, without a range, that was erased in silence. */
  personalFault(
    zone: string,
    range?: { from: number; to: number },
  ): Promise<{ readonly index: number; readonly reason: string } | undefined> {
    return this.database.asAuditorAtLength(zone, (tx) => {
      const ask = <T extends object>(sql: string, params: unknown[]): Promise<T[]> =>
        tx.query<T & Record<string, unknown>>(sql, params);
      return range ? personalFault(ask, zone, range) : erasureFault(ask, zone);
    });
  }

  async head(zone: string): Promise<{ readonly nextIndex: number; readonly chainMac: Buffer } | undefined> {
    const [row] = await this.ask<{ next_index: string; chain_mac: Buffer }>(
      zone,
      'SELECT next_index, chain_mac FROM caracal.ledger_head WHERE zone = $1',
    );
    return row && { nextIndex: Number(row.next_index), chainMac: row.chain_mac };
  }

  /** The first entry that is not before the head, as both are at one moment. */
  async firstBeyondHead(zone: string): Promise<number | undefined> {
    const [row] = await this.ask<{ index: string }>(
      zone,
      `SELECT l.index FROM caracal.ledger l JOIN caracal.ledger_head h ON h.zone = l.zone
        WHERE l.zone = $1 AND l.index >= h.next_index ORDER BY l.index LIMIT 1`,
    );
    return row && Number(row.index);
  }

  /** How many entries the tiles of the zone's log have taken in, and how many were last signed under its present name. */
  async log(zone: string): Promise<{ readonly size: number; readonly signed: number | undefined }> {
    const [row] = await this.ask<{ size: string; signed: string | null }>(
      zone,
      `SELECT t.size, CASE WHEN t.origin = z.log_origin THEN t.signed_size END AS signed
       FROM caracal.log_trees t JOIN caracal.zones z ON z.slug = t.zone WHERE t.zone = $1`,
    );
    return { size: Number(row?.size ?? 0), signed: typeof row?.signed === 'string' ? Number(row.signed) : undefined };
  }

  /** Hashes of the stored tiles among these. */
  tiles(zone: string, ids: readonly TileId[]): Promise<ReadonlyMap<string, Buffer>> {
    return this.database.asAuditorAtLength(zone, (tx) => readTiles(tx, zone, ids));
  }

  /** Sizes and roots of what was signed about the zone's log under its present name, in order. */
  async checkpoints(zone: string): Promise<{ readonly size: number; readonly root: Buffer }[]> {
    const rows = await this.ask<{ size: string; root: Buffer }>(
      zone,
      `SELECT c.size, c.root FROM caracal.log_checkpoints c JOIN caracal.zones z ON z.slug = c.zone AND z.log_origin = c.origin
       WHERE c.zone = $1 ORDER BY c.size`,
    );
    return rows.map((row) => ({ size: Number(row.size), root: row.root }));
  }

  /** Names of partitions whose guards are not those of the template: row-level security, its force, or a trigger that does not always fire. */
  async unguardedPartitions(zone: string): Promise<string[]> {
    const rows = await this.ask<{ name: string }>(
      zone,
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'caracal.ledger'::regclass AND $1 <> ''
          AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR (
            SELECT count(DISTINCT t.tgname) FROM pg_trigger t
             WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgname IN ('ledger_no_change', 'ledger_no_truncate')) <> 2)
        ORDER BY c.relname`,
    );
    return rows.map((row) => row.name);
  }

  /** Where the entries begin that were not dropped, and the tree of all that were before it, as the tiles have it. */
  async start(zone: string): Promise<{ readonly start: ChainPosition; readonly tree: TileTree }> {
    return this.database.asAuditorAtLength(zone, async (tx) => {
      const start = await ledgerStart(tx, zone);
      const tiles = await readTiles(tx, zone, edgeTiles(start.next));
      return { start, tree: new TileTree(start.next, (tile) => tiles.get(tileKey(tile)) ?? Buffer.alloc(0)) };
    });
  }

  private ask<T extends object>(zone: string, sql: string): Promise<T[]> {
    return this.database.asAuditorAtLength(zone, (tx) => tx.query<T & Record<string, unknown>>(sql, [zone]));
  }
}
