import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import type { EventOutput } from '../../platform/http/index.js';
import { approvalBody } from '../domain/approvals/approval-body.js';
import type { Approval } from '../domain/approvals/approval.js';
import type { ApprovalLists } from './approval-lists.js';
import type { ApprovalView } from './approval-view.js';

/** A stream ends after this long and is opened again by its reader, whose token is judged anew then. */
const LONGEST_MS = 60_000;
const COMMENT_EVERY_MS = 15_000;
const MOST_STREAMS = 256;
/** A reader that is this far behind starts again. */
const MOST_UNSENT_BYTES = 1_048_576;
const MOST_WAITING_HOLDS = 199;

/** News of a zone's approvals as server-sent events (HTML Living Standard §9.2): first what waits, then what changes, on every replica. */
export class ApprovalStream {
  private open = 0;

  constructor(
    private readonly view: ApprovalView,
    private readonly lists: ApprovalLists,
  ) {}

  /** Throws `rate_limited` before anything is written when too many read already. */
  requireRoom(): void {
    if (this.open >= MOST_STREAMS) throw new AppError('rate_limited', 'Too many streams are open.', { retryAfter: 5 });
  }

  /** Returns at once; the stream lives until its reader goes, its time is over, or the server stops. */
  start(zone: string, output: EventOutput): void {
    this.open += 1;
    let tail: Promise<void> = Promise.resolve();
    const send = (read: () => Promise<readonly Approval[]>): void => {
      tail = tail.then(async () => this.write(output, await read())).catch(() => output.end());
    };
    const changed = (where: string, id: string): void => {
      if (where === zone) send(async () => [await this.lists.get(zone, id)]);
    };
    const unwatch = this.view.watch(changed, () => output.end());
    const comments = setInterval(() => output.write(':\n\n'), COMMENT_EVERY_MS).unref();
    const over = setTimeout(() => output.end(), LONGEST_MS).unref();
    output.onClosed(() => {
      unwatch();
      clearInterval(comments);
      clearTimeout(over);
      this.open -= 1;
    });
    output.write('retry: 1000\n\n');
    send(() => this.lists.list(zone, { status: 'pending' }, { limit: MOST_WAITING_HOLDS }));
  }

  private write(output: EventOutput, approvals: readonly Approval[]): void {
    if (output.unsent > MOST_UNSENT_BYTES) return output.end();
    for (const approval of approvals) output.write(eventOf(approval, this.lists.now));
  }
}

function eventOf(approval: Approval, now: number): string {
  const body: JsonObject = approvalBody(approval, now);
  return `event: ${nameOf(approval)}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** The type of the ledger entry that says the same. */
function nameOf({ status, decisions }: Approval): string {
  if (status === 'consumed' || status === 'expired') return `approval.${status}`;
  return status === 'pending' && decisions.length === 0 ? 'approval.requested' : 'approval.decided';
}
