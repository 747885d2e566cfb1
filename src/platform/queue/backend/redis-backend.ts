import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { within } from '../../lifecycle/index.js';
import type { QueueName } from '../domain/queue-names.js';
import { BullQueue } from './bull-queue.js';
import { BullWorker } from './bull-worker.js';
import type { JobBackend, JobQueue, JobWorker, WorkerSpec } from './job-backend.js';
import { EVENT_STREAM, underOurOptions, workerOptions } from './job-options.js';

const PREFIX = 'caracal';
const PING_MS = 2_000;

/** BullMQ on Redis. Nothing is kept there that is not also in the outbox or made up for by maintenance. */
export class RedisBackend implements JobBackend {
  readonly kind = 'redis';
  private readonly producers: Redis;

  constructor(
    private readonly url: string,
    onFault: (error: unknown) => void,
  ) {
    this.producers = new Redis(url, { maxRetriesPerRequest: 1, connectTimeout: 5_000 });
    this.producers.on('error', onFault);
  }

  async queue(name: QueueName, onFault: (error: unknown) => void): Promise<JobQueue> {
    const queue = new Queue(name, { connection: this.producers, prefix: PREFIX, streams: EVENT_STREAM });
    queue.on('error', onFault);
    await queue.waitUntilReady();
    return new BullQueue(queue);
  }

  async worker({ queue, concurrency, process, onFault }: WorkerSpec): Promise<JobWorker> {
    const connection = { url: this.url, maxRetriesPerRequest: null };
    const worker = new Worker(queue, underOurOptions(process), {
      ...workerOptions(queue),
      concurrency,
      prefix: PREFIX,
      connection,
    });
    worker.on('error', onFault);
    return BullWorker.start(worker, onFault);
  }

  async ping(): Promise<void> {
    await within(PING_MS, this.producers.ping());
  }

  async close(): Promise<void> {
    this.producers.disconnect();
  }
}
