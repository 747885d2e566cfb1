import type { Checkpoint } from '../domain/log/checkpoint.js';
import type { LogState } from '../domain/log/log-state.js';
import { TileTree } from '../domain/log/tiles.js';
import { LedgerGapError, type LogRows } from './log-rows.js';

/** Entries that are read and hashed at once. */
const STEP = 32_768;

/** What the database holds is not what was signed; nothing more may be signed about it. */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
}

/** Extends the trees of zones by the entries that are new in their ledgers, and proves them against all that was signed before. */
export class LogTree {
  constructor(
    private readonly rows: LogRows,
    private readonly tree: TileTree,
    private readonly known: readonly Checkpoint[],
  ) {}

  /**
   * The tree as the tiles have it. Tiles that do not hash to what was signed are made again from the ledger's leaves; whether these do shows
   * when the tree passes the sizes that were signed.
   */
  static async open(rows: LogRows, state: LogState, term: number, seen: Checkpoint | undefined): Promise<LogTree> {
    const known = [seen, state.signed]
      .filter((one): one is Checkpoint => one?.origin === state.origin)
      .toSorted((a, b) => a.size - b.size);
    try {
      for (const { size, root } of known) {
        if (size > state.size) continue;
        if (!(await rows.treeAt(state.zone, size)).root().equals(root)) throw new RangeError('tiles were changed');
      }
      return new LogTree(rows, await rows.treeAt(state.zone, state.size), known);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      await rows.rebuild(state.zone, term);
      return new LogTree(rows, new TileTree(), known);
    }
  }

  get size(): number {
    return this.tree.size;
  }

  /** Whether a checkpoint of the tree as it is would be larger than all that were signed. */
  get mayBeSigned(): boolean {
    return this.known.every(({ size }) => size <= this.tree.size);
  }

  root(): Buffer {
    return this.tree.root();
  }

  /** Appends the next entries, up to `entries`, at most as far as the next size that was signed; returns the tiles to store. */
  async extend(zone: string, entries: number): Promise<ReturnType<TileTree['append']>> {
    const from = this.tree.size;
    const next = this.known.find(({ size }) => size > from)?.size ?? Infinity;
    const to = Math.min(entries, from + STEP, next);
    const tiles = to > from ? this.tree.append(await this.leaves(zone, from, to)) : [];
    const contradicted = this.known.find(({ size, root }) => size === to && !root.equals(this.tree.root()));
    if (contradicted) throw new ContradictionError(`the first ${to} entries are not those that were signed`);
    return tiles;
  }

  private async leaves(zone: string, from: number, to: number): Promise<Buffer> {
    try {
      return await this.rows.leaves(zone, from, to);
    } catch (error) {
      if (error instanceof LedgerGapError) throw new ContradictionError(error.message);
      throw error;
    }
  }
}
