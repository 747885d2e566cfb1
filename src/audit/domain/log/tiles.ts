import { HASH_BYTES, foldSubtrees, merkleRoot } from './merkle.js';
import type { SubtreeNode } from './tree-ranges.js';

/** Hashes of a full tile. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
const MOST_INDEX_DIGITS = 15;
const MOST_LEVEL = 63;
const TILE_PATH = /^(0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** Which tile: its level, and its index within the level (C2SP tlog-tiles). */
export interface TileId {
  readonly level: number;
  readonly index: number;
}

export interface Tile extends TileId {
  /** 1 to 256 hashes, one after the other. */
  readonly hashes: Buffer;
}

/** The path below the log's prefix: `tile/<L>/<N>[.p/<W>]`, the index in groups of three digits. */
export function tilePath({ level, index }: TileId, width = TILE_WIDTH): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** What a path below `tile/` asks for; undefined unless it is exactly what {@link tilePath} writes. */
export function parseTilePath(path: string): (TileId & { readonly width: number }) | undefined {
  const found = TILE_PATH.exec(path);
  if (!found) return undefined;
  const [, level = '', groups = '', width = String(TILE_WIDTH)] = found;
  const digits = groups.replaceAll(/[x/]/g, '');
  const asked = { level: Number(level), index: Number(digits), width: Number(width) };
  const sound = digits.length <= MOST_INDEX_DIGITS && asked.level <= MOST_LEVEL;
  return sound && tilePath(asked, asked.width) === `tile/${path}` ? asked : undefined;
}

/** Where a perfect subtree stands: a run of hashes of one tile, whose own Merkle tree hash is the subtree's. */
export function placeOf({ height, index }: SubtreeNode): TileId & { readonly from: number; readonly count: number } {
  const count = 2 ** (height % TILE_HEIGHT);
  const first = index * count;
  return {
    level: Math.floor(height / TILE_HEIGHT),
    index: Math.floor(first / TILE_WIDTH),
    from: first % TILE_WIDTH,
    count,
  };
}

/** The tiles at the right edge of a tree of this size that are not full, lowest level first, with the width that belongs to the tree. */
export function edgeTiles(size: number): (TileId & { readonly width: number })[] {
  const tiles: (TileId & { width: number })[] = [];
  for (let level = 0, nodes = size; nodes > 0; level += 1, nodes = Math.floor(nodes / TILE_WIDTH))
    tiles.push({ level, index: Math.floor(nodes / TILE_WIDTH), width: nodes % TILE_WIDTH });
  return tiles.filter(({ width }) => width > 0);
}

/** The full tiles and the edge tiles of one level of a tree of this size, in order. */
export function widthOfTile(size: number, { level, index }: TileId): number {
  const nodes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH));
}

/** The first entry below the first hash of the tile that `other` does not have in its place; undefined when it has them all. */
export function firstDifference({ level, index, hashes }: Tile, other: Buffer): number | undefined {
  if (other.subarray(0, hashes.length).equals(hashes)) return undefined;
  let at = 0;
  while (other.subarray(at, at + HASH_BYTES).equals(hashes.subarray(at, at + HASH_BYTES))) at += HASH_BYTES;
  return (index * TILE_WIDTH + at / HASH_BYTES) * TILE_WIDTH ** level;
}

interface Edge {
  readonly hashes: Buffer;
  width: number;
}

/** A tree of tiles that grows at its right edge. It holds only the tiles that are not full. */
export class TileTree {
  private readonly edges: Edge[] = [];

  /** `hashesOf` answers the hashes of each of the {@link edgeTiles} of this size. */
  constructor(
    private count = 0,
    hashesOf: (tile: TileId & { readonly width: number }) => Buffer = () => Buffer.alloc(0),
  ) {
    for (const tile of edgeTiles(count)) {
      const hashes = hashesOf(tile);
      if (hashes.length < tile.width * HASH_BYTES) throw new RangeError(`${tilePath(tile)} is too short`);
      const edge = this.edge(tile.level);
      hashes.copy(edge.hashes, 0, 0, tile.width * HASH_BYTES);
      edge.width = tile.width;
    }
  }

  get size(): number {
    return this.count;
  }

  /** Appends leaf hashes that stand one after the other; returns every tile that is new or wider now. */
  append(leaves: Buffer): Tile[] {
    const full: Tile[] = [];
    for (let at = 0; at < leaves.length; at += HASH_BYTES) {
      this.push(0, leaves.subarray(at, at + HASH_BYTES), full);
      this.count += 1;
    }
    const partial = this.edges.map(({ hashes, width }, level) => ({
      level,
      index: Math.floor(this.count / TILE_WIDTH ** (level + 1)),
      hashes: Buffer.from(hashes.subarray(0, width * HASH_BYTES)),
    }));
    return [...full, ...partial.filter(({ hashes }) => hashes.length > 0)];
  }

  root(): Buffer {
    return foldSubtrees(this.edges.toReversed().flatMap(subtreesOf));
  }

  private push(level: number, hash: Buffer, full: Tile[]): void {
    const edge = this.edge(level);
    hash.copy(edge.hashes, edge.width * HASH_BYTES);
    edge.width += 1;
    if (edge.width < TILE_WIDTH) return;
    edge.width = 0;
    const index = Math.floor(this.count / TILE_WIDTH ** (level + 1));
    full.push({ level, index, hashes: Buffer.from(edge.hashes) });
    this.push(level + 1, merkleRoot(edge.hashes), full);
  }

  private edge(level: number): Edge {
    while (this.edges.length <= level) this.edges.push({ hashes: Buffer.alloc(TILE_BYTES), width: 0 });
    return this.edges[level] as Edge;
  }
}

/** The perfect subtrees of a tile that is not full, largest first. */
function subtreesOf({ hashes, width }: Edge): Buffer[] {
  const roots: Buffer[] = [];
  for (let at = 0, run = TILE_WIDTH / 2; run >= 1; run /= 2) {
    if (width - at < run) continue;
    roots.push(merkleRoot(hashes.subarray(at * HASH_BYTES, (at + run) * HASH_BYTES)));
    at += run;
  }
  return roots;
}
