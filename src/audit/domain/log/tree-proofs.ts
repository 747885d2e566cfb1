import { nodeHash } from './merkle.js';

/** Where a proof stands on its way up: the number of a node in its level, and of the level's last node (`fn` and `sn` of RFC 9162). */
class Climb {
  constructor(
    private node: number,
    private last: number,
  ) {}

  get atRoot(): boolean {
    return this.last === 0;
  }

  /** Skips the levels in which the node is a right child. */
  skipRight(): void {
    while (isOdd(this.node)) this.up();
  }

  /** Takes one step; true when the sibling that the proof gives stands to the left. */
  step(): boolean {
    const left = isOdd(this.node) || this.node === this.last;
    if (left) while (!isOdd(this.node) && this.node !== 0) this.up();
    this.up();
    return left;
  }

  private up(): void {
    this.node = Math.floor(this.node / 2);
    this.last = Math.floor(this.last / 2);
  }
}

/** Whether the path proves that `leaf` is entry `index` of the tree of this size and root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  entry: { readonly index: number; readonly leaf: Buffer },
  path: readonly Buffer[],
  tree: TreeHead,
): boolean {
  if (entry.index < 0 || entry.index >= tree.size) return false;
  const climb = new Climb(entry.index, tree.size - 1);
  let hash = entry.leaf;
  for (const sibling of path) {
    if (climb.atRoot) return false;
    hash = climb.step() ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  return climb.atRoot && hash.equals(tree.root);
}

interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
}

/** Whether the hashes prove that the later tree begins with the earlier one (RFC 9162 §2.1.4.2). An empty tree is the beginning of every other. */
export function verifyConsistency(earlier: TreeHead, later: TreeHead, hashes: readonly Buffer[]): boolean {
  if (earlier.size > later.size) return false;
  if (earlier.size === later.size) return hashes.length === 0 && earlier.root.equals(later.root);
  if (earlier.size === 0) return hashes.length === 0;
  const [seed, ...rest] = isPowerOfTwo(earlier.size) ? [earlier.root, ...hashes] : hashes;
  return seed !== undefined && leadsToBoth({ earlier, later, seed }, rest);
}

function leadsToBoth(
  { earlier, later, seed }: { earlier: TreeHead; later: TreeHead; seed: Buffer },
  hashes: readonly Buffer[],
): boolean {
  const climb = new Climb(earlier.size - 1, later.size - 1);
  climb.skipRight();
  let [first, second] = [seed, seed];
  for (const hash of hashes) {
    if (climb.atRoot) return false;
    if (climb.step()) [first, second] = [nodeHash(hash, first), nodeHash(hash, second)];
    else second = nodeHash(second, hash);
  }
  return climb.atRoot && first.equals(earlier.root) && second.equals(later.root);
}

const isOdd = (n: number): boolean => n % 2 === 1;

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}
