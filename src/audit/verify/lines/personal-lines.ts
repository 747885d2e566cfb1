import { commitmentOf } from '../../domain/personal-payload.js';
import { eachLine } from './each-line.js';
import { fault } from '../report.js';
import type { Source } from '../sources.js';

const PERSONAL = 'personal.jsonl';

/** What an export's entries commit to beside themselves, and what is at hand of it. */
export class PersonalLines {
  private readonly commitments = new Map<number, string>();
  private verified = 0;
  private erased = 0;
  private last = -1;

  /** Notes what the entry commits to. */
  note(index: number, commitment: string): void {
    this.commitments.set(index, commitment);
  }

  /** Checks the payload that came along against the entries; payload that was erased, or did not come along, is no fault. Answers what to say of it. */
  async check(source: Source): Promise<string> {
    const bytes = await source.stream(PERSONAL);
    if (bytes && !(await eachLine(bytes, (line) => this.accept(line))).whole)
      throw fault(undefined, `${PERSONAL} ends in the middle of a line`);
    const absent = this.commitments.size - this.verified - this.erased;
    if (this.commitments.size === 0) return '';
    return `; personal payload: ${this.verified} verified, ${this.erased} erased, ${absent} not at hand`;
  }

  private accept(text: string): void {
    const line = parse(text);
    if (!line) throw fault(undefined, `${PERSONAL} holds a line that is none of an export`);
    const commitment = this.commitments.get(line.index);
    if (commitment === undefined) throw fault(line.index, 'personal payload of an entry that has none');
    if (line.index <= this.last) throw fault(line.index, 'personal payload is there twice or out of order');
    this.last = line.index;
    if (line.kept === undefined) this.erased += 1;
    else if (commitmentOf(line.kept) === commitment) this.verified += 1;
    else throw fault(line.index, 'personal payload is not what the entry committed to');
  }
}

interface Line {
  readonly index: number;
  readonly kept: { readonly salt: Buffer; readonly payload: string } | undefined;
}

function parse(text: string): Line | undefined {
  let line: Partial<Record<'index' | 'salt' | 'payload' | 'erased_at', unknown>> | null;
  try {
    line = JSON.parse(text) as typeof line;
  } catch {
    return undefined;
  }
  const { index, salt, payload, erased_at: erasedAt } = line ?? {};
  if (typeof index !== 'number') return undefined;
  if (typeof erasedAt === 'string') return { index, kept: undefined };
  if (typeof salt !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(salt) || typeof payload !== 'string') return undefined;
  return { index, kept: { salt: Buffer.from(salt, 'hex'), payload } };
}
