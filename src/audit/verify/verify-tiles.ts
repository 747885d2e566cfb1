import { openCheckpoint, type SignedCheckpoint } from '../domain/log/checkpoint.js';
import { HASH_BYTES } from '../domain/log/merkle.js';
import type { LogVerifiers } from '../domain/log/log-keys.js';
import {
  edgeTiles,
  firstDifference,
  TILE_WIDTH,
  tilePath,
  TileTree,
  widthOfTile,
  type Tile,
  type TileId,
} from '../domain/log/tiles.js';
import { fault, orFault } from './report.js';
import { textOf, type Source } from './sources.js';

/** The signed head of a log that serves tiles. */
export async function readHead(source: Source, verifiers: LogVerifiers): Promise<SignedCheckpoint> {
  const note = await textOf(source, 'checkpoint');
  return orFault(() => openCheckpoint(note, verifiers));
}

/** Verifies a log by its tiles (C2SP tlog-tiles): every tile of every level, up to the signed root. */
export async function verifyTiles(source: Source, verifiers: LogVerifiers): Promise<string> {
  const head = await readHead(source, verifiers);
  const tree = new TileTree();
  const compared = new Set<string>();
  for (let index = 0; index * TILE_WIDTH < head.size; index += 1) {
    const leaves = await fetchTile(source, head.size, { level: 0, index });
    for (const tile of tree.append(leaves)) {
      if (!isFinal(tile, head.size) || compared.has(tilePath(tile))) continue;
      compared.add(tilePath(tile));
      await compareTile(source, head.size, tile);
    }
  }
  if (!tree.root().equals(head.root)) throw fault(undefined, 'the tiles do not hash to the root of the checkpoint');
  return `${head.origin}: the tiles of ${head.size} entries verified`;
}

/** The root of the log's first `size` entries, from the tiles at its edge. */
export async function rootAt(source: Source, current: number, size: number): Promise<Buffer> {
  const tiles = new Map<string, Buffer>();
  for (const tile of edgeTiles(size)) tiles.set(tilePath(tile), await fetchTile(source, current, tile));
  return new TileTree(size, (tile) => tiles.get(tilePath(tile)) ?? Buffer.alloc(0)).root();
}

/** A tile above the leaves, as wide as it is in a tree of this size. */
function isFinal({ level, index, hashes }: Tile, size: number): boolean {
  return level > 0 && hashes.length === widthOfTile(size, { level, index }) * HASH_BYTES;
}

/** A tile above the leaves must hold what the tiles below hash to. */
async function compareTile(source: Source, size: number, tile: Tile): Promise<void> {
  const first = firstDifference(tile, await fetchTile(source, size, tile));
  if (first !== undefined) throw fault(first, `the entries from here do not hash to ${tilePath(tile)}`);
}

async function fetchTile(source: Source, size: number, tile: TileId): Promise<Buffer> {
  const width = widthOfTile(size, tile);
  const path = tilePath(tile, width);
  // A partial tile may be gone once the full one is there.
  const bytes = (await source.bytes(path)) ?? (width < TILE_WIDTH ? await source.bytes(tilePath(tile)) : undefined);
  const first = tile.index * TILE_WIDTH ** (tile.level + 1);
  if (!bytes) throw fault(first, `${path} is missing`);
  if (bytes.length < width * HASH_BYTES) throw fault(first, `${path} holds ${bytes.length} bytes`);
  return bytes.subarray(0, width * HASH_BYTES);
}
