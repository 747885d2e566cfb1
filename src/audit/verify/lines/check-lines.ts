import { leafHashHex } from '../../domain/chain.js';
import { ENTRY_VERSION } from '../../domain/entry.js';
import { HASH_BYTES } from '../../domain/log/merkle.js';
import { commitmentIn } from '../../domain/personal-payload.js';
import { fault, FaultError, type Fault } from '../report.js';

const NEWLINE = 0x0a;

/** Clocks of two replicas may differ so much. */
const SKEW_MS = 300_000;

/** Whole lines of an export, and what is known of where they stand. */
export interface LineBatch {
  readonly bytes: Uint8Array;
  /** How many lines these are. */
  readonly count: number;
  readonly zone: string;
  /** The index that the first line must have. */
  readonly next: number;
  /** The index after the export's last. */
  readonly to: number;
  /** The time of the line before the first; empty when there is none. */
  readonly after: string;
}

/** What lines are found to be. With a fault, the rest is of the lines before the one that is wrong. */
export interface CheckedLines {
  /** The leaf hashes, one after the other. */
  readonly leaves: Uint8Array;
  /** What entries commit to beside themselves, by their index. */
  readonly commitments: readonly (readonly [number, string])[];
  readonly fault?: Fault;
}

/** What a line must say of itself. */
interface Line {
  readonly index: number;
  readonly ingested_at: string;
  readonly leaf: string;
  readonly kid: string;
  readonly mac: string;
  readonly entry: string;
}

/** Checks everything about lines that can be told without the tree; needs nothing but the batch, so that any thread can do it. */
export function checkLines(batch: LineBatch): CheckedLines {
  const check = new LineCheck(batch);
  const text = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
  try {
    let start = 0;
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
      check.accept(text.toString('utf8', start, end));
      start = end + 1;
    }
    return check.result();
  } catch (error) {
    if (error instanceof FaultError) return check.result(error.fault);
    throw error;
  }
}

/** When the line says that its entry came in; empty when it does not say so. */
export function timeIn(line: string): string {
  try {
    const { ingested_at: time } = JSON.parse(line) as Partial<Line>;
    return typeof time === 'string' ? time : '';
  } catch {
    return '';
  }
}

/** Lines one after the other; throws a fault with the index that a reader would look at. */
class LineCheck {
  private readonly leaves: Buffer;
  private readonly commitments: [number, string][] = [];
  private next: number;
  private last: string;

  /** What a canonical entry of the zone ends with: no member sorts after `zone` (RFC 8785 §3.2.3). */
  private readonly ending: string;

  constructor(private readonly batch: LineBatch) {
    this.leaves = Buffer.allocUnsafeSlow(batch.count * HASH_BYTES);
    this.next = batch.next;
    this.last = batch.after;
    this.ending = `,"v":${ENTRY_VERSION},"zone":${JSON.stringify(batch.zone)}}`;
  }

  accept(text: string): void {
    const line = this.parse(text);
    const { index, entry } = line;
    if (index !== this.next)
      throw fault(
        Math.min(index, this.next),
        index > this.next ? 'entry is missing' : 'index is duplicated or out of order',
      );
    if (index >= this.batch.to) throw fault(index, 'entry is beyond the range of the manifest');
    if (leafHashHex(entry) !== line.leaf) throw fault(index, 'entry bytes do not match the leaf hash');
    if (!entry.endsWith(this.ending)) throw fault(index, 'entry belongs to another zone or version');
    this.checkTime(line);
    this.noteCommitment(line);
    this.leaves.write(line.leaf, (index - this.batch.next) * HASH_BYTES, 'hex');
    this.next += 1;
  }

  result(found?: Fault): CheckedLines {
    const { leaves, commitments } = this;
    if (!found) return { leaves, commitments };
    return { leaves: leaves.subarray(0, (this.next - this.batch.next) * HASH_BYTES), commitments, fault: found };
  }

  private parse(text: string): Line {
    let line: Partial<Line>;
    try {
      line = JSON.parse(text) as Partial<Line>;
    } catch {
      throw fault(this.next, 'line is not JSON');
    }
    if (!isLine(line)) throw fault(this.next, 'line is not an entry of an export');
    return line;
  }

  /** RFC 3339 in UTC with milliseconds sorts as text; the first time has only its own entry to be compared with. */
  private checkTime({ index, ingested_at: time, entry }: Line): void {
    const tooEarly = this.last === '' ? Date.parse(time) < happenedAt(entry) - SKEW_MS : time < this.last;
    if (tooEarly) throw fault(index, 'entry is back-dated');
    this.last = time;
  }

  private noteCommitment({ index, entry }: Line): void {
    try {
      const commitment = commitmentIn(entry);
      if (commitment !== undefined) this.commitments.push([index, commitment]);
    } catch {
      throw fault(index, 'entry is not JSON');
    }
  }
}

function isLine(line: Partial<Line> | null): line is Line {
  return (
    line !== null &&
    typeof line === 'object' &&
    Number.isSafeInteger(line.index) &&
    typeof line.ingested_at === 'string' &&
    typeof line.leaf === 'string' &&
    typeof line.kid === 'string' &&
    typeof line.mac === 'string' &&
    typeof line.entry === 'string'
  );
}

/** The time in the entry's event id, a UUIDv7 (RFC 9562 §5.7). */
function happenedAt(entry: string): number {
  const [, high = '', low = ''] = /"event_id":"([0-9a-f]{8})-([0-9a-f]{4})-7[^"]*","occurred_at":/.exec(entry) ?? [];
  return Number.parseInt(high + low, 16);
}
