import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../database/index.js';
import { failureCode, type Queues } from '../queue/index.js';
import { OutboxRows, type ClaimedRow, type OutboxBacklog } from './outbox-rows.js';

const BATCH = 100;
/** Longer than sending one batch can take; a relay that died holds its rows no longer than this. */
const LEASE_SECONDS = 60;
const POLL_MS = 1_000;
const BACKLOG_MS = 5_000;
const STOP_MS = 5_000;
/** Its messages are sent directly, many each second, so their end is not looked up; a row for it is done once it is sent. */
const DIRECT_QUEUE = 'audit';

/** What the relay tells the outside about itself. Nothing here may throw. */
export interface OutboxObserver {
  backlog(backlog: OutboxBacklog): void;
  unsent(rows: number, code: string): void;
}

/** What a relay is made of. */
export interface OutboxRelayParts {
  readonly database: Database;
  readonly queues: Queues;
  readonly observer: OutboxObserver;
  readonly clock: Clock;
  readonly pollMs?: number;
}

/**
 * Sends what committed transactions left in the outbox: at least once, in order within an aggregate. Every replica runs one; a row is held
 * by one at a time. It is woken by a commit of its own replica and otherwise looks by itself, so nothing depends on being woken.
 */
export class OutboxRelay {
  private readonly rows: OutboxRows;
  private loop: Promise<void> | undefined;
  private stopped = false;
  private woken = false;
  private rouse: () => void = () => undefined;
  private backlogReadAt = -Infinity;

  constructor(private readonly parts: OutboxRelayParts) {
    this.rows = new OutboxRows(parts.database);
    parts.queues.onSettled(({ queue, id }) => this.settled(queue, id));
  }

  start(): void {
    this.loop ??= this.run();
  }

  /** After a commit that wrote to the outbox. Never waits, never throws. */
  wake(): void {
    this.woken = true;
    this.rouse();
  }

  /** Ends after the round that runs; rows that were claimed and not sent are free again when their lease ends. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.rouse();
    const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([this.loop, late]);
  }

  /** One round: claims what is due and sends it. Answers how many rows were claimed. */
  async sendDue(): Promise<number> {
    const rows = await this.rows.claim(BATCH, LEASE_SECONDS);
    const outcomes = await Promise.all(rows.map((row) => this.send(row)));
    const sent = rows.filter((_, index) => outcomes[index] === undefined);
    if (sent.length > 0) await this.rows.markSent(sent.map((row) => row.id));
    for (const row of sent.filter(({ queue }) => queue === DIRECT_QUEUE))
      await this.rows.markDone(row.queue, row.messageId);
    const unsent = rows.filter((_, index) => outcomes[index] !== undefined);
    const code = outcomes.find((outcome) => outcome !== undefined);
    if (code !== undefined) await this.giveBack(unsent, code);
    return rows.length;
  }

  /** How much waits and for how long. */
  backlog(): Promise<OutboxBacklog> {
    return this.rows.backlog();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      this.woken = false;
      const claimed = await this.round();
      if (claimed < BATCH && !this.woken && !this.stopped) await this.rest();
    }
  }

  private async round(): Promise<number> {
    try {
      const claimed = await this.sendDue();
      await this.reportBacklog();
      return claimed;
    } catch (error) {
      this.parts.observer.unsent(0, failureCode(error));
      return 0;
    }
  }

  private async reportBacklog(): Promise<void> {
    const now = this.parts.clock.monotonic();
    if (now - this.backlogReadAt < BACKLOG_MS) return;
    this.backlogReadAt = now;
    this.parts.observer.backlog(await this.backlog());
  }

  private async send(row: ClaimedRow): Promise<string | undefined> {
    try {
      const { queue, name, zone, body, messageId, id, attempts } = row;
      await this.parts.queues.send({ queue, name, zone, body, id: messageId, jobId: id, again: attempts > 1 });
      return undefined;
    } catch (error) {
      return failureCode(error);
    }
  }

  private async giveBack(rows: readonly ClaimedRow[], code: string): Promise<void> {
    this.parts.observer.unsent(rows.length, code);
    await this.rows.markUnsent(
      rows.map((row) => row.id),
      code,
    );
  }

  private async settled(queue: ClaimedRow['queue'], id: string): Promise<void> {
    if (queue === DIRECT_QUEUE) return;
    // The aggregate's next row may go now.
    if (await this.rows.markDone(queue, id)) this.wake();
  }

  private rest(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, this.parts.pollMs ?? POLL_MS);
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
      this.rouse = done;
    });
  }
}
