import { HASH_BYTES } from '../../domain/log/merkle.js';
import type { CheckedLines } from './check-lines.js';
import { LineBatches } from './line-batches.js';
import type { LineChecks } from './line-checks.js';
import { LeafSet } from './leaf-set.js';
import { PersonalLines } from './personal-lines.js';
import { fault, FaultError } from '../report.js';

/** The entries of an export in their order, whoever checks their lines; the first fault ends it. */
export class EntryLines {
  readonly personal = new PersonalLines();
  private readonly leaves: LeafSet;
  private readonly batches: LineBatches;
  private next: number;

  constructor(
    private readonly range: { readonly zone: string; readonly from: number; readonly to: number },
    private readonly checks: LineChecks,
  ) {
    this.leaves = new LeafSet(range.to - range.from);
    this.batches = new LineBatches(range);
    this.next = range.from;
  }

  /** Hands on the leaf hash of each entry; answers the SHA-256 of the bytes, and whether they ended with a line's end. Throws when lines are missing. */
  async read(bytes: AsyncIterable<Buffer>, take: (leaf: Buffer) => void): Promise<{ sha256: string; whole: boolean }> {
    const inWork: Promise<CheckedLines>[] = [];
    for await (const chunk of bytes) {
      const batch = this.batches.take(chunk);
      if (batch) inWork.push(this.checks.check(batch));
      while (inWork.length >= this.checks.atOnce) this.accept(await (inWork.shift() as Promise<CheckedLines>), take);
    }
    for (const checked of inWork) this.accept(await checked, take);
    const { next, range } = this;
    if (next < range.to) throw fault(next, `entries ${next} to ${range.to - 1} are missing`);
    return this.batches.end();
  }

  private accept(checked: CheckedLines, take: (leaf: Buffer) => void): void {
    const leaves = Buffer.from(checked.leaves.buffer, checked.leaves.byteOffset, checked.leaves.byteLength);
    for (let at = 0; at < leaves.length; at += HASH_BYTES) {
      const leaf = leaves.subarray(at, at + HASH_BYTES);
      if (!this.leaves.add(leaf)) throw fault(this.next, 'entry is there twice');
      take(leaf);
      this.next += 1;
    }
    for (const [index, commitment] of checked.commitments) this.personal.note(index, commitment);
    if (checked.fault) throw new FaultError(checked.fault);
  }
}
