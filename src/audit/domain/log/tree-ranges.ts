import { foldSubtrees, splitPoint } from './merkle.js';

/** The entries `start` to `end` (exclusive), a subtree of the tree. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A perfect subtree: the entries `index · 2^height` to `(index + 1) · 2^height`. */
export interface SubtreeNode {
  readonly height: number;
  readonly index: number;
}

/** The subtrees whose hashes are the audit path of an entry, from the leaf's sibling upwards: PATH(m, D[n]) of RFC 6962 §2.1.1. */
export function inclusionRanges(index: number, size: number): Range[] {
  if (index < 0 || index >= size) throw new RangeError('the entry is not in the tree');
  return path(index, { start: 0, end: size });
}

/** The subtrees whose hashes prove that the tree of `size` begins with the one of `earlier`: PROOF(m, D[n]) of RFC 6962 §2.1.2. */
export function consistencyRanges(earlier: number, size: number): Range[] {
  if (earlier < 0 || earlier > size) throw new RangeError('the earlier tree is larger');
  return earlier === 0 ? [] : subproof(earlier, { start: 0, end: size }, true);
}

/** The perfect subtrees that make up a range as a tree of that size splits it, left to right. */
export function perfectNodes({ start, end }: Range): SubtreeNode[] {
  const nodes: SubtreeNode[] = [];
  for (let at = start; at < end;) {
    const width = end - at === 1 ? 1 : largestPower(end - at);
    nodes.push({ height: Math.log2(width), index: at / width });
    at += width;
  }
  return nodes;
}

/** The hash of a range, from the hashes of its perfect subtrees. */
export function rangeHash(range: Range, hashOf: (node: SubtreeNode) => Buffer): Buffer {
  return foldSubtrees(perfectNodes(range).map(hashOf));
}

function path(index: number, { start, end }: Range): Range[] {
  if (end - start === 1) return [];
  const middle = start + splitPoint(end - start);
  return index < middle
    ? [...path(index, { start, end: middle }), { start: middle, end }]
    : [...path(index, { start: middle, end }), { start, end: middle }];
}

/** SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2; `known`: the verifier has the hash of the subtree already. */
function subproof(earlier: number, { start, end }: Range, known: boolean): Range[] {
  if (earlier === end - start) return known ? [] : [{ start, end }];
  const k = splitPoint(end - start);
  const middle = start + k;
  return earlier <= k
    ? [...subproof(earlier, { start, end: middle }, known), { start: middle, end }]
    : [...subproof(earlier - k, { start: middle, end }, false), { start, end: middle }];
}

function largestPower(n: number): number {
  const k = splitPoint(n);
  return k * 2 === n ? n : k;
}
