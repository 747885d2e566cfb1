import { createHash } from 'node:crypto';
import { timeIn, type LineBatch } from './check-lines.js';
import { fault } from '../report.js';

const NEWLINE = 0x0a;
/** No line of an export is longer: an entry of 64 KiB with every character escaped. What has no line's end must not fill the memory. */
const LONGEST_LINE = 1 << 20;

/** Cuts a stream of bytes into batches of whole lines, and hashes all of it. */
export class LineBatches {
  private readonly hash = createHash('sha256');
  private rest: Buffer = Buffer.alloc(0);
  private next: number;
  private after = '';

  constructor(private readonly range: { readonly zone: string; readonly from: number; readonly to: number }) {
    this.next = range.from;
  }

  /** The lines that are whole now, in memory of their own; undefined when none is. */
  take(chunk: Buffer): LineBatch | undefined {
    this.hash.update(chunk);
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.rest = Buffer.concat([this.rest, chunk]);
      if (this.rest.length > LONGEST_LINE) throw fault(this.next, 'line is longer than any entry');
      return undefined;
    }
    const bytes = Buffer.allocUnsafeSlow(this.rest.length + end);
    this.rest.copy(bytes);
    chunk.copy(bytes, this.rest.length, 0, end);
    this.rest = Buffer.from(chunk.subarray(end));
    return this.batchOf(bytes);
  }

  /** The SHA-256 of everything, and whether it ended with a line's end. */
  end(): { readonly sha256: string; readonly whole: boolean } {
    return { sha256: this.hash.digest('hex'), whole: this.rest.length === 0 };
  }

  private batchOf(bytes: Buffer): LineBatch {
    const { zone, to } = this.range;
    const count = linesIn(bytes);
    const batch = { bytes, count, zone, next: this.next, to, after: this.after };
    this.next += count;
    const last = bytes.subarray(bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1, -1);
    this.after = timeIn(last.toString('utf8'));
    return batch;
  }
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
