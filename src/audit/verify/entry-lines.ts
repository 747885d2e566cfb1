import { leafHash } from '../domain/chain.js';
import { ENTRY_VERSION } from '../domain/entry.js';
import { PersonalLines } from './personal-lines.js';
import { LeafSet } from './leaf-set.js';
import { fault } from './report.js';

/** Clocks of two replicas may differ so much. */
const SKEW_MS = 300_000;

/** What a line must say of itself. */
interface Line {
  readonly index: number;
  readonly ingested_at: string;
  readonly leaf: string;
  readonly kid: string;
  readonly mac: string;
  readonly entry: string;
}

/** Checks the lines of an export one after the other; throws a fault with the index that a reader would look at. */
export class EntryLines {
  readonly personal = new PersonalLines();
  private readonly leaves = new LeafSet();
  private last = '';

  /** What a canonical entry of the zone ends with: no member sorts after `zone` (RFC 8785 §3.2.3). */
  private readonly ending: string;

  constructor(
    zone: string,
    private next: number,
    private readonly to: number,
  ) {
    this.ending = `,"v":${ENTRY_VERSION},"zone":${JSON.stringify(zone)}}`;
  }

  /** The index of the next line. */
  get position(): number {
    return this.next;
  }

  /** The leaf hash of the line's entry. */
  accept(text: string): Buffer {
    const line = this.parse(text);
    if (line.index !== this.next)
      throw fault(
        Math.min(line.index, this.next),
        line.index > this.next ? 'entry is missing' : 'index is duplicated or out of order',
      );
    if (line.index >= this.to) throw fault(line.index, 'entry is beyond the range of the manifest');
    const leaf = leafHash(line.entry);
    if (leaf.toString('hex') !== line.leaf) throw fault(line.index, 'entry bytes do not match the leaf hash');
    if (!line.entry.endsWith(this.ending)) throw fault(line.index, 'entry belongs to another zone or version');
    this.checkTime(line);
    if (!this.leaves.add(leaf)) throw fault(line.index, 'entry is there twice');
    this.personal.note(line.index, line.entry);
    this.next += 1;
    return leaf;
  }

  /** Throws when lines are missing at the end. */
  end(): void {
    if (this.next < this.to) throw fault(this.next, `entries ${this.next} to ${this.to - 1} are missing`);
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
}

function isLine(line: Partial<Line> | null): line is Line {
  return (
    line !== null &&
    typeof line === 'object' &&
    Number.isSafeInteger(line.index) &&
    [line.ingested_at, line.leaf, line.kid, line.mac, line.entry].every((member) => typeof member === 'string')
  );
}

/** The time in the entry's event id, a UUIDv7 (RFC 9562 §5.7). */
function happenedAt(entry: string): number {
  const [, high = '', low = ''] = /"event_id":"([0-9a-f]{8})-([0-9a-f]{4})-7[^"]*","occurred_at":/.exec(entry) ?? [];
  return Number.parseInt(high + low, 16);
}
