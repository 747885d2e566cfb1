import type { LedgerEvent, LedgerReader } from '../../audit/index.js';
import { AppError } from '../../kernel/app-error.js';
import type { EventOutput } from '../../platform/http/index.js';
import { approvalBody } from '../domain/approvals/approval-body.js';
import { asOf, type StepEntry } from '../domain/approvals/approval-step.js';
import type { ApprovalLists } from './approval-lists.js';
import type { ApprovalView } from './approval-view.js';

/** A stream ends after this long and is opened again by its reader, who may be led to another replica then. */
const LONGEST_MS = 60_000;
const COMMENT_EVERY_MS = 15_000;
const MOST_STREAMS = 256;
/** A reader that is this far behind starts again. */
const MOST_UNSENT_BYTES = 1_048_576;
const MOST_WAITING_HOLDS = 199;
const MOST_AT_ONCE = 200;

interface Parts {
  readonly view: ApprovalView;
  readonly lists: ApprovalLists;
  readonly ledger: LedgerReader;
}

/** One reader and the last index of the ledger that it was told of. */
interface Reader {
  readonly zone: string;
  readonly output: EventOutput;
  last: number;
}

/**
 * News of a zone's approvals as server-sent events (HTML Living Standard §9.2): first what waits, then every step of the ledger's `approval.*`
 * entries, whichever replica made it, each once and in order. The id of an event is the entry's index; with it a reader goes on where it was.
 */
export class ApprovalStream {
  private open = 0;

  constructor(private readonly parts: Parts) {}

  /** Throws `rate_limited` before anything is written when too many read already. */
  requireRoom(): void {
    if (this.open >= MOST_STREAMS) throw new AppError('rate_limited', 'Too many streams are open.', { retryAfter: 5 });
  }

  /** Returns at once; the stream lives until its reader goes, its time is over, or the server stops. `after` is the last id that the reader has. */
  start(zone: string, output: EventOutput, after: number | undefined): void {
    this.open += 1;
    const reader: Reader = { zone, output, last: after ?? -1 };
    let tail: Promise<void> = Promise.resolve();
    const then = (work: () => Promise<void>): void => {
      tail = tail.then(work).catch(() => output.end());
    };
    const unwatch = this.parts.view.watch(
      (where) => {
        if (where === zone) then(() => this.catchUp(reader));
      },
      () => output.end(),
    );
    const comments = setInterval(() => output.write(':\n\n'), COMMENT_EVERY_MS).unref();
    const over = setTimeout(() => output.end(), LONGEST_MS).unref();
    output.onClosed(() => {
      unwatch();
      clearInterval(comments);
      clearTimeout(over);
      this.open -= 1;
    });
    output.write('retry: 1000\n\n');
    then(() => (after === undefined ? this.showWaiting(reader) : this.catchUp(reader)));
  }

  /** What waits now; the id comes after it, so that a reader who lost the connection meanwhile gets all of it again. */
  private async showWaiting(reader: Reader): Promise<void> {
    const { lists, ledger } = this.parts;
    reader.last = (await ledger.size(reader.zone)) - 1;
    const waiting = await lists.list(reader.zone, { status: 'pending' }, { limit: MOST_WAITING_HOLDS });
    for (const approval of waiting)
      reader.output.write(written('approval.requested', approvalBody(approval, lists.now, 'operator')));
    if (reader.last >= 0) reader.output.write(`id: ${reader.last}\n\n`);
  }

  private async catchUp(reader: Reader): Promise<void> {
    const { ledger } = this.parts;
    for (let more = true; more;) {
      if (reader.output.unsent > MOST_UNSENT_BYTES) return reader.output.end();
      const size = await ledger.size(reader.zone);
      const filter = { typePrefix: 'approval.', to: size };
      const events = await ledger.events(reader.zone, filter, { limit: MOST_AT_ONCE, after: reader.last });
      await this.tell(reader, events);
      more = events.length === MOST_AT_ONCE;
      reader.last = more ? (events.at(-1)?.index ?? reader.last) : Math.max(reader.last, size - 1);
    }
  }

  private async tell({ zone, output }: Reader, events: readonly LedgerEvent[]): Promise<void> {
    const steps = events.map(({ index, entry }) => ({ index, entry: entry as unknown as StepEntry }));
    const known = await this.parts.lists.several(zone, [...new Set(steps.map(({ entry }) => entry.approval))]);
    for (const { index, entry } of steps) {
      const approval = known.get(entry.approval);
      const at = Date.parse(entry.occurred_at);
      if (approval) output.write(written(entry.type, approvalBody(asOf(approval, entry), at, 'operator'), index));
    }
  }
}

function written(type: string, body: object, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(body)}\n\n`;
}
