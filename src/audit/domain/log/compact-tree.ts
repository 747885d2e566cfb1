import { foldSubtrees, nodeHash } from './merkle.js';
import { perfectNodes } from './tree-ranges.js';

interface Subtree {
  readonly height: number;
  readonly hash: Buffer;
}

/** The right edge of a tree that grows leaf by leaf: its perfect subtrees, and with them its root at every size it passes. */
export class CompactTree {
  private readonly subtrees: Subtree[];

  /** `hashes`: the perfect subtrees of the first `size` entries, largest first. Throws RangeError when they are not as many as there must be. */
  constructor(
    private count = 0,
    hashes: readonly Buffer[] = [],
  ) {
    const nodes = perfectNodes({ start: 0, end: count });
    if (nodes.length !== hashes.length) throw new RangeError(`a tree of ${count} entries has other subtrees`);
    this.subtrees = hashes.map((hash, at) => ({ hash, height: nodes[at]?.height ?? 0 }));
  }

  get size(): number {
    return this.count;
  }

  append(leaf: Buffer): void {
    let hash = leaf;
    let height = 0;
    for (let top = this.subtrees.at(-1); top?.height === height; top = this.subtrees.at(-1)) {
      hash = nodeHash(top.hash, hash);
      height += 1;
      this.subtrees.pop();
    }
    this.subtrees.push({ height, hash });
    this.count += 1;
  }

  root(): Buffer {
    return foldSubtrees(this.subtrees.map(({ hash }) => hash));
  }
}
