import { Queue, Worker, createPostgresBackend, type PostgresConnectionOptions } from 'bullmq';
import pg from 'pg';
import { within } from '../../lifecycle/index.js';
import { type Database, DatabaseClient, type DatabaseClientConfig, sessionOptions } from '../../database/index.js';
import type { QueueName } from '../domain/queue-names.js';
import { BullQueue } from './bull-queue.js';
import { BullWorker } from './bull-worker.js';
import type { JobBackend, JobQueue, JobWorker, WorkerSpec } from './job-backend.js';
import { EVENT_STREAM, underOurOptions, workerOptions } from './job-options.js';

/** The schema of BullMQ's own tables. */
export const QUEUE_SCHEMA = 'bullmq';

/** Connections: one pool for all producers, and for each worker a pool of which one connection listens (ADR 9). */
const PRODUCER_CONNECTIONS = 3;
const WORKER_CONNECTIONS = 3;
const PING_MS = 2_000;
/** LISTEN wakes an idle worker; this poll is for a notification that was lost. */
const IDLE_POLL_SECONDS = 15;

const IDLE_MS = 60_000;

/** Login and endpoint of `caracal_queue`. */
export type QueueConnection = ReturnType<Database['connectionOptions']>;

/** BullMQ on the schema `bullmq` of the database, as `caracal_queue`. */
export class PostgresBackend implements JobBackend {
  readonly kind = 'postgres';
  private readonly producers: pg.Pool;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly connection: QueueConnection,
    onFault: (error: unknown) => void,
  ) {
    this.producers = this.pool(PRODUCER_CONNECTIONS, onFault);
  }

  async queue(name: QueueName, onFault: (error: unknown) => void): Promise<JobQueue> {
    const queue = new Queue(
      name,
      { connection: asOption(this.producers), streams: EVENT_STREAM },
      createPostgresBackend,
    );
    queue.on('error', onFault);
    await queue.waitUntilReady();
    return new BullQueue(queue);
  }

  async worker({ queue, concurrency, process, onFault }: WorkerSpec): Promise<JobWorker> {
    // A pool that BullMQ made would hold connections whose end during a login ends the process.
    const pool = this.pool(WORKER_CONNECTIONS, onFault);
    const worker = new Worker(
      queue,
      underOurOptions(process),
      { ...workerOptions(queue), concurrency, drainDelay: IDLE_POLL_SECONDS, connection: asOption(pool) },
      createPostgresBackend,
    );
    worker.on('error', onFault);
    return BullWorker.start(worker, onFault, () => pool.end());
  }

  async ping(): Promise<void> {
    await within(PING_MS, this.producers.query(`SELECT 1 FROM ${QUEUE_SCHEMA}.migration LIMIT 1`));
  }

  async close(): Promise<void> {
    await (this.closing ??= this.producers.end());
  }

  private pool(max: number, onFault: (error: unknown) => void): pg.Pool {
    const options: Omit<DatabaseClientConfig, 'Promise'> = {
      ...this.connection,
      // One of a worker's connections only listens, and BullMQ would not notice its end.
      probeMs: this.connection.patienceMs,
      options: sessionOptions(QUEUE_SCHEMA, this.connection.patienceMs),
      application_name: 'caracal:queue',
    };
    return new pg.Pool({ ...options, Client: DatabaseClient, idleTimeoutMillis: IDLE_MS, max }).on('error', onFault);
  }
}

/** BullMQ's own description of a pool asks for an index signature that node-postgres' class does not have. */
function asOption(pool: pg.Pool): PostgresConnectionOptions {
  return pool as unknown as PostgresConnectionOptions;
}
