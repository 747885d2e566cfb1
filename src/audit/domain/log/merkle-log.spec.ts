import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CompactTree } from './compact-tree.js';
import { EMPTY_ROOT, foldSubtrees } from './merkle.js';
import { edgeTiles, parseTilePath, placeOf, TileTree, tilePath, widthOfTile, type Tile } from './tiles.js';
import { verifyConsistency, verifyInclusion } from './tree-proofs.js';
import { consistencyRanges, inclusionRanges, perfectNodes, rangeHash, type SubtreeNode } from './tree-ranges.js';

/** RFC 6962 §2.1 read aloud: a second implementation that shares nothing with the one under test. */
const sha = (...parts: Uint8Array[]) => parts.reduce((h, part) => h.update(part), createHash('sha256')).digest();
const split = (n: number) => 2 ** (Math.ceil(Math.log2(n)) - 1);
const known = new Map<string, Buffer>();
function mth(leaves: readonly Buffer[], from: number, to: number): Buffer {
  if (to === from) return sha();
  if (to - from === 1) return leaves[from] as Buffer;
  const key = `${from}-${to}`;
  const found = known.get(key);
  if (found) return found;
  const k = split(to - from);
  const hash = sha(Buffer.from([1]), mth(leaves, from, from + k), mth(leaves, from + k, to));
  known.set(key, hash);
  return hash;
}
function auditPath(leaves: readonly Buffer[], m: number, from: number, to: number): Buffer[] {
  if (to - from === 1) return [];
  const k = split(to - from);
  return m < k
    ? [...auditPath(leaves, m, from, from + k), mth(leaves, from + k, to)]
    : [...auditPath(leaves, m - k, from + k, to), mth(leaves, from, from + k)];
}
function proof(leaves: readonly Buffer[], m: number, from: number, to: number, whole: boolean): Buffer[] {
  if (m === to - from) return whole ? [] : [mth(leaves, from, to)];
  const k = split(to - from);
  return m <= k
    ? [...proof(leaves, m, from, from + k, whole), mth(leaves, from + k, to)]
    : [...proof(leaves, m - k, from + k, to, false), mth(leaves, from, from + k)];
}

const SIZES = [0, 1, 2, 3, 255, 256, 257, 65_535, 65_536, 70_000];
const LEAVES = Array.from({ length: 70_001 }, (_, n) => sha(Buffer.from([0]), Buffer.from(`entry ${n}`)));

/** Every tile that a log of `size` entries serves, grown in uneven steps. */
function tilesOf(size: number): { tiles: Map<string, Tile>; tree: TileTree } {
  const tree = new TileTree();
  const tiles = new Map<string, Tile>();
  for (let at = 0, step = 1; at < size; at += step, step = Math.min(step * 3, size - at))
    for (const tile of tree.append(Buffer.concat(LEAVES.slice(at, Math.min(at + step, size)))))
      tiles.set(tilePath(tile), tile);
  return { tiles, tree };
}

const fromTiles =
  (tiles: ReadonlyMap<string, Tile>) =>
  (node: SubtreeNode): Buffer => {
    const { from, count, ...id } = placeOf(node);
    return foldPairs((tiles.get(tilePath(id)) as Tile).hashes.subarray(from * 32, (from + count) * 32));
  };
const foldPairs = (hashes: Buffer): Buffer =>
  hashes.length === 32
    ? hashes
    : sha(
        Buffer.from([1]),
        foldPairs(hashes.subarray(0, hashes.length / 2)),
        foldPairs(hashes.subarray(hashes.length / 2)),
      );

