import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../kernel/app-error.js';
import type { Database, ZoneTx } from '../../platform/database/index.js';
import { openCheckpoint, type Checkpoint } from '../domain/log/checkpoint.js';
import { MOST_CHECKPOINTS } from '../domain/log/export-manifest.js';
import { HASH_BYTES, merkleRoot } from '../domain/log/merkle.js';
import type { RetiredKey } from '../domain/log/log-keys.js';
import { NoteError } from '../domain/log/signed-note.js';
import { parseTilePath, placeOf } from '../domain/log/tiles.js';
import { formatTlogProof } from '../domain/log/tlog-proof.js';
import { verifyConsistency, verifyInclusion } from '../domain/log/tree-proofs.js';
import {
  consistencyRanges,
  inclusionRanges,
  perfectNodes,
  rangeHash,
  type Range,
  type SubtreeNode,
} from '../domain/log/tree-ranges.js';
import type { LogIdentity } from './log-identity.js';
import { LogRows, readTiles, tileKey, type VanishedLog } from './log-rows.js';

const POLL_MS = 100;
/** A checkpoint follows an append within a second; whoever asks earlier waits for it, at most so long. */
const PATIENCE_MS = 5_000;

/** A zone's last checkpoint. */
export interface SignedHead extends Checkpoint {
  readonly note: string;
}

/** Reads checkpoints, proofs and tiles as `caracal_auditor`. Every proof is checked before it is answered. */
export class LogReader {
  constructor(
    private readonly database: Database,
    private readonly identity: LogIdentity,
  ) {}

  /** The last checkpoint of the zone's log. Throws `temporarily_unavailable` while nothing is signed yet. */
  async head(zone: string): Promise<SignedHead> {
    return this.headOver(zone, 0);
  }

  /** The proof that entry `index` is in the log (C2SP tlog-proof). Throws `not_found` for an index that the ledger has not reached. */
  async proof(zone: string, index: number): Promise<string> {
    const head = await this.headOver(zone, index + 1);
    const entry: SubtreeNode = { height: 0, index };
    const ranges = inclusionRanges(index, head.size);
    const hashOf = await this.hashes(zone, [entry, ...ranges.flatMap(perfectNodes)]);
    const hashes = ranges.map((range) => rangeHash(range, hashOf));
    if (!verifyInclusion({ index, leaf: hashOf(entry) }, hashes, head)) throw broken(zone);
    return formatTlogProof({ index, hashes, checkpoint: head.note });
  }

  /** The hashes that prove that the tree of `to` entries begins with the one of `from` (RFC 6962 §2.1.2). */
  async consistency(zone: string, from: number, to: number): Promise<Buffer[]> {
    await this.headOver(zone, to);
    const ranges = consistencyRanges(from, to);
    const whole: Range[] = [from, to].map((end) => ({ start: 0, end }));
    const hashOf = await this.hashes(zone, [...ranges, ...whole].flatMap(perfectNodes));
    const hashes = ranges.map((range) => rangeHash(range, hashOf));
    const [earlier, later] = [from, to].map((size) => ({ size, root: rangeHash({ start: 0, end: size }, hashOf) }));
    if (!earlier || !later || !verifyConsistency(earlier, later, hashes)) throw broken(zone);
    return hashes;
  }

  /** Stopped logs whose zone is gone: a backup that is older than the zone was restored, or somebody removed it. */
  vanished(): Promise<readonly VanishedLog[]> {
    return new LogRows(this.database).vanished();
  }

  /** The key with which the zone's log is signed, and those with which this log was signed before, in the order in which they were put away. */
  async keys(
    zone: string,
    origin: string,
  ): Promise<{ readonly vkey: string; readonly retired: readonly RetiredKey[] }> {
    const [row] = await this.read<{ vkey: string; retired: RetiredKey[] }>(
      zone,
      'SELECT log_vkey AS vkey, log_retired_keys AS retired FROM caracal.zones WHERE slug = $1',
      [zone],
    );
    if (!row) throw new AppError('not_found', 'There is no such zone.');
    const retired = row.retired.filter(({ vkey }) => vkey.startsWith(`${origin}+`));
    return { vkey: row.vkey, retired: retired.map(({ vkey, handover }) => ({ vkey, handover })) };
  }

  /** The root of the tree of the first `size` entries, and the perfect subtrees of the first `from` of them, largest first. */
  async summary(zone: string, from: number, size: number): Promise<{ root: Buffer; left: Buffer[] }> {
    const left = perfectNodes({ start: 0, end: from });
    const hashOf = await this.hashes(zone, [...left, ...perfectNodes({ start: 0, end: size })]);
    return { root: rangeHash({ start: 0, end: size }, hashOf), left: left.map(hashOf) };
  }

