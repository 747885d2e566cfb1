import { CompactTree } from './compact-tree.js';

/** A tree that was signed, or is claimed to have been. */
export interface SignedSize {
  readonly size: number;
  readonly root: Buffer;
}

/** What does not agree with a signature: `index` is the first entry that may be another one. */
export interface Mismatch {
  readonly index: number;
  readonly reason: string;
}

/** A tree that is compared with each signed one it passes, so that the entries in between can be named. */
export class SignedTree {
  private at = 0;
  private proven: number;

  /** `signed` in the order of their sizes. */
  constructor(
    private readonly tree: CompactTree,
    private readonly signed: readonly SignedSize[],
  ) {
    this.proven = tree.size;
  }

  append(leaf: Buffer): Mismatch | undefined {
    this.tree.append(leaf);
    return this.compareHere();
  }

  /** The first signed size that was not passed. */
  get unpassed(): SignedSize | undefined {
    return this.signed[this.at];
  }

  root(): Buffer {
    return this.tree.root();
  }

  /** What is wrong with the tree as it is, if it is not this one. */
  compare({ size, root }: SignedSize): Mismatch | undefined {
    if (this.tree.size === size && this.tree.root().equals(root)) {
      this.proven = size;
      return undefined;
    }
    const [index, last] = [this.proven, size - 1];
    return index >= last
      ? { index, reason: 'entry is not the one that was signed' }
      : { index, reason: `the entries ${index} to ${last} are not those that were signed` };
  }

  private compareHere(): Mismatch | undefined {
    for (let next = this.unpassed; next?.size === this.tree.size; next = this.unpassed) {
      const mismatch = this.compare(next);
      if (mismatch) return mismatch;
      this.at += 1;
    }
    return undefined;
  }
}
