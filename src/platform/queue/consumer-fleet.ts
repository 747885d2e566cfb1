import type { Clock } from '../../kernel/clock.js';
import { within } from '../lifecycle/index.js';
import type { JobBackend, JobQueue, JobWorker } from './backend/job-backend.js';
import { Consumer, type SettledListener } from './consumer.js';
import type { DeadLetters } from './dead-letters.js';
import type { EnvelopeKeys } from './domain/envelope-keys.js';
import { failureCode } from './domain/failure.js';
import type { MessageHandler } from './domain/message.js';
import type { QueueName } from './domain/queue-names.js';
import type { QueueObserver } from './observer.js';
import type { Schedules } from './schedules.js';

/** Jobs of one queue that one replica works on at the same time. */
const CONCURRENCY: Readonly<Record<QueueName, number>> = {
  audit: 4,
  lifecycle: 4,
  revocation: 4,
  delivery: 8,
  maintenance: 2,
  exports: 1,
};
const RESTART_MS = 1_000;
/** A schedule that was lost with a flushed Redis is back after at most this long. */
const REGISTER_AGAIN_MS = 60_000;

interface FleetParts {
  readonly backend: JobBackend;
  readonly keys: EnvelopeKeys;
  readonly deadLetters: DeadLetters;
  readonly observer: QueueObserver;
  readonly clock: Clock;
}

/** The workers of this replica: one per queue that has handlers. */
export class ConsumerFleet {
  private readonly handlers = new Map<QueueName, Map<string, MessageHandler>>();
  private readonly listeners: SettledListener[] = [];
  private readonly workers = new Map<QueueName, JobWorker>();
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private started = false;

  constructor(
    private readonly parts: FleetParts,
    private readonly schedules: Schedules,
    private readonly queue: (name: QueueName) => Promise<JobQueue>,
  ) {}

  register(queue: QueueName, handlers: Readonly<Record<string, MessageHandler>>): void {
    if (this.started) throw new Error('handlers are registered before the queues are started');
    const known = this.handlers.get(queue) ?? new Map<string, MessageHandler>();
    for (const [name, handler] of Object.entries(handlers)) {
      if (known.has(name)) throw new Error(`${queue}: ${name} has two handlers`);
      known.set(name, handler);
    }
    this.handlers.set(queue, known);
  }

  onSettled(listener: SettledListener): void {
    this.listeners.push(listener);
  }

  start(): void {
    if (this.started) return;
    this.started = true;
    if (this.schedules.size > 0) {
      if (!this.handlers.has('maintenance')) this.handlers.set('maintenance', new Map());
      this.run(this.keepSchedules());
    }
    for (const queue of this.handlers.keys()) this.run(this.startWorker(queue));
  }

  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    // A backend that has never been there may take longer than anybody waits.
    await within(graceMs, Promise.allSettled(this.running)).catch(() => undefined);
    await Promise.allSettled([...this.workers.values()].map((worker) => worker.close(graceMs)));
    this.workers.clear();
  }

  private run(task: Promise<void>): void {
    this.running.add(task);
    void task.finally(() => this.running.delete(task));
  }

  private async startWorker(queue: QueueName): Promise<void> {
    const { keys, deadLetters, observer, clock, backend } = this.parts;
    const handlerOf = (from: QueueName, name: string) => this.handlerOf(from, name);
    const consumer = new Consumer(queue, {
      keys,
      deadLetters,
      observer,
      clock,
      handlerOf,
      settled: (ended) => this.settled(ended),
    });
    const onFault = (error: unknown) => observer.backendFault(queue, failureCode(error));
    const spec = { queue, concurrency: CONCURRENCY[queue], process: consumer.process.bind(consumer), onFault };
    await this.untilDone(queue, async () => {
      const worker = await backend.worker(spec);
      if (this.stopping.signal.aborted) await worker.close(0);
      else this.workers.set(queue, worker);
    });
  }

  private async keepSchedules(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await this.untilDone('maintenance', async () => this.schedules.register(await this.queue('maintenance')));
      await pause(REGISTER_AGAIN_MS, this.stopping.signal);
    }
  }

  private async untilDone(queue: QueueName, task: () => Promise<void>): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        return await task();
      } catch (error) {
        this.parts.observer.backendFault(queue, failureCode(error));
        await pause(RESTART_MS, this.stopping.signal);
      }
    }
  }

  private handlerOf(queue: QueueName, name: string): MessageHandler | undefined {
    const handler = this.handlers.get(queue)?.get(name);
    return handler ?? (queue === 'maintenance' ? this.schedules.handlerOf(name) : undefined);
  }

  private async settled(ended: { readonly queue: QueueName; readonly id: string }): Promise<void> {
    for (const listener of this.listeners) await listener(ended);
  }
}

/** Resolves after `ms`, or at once when the signal is given. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
