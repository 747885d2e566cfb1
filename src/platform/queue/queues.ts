import type { Clock } from '../../kernel/clock.js';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { within } from '../lifecycle/index.js';
import type { Database, ZoneTx } from '../database/index.js';
import { newUuid } from '../ids/index.js';
import type { JobBackend, JobQueue } from './backend/job-backend.js';
import { ConsumerFleet } from './consumer-fleet.js';
import type { SettledListener } from './consumer.js';
import type { DeadLetters } from './dead-letters.js';
import { sealEnvelope } from './domain/envelope.js';
import type { EnvelopeKeys } from './domain/envelope-keys.js';
import { failureCode } from './domain/failure.js';
import type { Message, MessageHandler } from './domain/message.js';
import { QUEUE_NAMES, type QueueName } from './domain/queue-names.js';
import { consumeOnce } from './inbox.js';
import type { QueueObserver } from './observer.js';
import { Schedules, type Every } from './schedules.js';

/** A backend that is not there within this time is unreachable, though the connection may still come about. */
const OPENING_MS = 5_000;
/** How long the end of a connection is waited for. */
const CLOSING_MS = 2_000;
/** No envelope lives longer; the inbox remembers longer than that. */
const LONGEST_LIFE_MS = 7 * 86_400_000;

/** A message before it is sealed. */
export interface OutgoingMessage {
  readonly queue: QueueName;
  readonly name: string;
  readonly zone: string;
  readonly body: JsonObject;
  /** The message's id (a UUID): the inbox de-duplicates by it. Default: a fresh one. */
  readonly id?: string;
  /** The job's id, when it must differ from the message's. While a job of this id is queued, another is not added. */
  readonly jobId?: string;
  /** It was sent before and nothing was heard of it. */
  readonly again?: boolean;
  /** At most, and by default, seven days. */
  readonly expiresInMs?: number;
}

export interface QueuesParts {
  readonly database: Database;
  readonly backend: JobBackend;
  readonly keys: EnvelopeKeys;
  readonly deadLetters: DeadLetters;
  readonly observer: QueueObserver;
  readonly clock: Clock;
}

/**
 * The queues of the process. What goes in is sealed, what comes out was verified; a message may come out more than once, so its
 * effect is made in one transaction with {@link consumeOnce} (or under {@link Queues.once}, which does that).
 */
export class Queues {
  private readonly queues = new Map<QueueName, Promise<JobQueue>>();
  private readonly opened = new Set<JobQueue>();
  private readonly schedules: Schedules;
  private readonly fleet: ConsumerFleet;

  constructor(private readonly parts: QueuesParts) {
    this.schedules = new Schedules(parts);
    this.fleet = new ConsumerFleet(parts, this.schedules, (name) => within(OPENING_MS, this.queue(name)));
  }

  /** Resolves when the job is in the queue; rejects with `temporarily_unavailable` when the backend cannot take it. */
  enqueue(queue: QueueName, name: string, zone: string, body: JsonObject): Promise<void> {
    return this.send({ queue, name, zone, body });
  }

  /** {@link Queues.enqueue} with a say in the ids and the life of the message. */
  async send(message: OutgoingMessage): Promise<void> {
    const { queue, name, zone, body, again = false, id = newUuid() } = message;
    const issuedAt = this.parts.clock.now();
    const expiresAt = issuedAt + Math.min(message.expiresInMs ?? LONGEST_LIFE_MS, LONGEST_LIFE_MS);
    const envelope = sealEnvelope(this.parts.keys, { queue, name, id, zone, issuedAt, expiresAt, body });
    try {
      const target = await within(OPENING_MS, this.queue(queue));
      await target.add({ id: message.jobId ?? id, name, envelope, again });
    } catch (error) {
      throw unreachable(error);
    }
  }

  /** Registers the handlers of a queue's messages; before {@link Queues.start}. A name has one handler. */
  consume(queue: QueueName, handlers: Readonly<Record<string, MessageHandler>>): void {
    this.fleet.register(queue, handlers);
  }

  /** A handler whose effect is made once: `handler` runs in a transaction of the message's zone that commits with the inbox row. */
  once(handler: (message: Message, tx: ZoneTx) => Promise<void>): MessageHandler {
    return (message) =>
      this.parts.database.withZone(message.zone, async (tx) => {
        if (await consumeOnce(tx, message.queue, message.id)) await handler(message, tx);
      });
  }

  /**
   * Registers work of the maintenance queue; before {@link Queues.start}. One replica does it per tick, but two may once overlap and a
   * tick may be missed: `run` must be safe to repeat and must look for all that is due, not for what became due since the last time.
   */
  schedule(name: string, every: Every, run: () => Promise<void>): void {
    this.schedules.add(name, { every, run });
  }

  /** Who is told when a message has ended; before {@link Queues.start}. */
  onSettled(listener: SettledListener): void {
    this.fleet.onSettled(listener);
  }

  /** Starts the workers of all queues that have handlers, and the schedules; a backend that is down is tried again until it is there. */
  start(): void {
    this.fleet.start();
  }

  /** Ends consumption: takes no new job and waits for those that run, at most `graceMs`. What is cut off is taken up again later. */
  async stop(graceMs = 10_000): Promise<void> {
    await this.fleet.stop(graceMs);
  }

  /** After {@link Queues.stop}: gives the connections back. One that never came about is not waited for. */
  async close(): Promise<void> {
    this.queues.clear();
    await Promise.allSettled([...this.opened].map((queue) => within(CLOSING_MS, queue.close())));
    await within(CLOSING_MS, this.parts.backend.close());
  }

  /** Whether the backend answers now; what readiness reports as `queue_unreachable`. */
  async isReachable(): Promise<boolean> {
    try {
      await this.parts.backend.ping();
      return true;
    } catch {
      return false;
    }
  }

  get backendKind(): JobBackend['kind'] {
    return this.parts.backend.kind;
  }

  /** Jobs per queue and state. */
  async counts(): Promise<Readonly<Record<QueueName, Readonly<Record<string, number>>>>> {
    try {
      const pairs = QUEUE_NAMES.map(async (name) => [name, await (await this.queue(name)).counts()] as const);
      return Object.fromEntries(await Promise.all(pairs)) as Record<QueueName, Record<string, number>>;
    } catch (error) {
      throw unreachable(error);
    }
  }

  private queue(name: QueueName): Promise<JobQueue> {
    const known = this.queues.get(name);
    if (known) return known;
    const report = (error: unknown) => this.parts.observer.backendFault(name, failureCode(error));
    const opening = this.parts.backend.queue(name, report);
    this.queues.set(name, opening);
    // A first connection that failed is not remembered: the next caller tries again.
    opening.then(
      (queue) => this.opened.add(queue),
      () => this.queues.delete(name),
    );
    return opening;
  }
}

function unreachable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError('temporarily_unavailable', 'The queue cannot be reached.', {
    detail: 'queue_unreachable',
    retryAfter: 1,
    cause,
  });
}