describe('the Merkle tree (RFC 6962 §2.1)', () => {
  it.each(SIZES)(
    '[T6] has the root of a second implementation at %i entries, leaf by leaf and tile by tile',
    (size) => {
      const compact = new CompactTree();
      for (const leaf of LEAVES.slice(0, size)) compact.append(leaf);
      const root = mth(LEAVES, 0, size);
      expect(compact.root()).toEqual(root);
      expect(tilesOf(size).tree.root()).toEqual(root);
    },
  );

  it.each(SIZES)('[T6] serves the tiles that C2SP tlog-tiles names for %i entries', (size) => {
    const { tiles, tree } = tilesOf(size);
    for (const { level, index, hashes } of tiles.values()) {
      const span = 256 ** level;
      const width = widthOfTile(size, { level, index });
      expect(hashes.length).toBe(width * 32);
      for (const at of [0, width - 1]) {
        const first = (index * 256 + at) * span;
        expect(hashes.subarray(at * 32, at * 32 + 32)).toEqual(mth(LEAVES, first, first + span));
      }
    }
    const again = new TileTree(size, (tile) => (tiles.get(tilePath(tile)) as Tile).hashes);
    expect(again.root()).toEqual(tree.root());
    expect(edgeTiles(size).every((tile) => tiles.has(tilePath(tile)))).toBe(true);
  });

  it.each(SIZES.filter((size) => size > 0))(
    '[T6] proves inclusion and consistency at %i entries as a second implementation does (RFC 6962 §2.1.1, §2.1.2)',
    (size) => {
      const { tiles } = tilesOf(size);
      const root = mth(LEAVES, 0, size);
      const hashOf = fromTiles(tiles);
      for (const index of new Set([0, 1, 254, 255, 256, 65_535, 65_536, size >> 1, size - 1])) {
        if (index >= size) continue;
        const path = inclusionRanges(index, size).map((range) => rangeHash(range, hashOf));
        expect(path).toEqual(auditPath(LEAVES, index, 0, size));
        const entry = { index, leaf: LEAVES[index] as Buffer };
        expect(verifyInclusion(entry, path, { size, root })).toBe(true);
        expect(verifyInclusion({ ...entry, index: index + 1 }, path, { size, root })).toBe(false);
        expect(verifyInclusion({ ...entry, leaf: root }, path, { size, root })).toBe(size === 1);
      }
      for (const earlier of SIZES.filter((one) => one > 0 && one <= size)) {
        const hashes = consistencyRanges(earlier, size).map((range) => rangeHash(range, hashOf));
        expect(hashes).toEqual(proof(LEAVES, earlier, 0, size, true));
        const [before, after] = [
          { size: earlier, root: mth(LEAVES, 0, earlier) },
          { size, root },
        ];
        expect(verifyConsistency(before, after, hashes)).toBe(true);
        expect(verifyConsistency({ ...before, root: EMPTY_ROOT }, after, hashes)).toBe(false);
        if (hashes.length > 0) expect(verifyConsistency(before, after, hashes.slice(1))).toBe(false);
      }
    },
  );

  it('goes on from the perfect subtrees on the left of any entry', () => {
    fc.assert(
      fc.property(fc.nat(700), fc.nat(300), (left, more) => {
        const hashOf = ({ height, index }: SubtreeNode) => mth(LEAVES, index * 2 ** height, (index + 1) * 2 ** height);
        const nodes = perfectNodes({ start: 0, end: left }).map(hashOf);
        const tree = new CompactTree(left, nodes);
        expect(tree.root()).toEqual(foldSubtrees(nodes));
        for (const leaf of LEAVES.slice(left, left + more)) tree.append(leaf);
        expect(tree.root()).toEqual(mth(LEAVES, 0, left + more));
      }),
      { numRuns: 60 },
    );
    expect(() => new CompactTree(3, [EMPTY_ROOT])).toThrow(RangeError);
  });

  it('proves between any two sizes, and nothing with a hash changed, dropped or added', () => {
    const hashOf = ({ height, index }: SubtreeNode) => mth(LEAVES, index * 2 ** height, (index + 1) * 2 ** height);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 600 }), fc.nat(20), (a, b, at) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)];
        const hashes = consistencyRanges(small, large).map((range) => rangeHash(range, hashOf));
        const [before, after] = [
          { size: small, root: mth(LEAVES, 0, small) },
          { size: large, root: mth(LEAVES, 0, large) },
        ];
        expect(verifyConsistency(before, after, hashes)).toBe(true);
        expect(verifyConsistency(before, after, [...hashes, EMPTY_ROOT])).toBe(false);
        expect(verifyConsistency(after, before, hashes)).toBe(small === large);
        if (hashes.length === 0) return;
        const changed = hashes.map((hash, n) => (n === at % hashes.length ? EMPTY_ROOT : hash));
        expect(verifyConsistency(before, after, changed)).toBe(false);
        expect(verifyConsistency(before, after, hashes.slice(0, -1))).toBe(false);
      }),
      { numRuns: 150 },
    );
  });
});

describe('tile paths (C2SP tlog-tiles)', () => {
  it.each([
    ['0/000', { level: 0, index: 0, width: 256 }],
    ['0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['1/001.p/17', { level: 1, index: 1, width: 17 }],
    ['63/999', { level: 63, index: 999, width: 256 }],
  ])('reads %s', (path, tile) => {
    expect(parseTilePath(path)).toEqual(tile);
    expect(tilePath(tile, tile.width)).toBe(`tile/${path}`);
  });

  it.each([
    ...['', '0', '0/', '0/0', '0/00', '0/0000', '00/000', '64/000', '-1/000', '0/x000/001', '0/x001/1', '0/001/002'],
    ...['0/000.p/0', '0/000.p/256', '0/000.p/01', '0/000.p/', '0/000/', '/0/000', '0/000?x', 'entries/000', '0/x001'],
    '0/x001/x001/x001/x001/x001/x001/001',
  ])('refuses %p', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });
});