  /** The first checkpoint of the current log that covers `size` entries, if there is one by now. */
  async firstOver(zone: string, size: number): Promise<SignedHead | undefined> {
    const [row] = await this.read<{ note: string }>(
      zone,
      `SELECT c.note FROM caracal.log_checkpoints c JOIN caracal.zones z ON z.slug = c.zone AND z.log_origin = c.origin
       WHERE c.zone = $1 AND c.size >= $2 ORDER BY c.size LIMIT 1`,
      [zone, size],
    );
    return row && this.opened(row.note);
  }

  /** Checkpoints of one log that were signed on the way from `from` to `to`: evenly chosen when there are many. */
  async between(zone: string, origin: string, { from, to }: { from: number; to: number }): Promise<string[]> {
    const rows = await this.read<{ note: string }>(
      zone,
      `SELECT note FROM (SELECT DISTINCT ON (width_bucket(size, $3 + 1, $4 + 1, $5)) size, note FROM caracal.log_checkpoints
         WHERE zone = $1 AND origin = $2 AND size > $3 AND size <= $4 ORDER BY width_bucket(size, $3 + 1, $4 + 1, $5), size DESC) c ORDER BY size`,
      [zone, origin, from, to, MOST_CHECKPOINTS],
    );
    return rows.map((row) => row.note);
  }

  /** The hashes of a tile, by its path below `tile/`; undefined when the log has no such tile (C2SP tlog-tiles). */
  async tile(zone: string, path: string): Promise<Buffer | undefined> {
    const asked = parseTilePath(path);
    if (!asked) return undefined;
    const tiles = await this.database.asAuditor(zone, (tx) => readTiles(tx, zone, [asked]));
    const hashes = tiles.get(tileKey(asked));
    const bytes = asked.width * HASH_BYTES;
    return hashes && hashes.length >= bytes ? hashes.subarray(0, bytes) : undefined;
  }

  /** The last checkpoint once it covers `size` entries, which it does soon when the ledger holds them. */
  private async headOver(zone: string, size: number): Promise<SignedHead> {
    for (let waited = 0; ; waited += POLL_MS) {
      const [row] = await this.read<{ note: string | null; next_index: string; stopped: boolean | null }>(
        zone,
        `SELECT h.next_index, t.note, t.fault IS NOT NULL AS stopped FROM caracal.ledger_head h JOIN caracal.zones z ON z.slug = h.zone
         LEFT JOIN caracal.log_trees t ON t.zone = h.zone AND t.origin = z.log_origin WHERE h.zone = $1`,
        [zone],
      );
      if (!row || Number(row.next_index) < size) throw new AppError('not_found', 'The ledger has not come so far.');
      const head = row.note === null ? undefined : this.opened(row.note);
      if (head && head.size >= size) return head;
      if (row.stopped || waited >= PATIENCE_MS) throw unsigned();
      await pause(POLL_MS);
    }
  }

  private opened(note: string): SignedHead {
    const [origin = ''] = note.split('\n', 1);
    try {
      return { ...openCheckpoint(note, this.identity.verifiers(origin)), note };
    } catch (error) {
      if (error instanceof NoteError) throw unsigned(error);
      throw error;
    }
  }

  private async hashes(zone: string, nodes: readonly SubtreeNode[]): Promise<(node: SubtreeNode) => Buffer> {
    const wanted = new Map(nodes.map(placeOf).map((place) => [tileKey(place), place]));
    const tiles = await this.database.asAuditor(zone, (tx) => readTiles(tx, zone, [...wanted.values()]));
    return (node) => {
      const { from, count, ...id } = placeOf(node);
      const hashes = tiles.get(tileKey(id))?.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES);
      if (hashes?.length !== count * HASH_BYTES) throw broken(zone);
      return merkleRoot(hashes);
    };
  }

  private read<T>(zone: string, sql: string, params: readonly unknown[]): Promise<T[]> {
    return this.database.asAuditor(zone, (tx: ZoneTx) => tx.query<T>(sql, params));
  }
}

/** Also while another replica signs with a key that this one's ring will have only when it is started again. */
function unsigned(cause?: Error): AppError {
  return new AppError('temporarily_unavailable', 'The entry is not under a signed checkpoint yet.', {
    retryAfter: 1,
    cause,
  });
}

function broken(zone: string): Error {
  return new Error(`the tiles of ${zone} do not hash to its checkpoint`);
}
