import { firstDifference, type Tile, type TileId, tilePath, type TileTree, widthOfTile } from '../domain/log/tiles.js';
import { HASH_BYTES } from '../domain/log/merkle.js';
import type { StoredLink } from '../domain/verify-chain.js';
import { tileKey } from '../log/log-rows.js';
import type { Finding } from './sweep-rows.js';

export type ReadLinks = (after: number, limit: number) => Promise<readonly StoredLink[]>;

export interface SignedRootsParts {
  /** In the order of their sizes. */
  readonly signed: readonly { readonly size: number; readonly root: Buffer }[];
  /** Of the entries that were dropped: its root is compared with the first checkpoint over it. */
  readonly tree: TileTree;
  readonly stored: (tiles: readonly TileId[]) => Promise<ReadonlyMap<string, Buffer>>;
  /** Entries that the stored tiles had taken in before anything of this was read. */
  readonly size: number;
}

/**
 * Compares the entries with the roots that were signed over them, and with the tiles from which proofs are made: whoever holds the chain's key and not the
 * signer's is found here.
 */
export class SignedRoots {
  private at = 0;
  private wrongTile: Finding | undefined;

  constructor(private readonly parts: SignedRootsParts) {}

  /** Takes in the leaves of entries that were accepted before; answers the first root that they do not have any more. */
  async replay(read: ReadLinks, to: number): Promise<Finding | undefined> {
    const { tree } = this.parts;
    while (tree.size < to) {
      const links = await read(tree.size - 1, to - tree.size);
      const [size, wrong] = [tree.size, links.findIndex(({ index }, at) => index !== tree.size + at)];
      if (links.length === 0 || wrong >= 0)
        return { index: size + Math.max(wrong, 0), kind: 'chain', reason: 'entry is missing or duplicated' };
      const finding = await this.add(links);
      if (finding) return finding;
    }
    return undefined;
  }

  /** The first tile that is not of the entries so far. It counts when nothing is wrong with the entries themselves, which it would then follow from. */
  get changedTile(): Finding | undefined {
    return this.wrongTile;
  }

  /** The first root that the entries so far do not have, if there is one. */
  async add(links: readonly StoredLink[]): Promise<Finding | undefined> {
    const { signed, tree } = this.parts;
    const tiles: Tile[] = [];
    let rest = links;
    for (; this.at < signed.length; this.at += 1) {
      const { size, root } = signed[this.at] as { size: number; root: Buffer };
      if (size > tree.size + rest.length) break;
      const upTo = size - tree.size;
      tiles.push(...this.append(rest.slice(0, upTo)));
      rest = rest.slice(upTo);
      if (!tree.root().equals(root))
        return {
          index: size - 1,
          kind: 'checkpoint',
          reason: `the first ${size} entries are not those that were signed`,
        };
    }
    tiles.push(...this.append(rest));
    this.wrongTile ??= await this.findChanged(tiles);
    return undefined;
  }

  private append(links: readonly StoredLink[]): Tile[] {
    return links.length > 0 ? this.parts.tree.append(Buffer.concat(links.map((link) => link.leaf))) : [];
  }

  private async findChanged(made: readonly Tile[]): Promise<Finding | undefined> {
    const last = [...new Map(made.map((tile) => [tileKey(tile), tile])).values()];
    const stored = await this.parts.stored(last);
    for (const tile of last) {
      const width = Math.min(widthOfTile(this.parts.size, tile), tile.hashes.length / HASH_BYTES);
      const own = { ...tile, hashes: tile.hashes.subarray(0, width * HASH_BYTES) };
      const index = firstDifference(own, stored.get(tileKey(tile)) ?? Buffer.alloc(0));
      if (index !== undefined)
        return { index, kind: 'tile', reason: `the entries from here do not hash to ${tilePath(tile)}` };
    }
    return undefined;
  }
}
