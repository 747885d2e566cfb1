import { Queue, Worker, createPostgresBackend, type PostgresConnectionOptions } from 'bullmq';
import pg from 'pg';
import type { clientOptions } from '../../database/index.js';
import type { QueueName } from '../domain/queue-names.js';
import { BullQueue, within } from './bull-queue.js';
import { BullWorker } from './bull-worker.js';
import type { JobBackend, JobQueue, JobWorker, WorkerSpec } from './job-backend.js';
import { EVENT_STREAM, underOurOptions, WORKER_OPTIONS } from './job-options.js';

/** The schema of BullMQ's own tables. */
export const QUEUE_SCHEMA = 'bullmq';

/** Connections: one pool for all producers, and for each worker a pool and one connection that listens (ADR 9). */
const PRODUCER_CONNECTIONS = 3;
const WORKER_CONNECTIONS = 2;
const PING_MS = 2_000;
/** LISTEN wakes an idle worker; this poll is for a notification that was lost. */
const IDLE_POLL_SECONDS = 15;

const POOL = { connectionTimeoutMillis: 5_000, idleTimeoutMillis: 60_000, keepAlive: true } as const;

/** Login and endpoint of `caracal_queue`. */
export type QueueConnection = ReturnType<typeof clientOptions>;

/** BullMQ on the schema `bullmq` of the database, as `caracal_queue`. */
export class PostgresBackend implements JobBackend {
  readonly kind = 'postgres';
  private readonly producers: pg.Pool;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly connection: QueueConnection,
    onFault: (error: unknown) => void,
  ) {
    this.producers = new pg.Pool({
      ...connection,
      ...POOL,
      max: PRODUCER_CONNECTIONS,
      options: `-c search_path=${QUEUE_SCHEMA}`,
      application_name: 'caracal:queue',
    });
    this.producers.on('error', onFault);
  }

  async queue(name: QueueName, onFault: (error: unknown) => void): Promise<JobQueue> {
    // BullMQ's own description of a pool asks for an index signature that node-postgres' class does not have.
    const connection = this.producers as unknown as PostgresConnectionOptions;
    const queue = new Queue(name, { connection, streams: EVENT_STREAM }, createPostgresBackend);
    queue.on('error', onFault);
    await queue.waitUntilReady();
    return new BullQueue(queue);
  }

  async worker({ queue, concurrency, process, onFault }: WorkerSpec): Promise<JobWorker> {
    const worker = new Worker(
      queue,
      underOurOptions(process),
      {
        ...WORKER_OPTIONS,
        concurrency,
        drainDelay: IDLE_POLL_SECONDS,
        connection: { ...this.connection, ...POOL, schema: QUEUE_SCHEMA, migrate: false, max: WORKER_CONNECTIONS },
      },
      createPostgresBackend,
    );
    worker.on('error', onFault);
    return BullWorker.start(worker, onFault);
  }

  async ping(): Promise<void> {
    await within(PING_MS, this.producers.query(`SELECT 1 FROM ${QUEUE_SCHEMA}.migration LIMIT 1`));
  }

  async close(): Promise<void> {
    await (this.closing ??= this.producers.end());
  }
}
