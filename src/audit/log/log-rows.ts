import type { Database, Tx } from '../../platform/database/index.js';
import { edgeTiles, TileTree, type Tile, type TileId } from '../domain/log/tiles.js';
import { HASH_BYTES } from '../domain/log/merkle.js';
import type { Checkpoint } from '../domain/log/checkpoint.js';
import type { EndedLog, LogState } from '../domain/log/log-state.js';

const PURPOSE = 'log-signing';

/** The tiles that are new or wider since `expectedSize`, and the checkpoint of the tree that they complete, if it is signed. */
export interface Publication {
  readonly zone: string;
  readonly term: number;
  readonly expectedSize: number;
  readonly size: number;
  readonly tiles: readonly Tile[];
  readonly signed?: { readonly checkpoint: Checkpoint; readonly note: string };
}

/** What was last signed of a log whose zone is gone. */
export interface VanishedLog {
  readonly zone: string;
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}

interface StateRow {
  readonly zone: string;
  readonly origin: string;
  readonly vkey: string;
  readonly next_index: string;
  readonly size: string | null;
  readonly signed_origin: string | null;
  readonly signed_size: string | null;
  readonly root: Buffer | null;
  readonly stopped: boolean;
}

/** What the signer reads and writes, across zones, as `caracal_system`. Nothing here locks what an append needs. */
export class LogRows {
  constructor(private readonly database: Database) {}

  /** The term when this holder may sign, else undefined. */
  async lead(holder: string, leaseMs: number): Promise<number | undefined> {
    const [row] = await this.ask<{ term: string | null }>('SELECT caracal.log_lead($1, $2) AS term', [holder, leaseMs]);
    return typeof row?.term === 'string' ? Number(row.term) : undefined;
  }

  async resign(holder: string): Promise<void> {
    await this.ask('SELECT caracal.log_resign($1)', [holder]);
  }

  /** Every zone's ledger and log, as far as they go. */
  async states(): Promise<LogState[]> {
    const rows = await this.ask<StateRow>(
      `SELECT z.slug AS zone, z.log_origin AS origin, z.log_vkey AS vkey, h.next_index, t.size, t.origin AS signed_origin, t.signed_size, t.root, t.fault IS NOT NULL AS stopped
       FROM caracal.zones z LEFT JOIN caracal.ledger_head h ON h.zone = z.slug LEFT JOIN caracal.log_trees t ON t.zone = z.slug`,
      [],
    );
    return rows.map((row) => ({
      zone: row.zone,
      origin: row.origin,
      vkey: row.vkey,
      entries: Number(row.next_index ?? 0),
      size: Number(row.size ?? 0),
      stopped: row.stopped,
      ...signedOf(row),
    }));
  }

  /** The logs of a zone that an acknowledged rollback has ended. */
  async history(zone: string): Promise<readonly EndedLog[]> {
    const [row] = await this.ask<{ log_history: EndedLog[] }>('SELECT log_history FROM caracal.zones WHERE slug = $1', [
      zone,
    ]);
    return row?.log_history ?? [];
  }

  /** Logs that are stopped because their whole zone is gone, as some replica remembers them. */
  async vanished(): Promise<readonly VanishedLog[]> {
    return this.ask<VanishedLog>(
      `SELECT t.zone, t.fault->>'origin' AS origin, (t.fault->>'size')::float8 AS size, t.fault->>'root' AS root FROM caracal.log_trees t
       WHERE t.fault ? 'origin' AND NOT EXISTS (SELECT FROM caracal.zones z WHERE z.slug = t.zone) ORDER BY t.zone`,
      [],
    );
  }

  async note(zone: string): Promise<string | undefined> {
    const [row] = await this.ask<{ note: string | null }>('SELECT note FROM caracal.log_trees WHERE zone = $1', [zone]);
    return row?.note ?? undefined;
  }

  /** The right edge of the zone's tree at `size`, from its tiles. Throws RangeError when a tile is missing or too short. */
  async treeAt(zone: string, size: number): Promise<TileTree> {
    const tiles = await this.tiles(zone, edgeTiles(size));
    return new TileTree(size, (tile) => tiles.get(tileKey(tile)) ?? Buffer.alloc(0));
  }

  /** Leaf hashes of the entries `from` to `to` (exclusive), one after the other, as the ledger holds them. */
  async leaves(zone: string, from: number, to: number): Promise<Buffer> {
    const [row] = await this.ask<{ leaves: Buffer | null }>(
      `SELECT string_agg(leaf, ''::bytea ORDER BY index) AS leaves FROM caracal.ledger WHERE zone = $1 AND index >= $2 AND index < $3`,
      [zone, from, to],
    );
    const leaves = row?.leaves ?? Buffer.alloc(0);
    if (leaves.length !== (to - from) * HASH_BYTES)
      throw new LedgerGapError(`the ledger of ${zone} does not hold the entries ${from} to ${to - 1}`);
    return leaves;
  }

  /** Commits tiles and checkpoint; the database refuses a term that is over and a tree that is not where it was extended. */
  async publish({ zone, term, expectedSize, size, tiles, signed }: Publication): Promise<void> {
    await this.ask('SELECT caracal.log_publish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
      zone,
      term,
      expectedSize,
      size,
      tiles.map((tile) => tile.level),
      tiles.map((tile) => tile.index),
      tiles.map((tile) => tile.hashes),
      signed?.checkpoint.origin ?? null,
      signed?.checkpoint.root ?? null,
      signed?.note ?? null,
    ]);
  }

  async rebuild(zone: string, term: number): Promise<void> {
    await this.ask('SELECT caracal.log_rebuild($1, $2)', [zone, term]);
  }

  async stop(zone: string, fault: object): Promise<void> {
    await this.ask('SELECT caracal.log_stop($1, $2)', [zone, JSON.stringify(fault)]);
  }

  async name(zone: string, origin: string, vkey: string): Promise<void> {
    await this.ask('SELECT caracal.log_name($1, $2, $3)', [zone, origin, vkey]);
  }

  private async tiles(zone: string, ids: readonly TileId[]): Promise<Map<string, Buffer>> {
    return this.database.withSystem(PURPOSE, (tx) => readTiles(tx, zone, ids));
  }

  private ask<T>(sql: string, params: readonly unknown[]): Promise<T[]> {
    return this.database.querySystem<T>(PURPOSE, sql, params);
  }
}

function signedOf({ signed_origin: origin, signed_size: size, root }: StateRow): { signed?: Checkpoint } {
  return origin !== null && root ? { signed: { origin, size: Number(size), root } } : {};
}

/** Entries that a tree needs are not in the ledger. */
export class LedgerGapError extends Error {
  override readonly name = 'LedgerGapError';
}

export function tileKey({ level, index }: TileId): string {
  return `${level}/${index}`;
}

/** The stored hashes of these tiles; those that are not stored are missing. */
export async function readTiles(
  tx: Pick<Tx, 'query'>,
  zone: string,
  ids: readonly TileId[],
): Promise<Map<string, Buffer>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<{ level: number; index: string; hashes: Buffer }>(
    `SELECT t.level, t.index, t.hashes FROM unnest($2::smallint[], $3::bigint[]) AS n(level, index)
     JOIN caracal.log_tiles t ON t.zone = $1 AND t.level = n.level AND t.index = n.index`,
    [zone, ids.map((id) => id.level), ids.map((id) => id.index)],
  );
  return new Map(rows.map((row) => [tileKey({ level: row.level, index: Number(row.index) }), row.hashes]));
}
