import { setTimeout as pause } from 'node:timers/promises';
import type { EventFilter, LedgerEvent, LedgerReader } from '../../../audit/index.js';
import { AppError } from '../../../kernel/app-error.js';
import type { EventOutput } from '../../../platform/http/index.js';

const LOOK_EVERY_MS = 500;
const COMMENT_EVERY_LOOKS = 30;
/** A stream ends after so many looks, a minute, and is opened again by its reader, who may be led to another replica then. */
const MOST_LOOKS = 120;
const MOST_TAILS = 32;
/** Readers of one zone leave room for those of others. */
const MOST_OF_ZONE = 16;
const MOST_AT_ONCE = 200;
/** A reader that is this far behind opens the stream again where it was. */
const MOST_UNSENT_BYTES = 1_048_576;

/** Follows a zone's ledger for those who watch it: each entry once, in order, its index being the event's id. */
export class LedgerTail {
  private readonly open = new Map<EventOutput, string>();

  constructor(
    private readonly ledger: LedgerReader,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** Throws `rate_limited` before anything is written when too many follow already. */
  requireRoom(zone: string): void {
    const own = [...this.open.values()].filter((where) => where === zone);
    if (this.open.size >= MOST_TAILS || own.length >= MOST_OF_ZONE)
      throw new AppError('rate_limited', 'Too many streams are open.', { retryAfter: 5 });
  }

  /** Returns at once. `after` is the last index that the reader has; without it, it gets what is written from now on. */
  start(zone: string, filter: EventFilter, after: number | undefined, output: EventOutput): void {
    this.open.set(output, zone);
    output.onClosed(() => this.open.delete(output));
    output.write('retry: 1000\n\n');
    this.follow(zone, filter, after, output)
      .catch(this.onFault)
      .finally(() => output.end());
  }

  /** Ends every stream: the server takes no more requests. */
  close(): void {
    for (const output of this.open.keys()) output.end();
  }

  private async follow(
    zone: string,
    filter: EventFilter,
    after: number | undefined,
    output: EventOutput,
  ): Promise<void> {
    let last = after ?? (await this.ledger.size(zone)) - 1;
    for (let look = 1; look <= MOST_LOOKS && this.open.has(output); look += 1) {
      const { upTo, more } = await this.write(zone, filter, last, output);
      last = upTo;
      if (output.unsent > MOST_UNSENT_BYTES) return;
      if (look % COMMENT_EVERY_LOOKS === 0) output.write(':\n\n');
      if (!more) await pause(LOOK_EVERY_MS);
    }
  }

  /** Writes what came after an index; answers up to where was looked, and whether there is more right now. */
  private async write(
    zone: string,
    filter: EventFilter,
    after: number,
    output: EventOutput,
  ): Promise<{ readonly upTo: number; readonly more: boolean }> {
    // Bounded by what was there before: entries that do not match are not looked at again.
    const size = await this.ledger.size(zone);
    const events = await this.ledger.events(zone, { ...filter, to: size }, { limit: MOST_AT_ONCE, after });
    for (const event of events) output.write(eventOf(event));
    const more = events.length === MOST_AT_ONCE;
    return { upTo: more ? (events.at(-1)?.index ?? after) : Math.max(after, size - 1), more };
  }
}

function eventOf(event: LedgerEvent): string {
  return `id: ${event.index}\ndata: ${JSON.stringify(event)}\n\n`;
}
