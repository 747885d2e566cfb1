import { Queue, createPostgresBackend, type JobsOptions } from 'bullmq';
import { expect } from '@jest/globals';
import { Redis } from 'ioredis';
import { OutboxRelay } from '../../src/platform/outbox/index.js';
import {
  createQueues,
  migrateQueues,
  type DeadLetters,
  type QueueName,
  type Queues,
} from '../../src/platform/queue/index.js';
import { Database, parseEndpoint } from '../../src/platform/database/index.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { createTestDatabase, TEST_DATABASE_PASSWORD, type TestDatabase } from './database.js';
import { redisIsPresent, startRedis } from './redis.js';
import { openWire, type Wire } from './wire.js';
import { makeZone } from './zone.js';

export const QUEUE_SECRET = Buffer.alloc(32, 0x51);
export const ZONE = 'queues';

export type BackendKind = 'postgres' | 'redis';

/** The backends that can be tested here. That Redis was left out is said, never passed over. */
export function testedBackends(): readonly BackendKind[] {
  if (redisIsPresent()) return ['postgres', 'redis'];
  process.stderr.write('redis-server is not on the PATH: the queues are tested on PostgreSQL only\n');
  return ['postgres'];
}

/** One process as far as queues are concerned. */
export interface QueueProcess {
  readonly queues: Queues;
  readonly deadLetters: DeadLetters;
  readonly relay: OutboxRelay;
  readonly database: Database;
  /** What the observer was told, as text. */
  readonly events: string[];
  stop(): Promise<void>;
}

/** A migrated database, a backend that can be cut off, and processes on both. */
export class QueueBench {
  private readonly processes: QueueProcess[] = [];

  private constructor(
    readonly kind: BackendKind,
    readonly test: TestDatabase,
    readonly database: Database,
    /** Between the processes and the queue's backend only. */
    readonly wire: Wire,
    private readonly redis: Awaited<ReturnType<typeof startRedis>> | undefined,
  ) {}

  static async open(kind: BackendKind): Promise<QueueBench> {
    const test = await createTestDatabase();
    await migrateQueues(test.dsn);
    const redis = kind === 'redis' ? await startRedis() : undefined;
    const wire = await openWire(redis?.port ?? parseEndpoint(test.dsn).port);
    const database = await test.open();
    await makeZone(database, ZONE);
    return new QueueBench(kind, test, database, wire, redis);
  }

  /** `prepare` registers handlers and schedules; then the queues are started. */
  process(
    prepare: (queues: Queues) => void = () => undefined,
    options: { readonly relayPollMs?: number } = {},
  ): QueueProcess {
    const events: string[] = [];
    const observer = {
      ended: (queue: string, outcome: string) => events.push(`ended ${queue} ${outcome}`),
      buried: (queue: string, reason: string) => events.push(`buried ${queue} ${reason}`),
      retried: (queue: string, kind: string, code: string) => events.push(`retried ${queue} ${kind} ${code}`),
      backendFault: (queue: string, code: string) => events.push(`fault ${queue} ${code}`),
      backlog: () => undefined,
      unsent: (rows: number, code: string) => events.push(`unsent ${rows} ${code}`),
    };
    const redis = this.redis ? { redisUrl: `redis://127.0.0.1:${this.wire.port}` } : {};
    const database = this.redis ? this.database : this.throughWire();
    const { queues, deadLetters } = createQueues({
      database,
      secrets: [QUEUE_SECRET],
      observer,
      clock: systemClock,
      ...redis,
    });
    const pollMs = options.relayPollMs ?? 50;
    const relay = new OutboxRelay({ database: this.database, queues, observer, clock: systemClock, pollMs });
    prepare(queues);
    queues.start();
    const process = { queues, deadLetters, relay, database: this.database, events, stop: () => stopAll(relay, queues) };
    this.processes.push(process);
    return process;
  }

  /** Puts a job into a queue as somebody would who has the backend's password and nothing else. */
  async inject(queue: QueueName, data: unknown, options: JobsOptions = {}): Promise<void> {
    const raw = this.rawQueue(queue);
    await raw.add('job', data, options);
    await raw.close();
  }

  /** Jobs of all states in a queue. */
  async jobs(queue: QueueName): Promise<number> {
    const raw = this.rawQueue(queue);
    const counts = await raw.getJobCounts();
    await raw.close();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  /** Everything the backend holds is gone, as after a flush. */
  async loseEverything(): Promise<void> {
    if (!this.redis) return this.test.superuser(async (client) => void (await client.query('DELETE FROM bullmq.job')));
    const client = new Redis(this.redis.url);
    await client.flushall();
    client.disconnect();
  }

  async effects(): Promise<string[]> {
    const rows = await this.database.withZone(ZONE, (tx) =>
      tx.query<{ id: string }>(`SELECT id FROM change_log WHERE kind = 'effect' ORDER BY seq`),
    );
    return rows.map((row) => row.id);
  }

  async deadReasons(): Promise<string[]> {
    const rows = await this.test.superuser((client) =>
      client.query<{ reason: string }>('SELECT reason FROM caracal.dead_letter ORDER BY reason'),
    );
    return rows.rows.map((row) => row.reason);
  }

  async reset(): Promise<void> {
    this.wire.mend();
    await Promise.all(this.processes.splice(0).map((process) => process.stop()));
    await this.loseEverything();
    await this.test.superuser(async (client) => {
      await client.query(`DELETE FROM caracal.change_log WHERE kind = 'effect'`);
      await client.query('TRUNCATE caracal.outbox, caracal.inbox, caracal.dead_letter, bullmq.scheduler, bullmq.meta');
    });
  }

  async close(): Promise<void> {
    await this.reset();
    await this.wire.close();
    await this.test.drop();
    await this.redis?.stop();
  }

  private rawQueue(queue: QueueName): Queue {
    if (this.redis) return new Queue(queue, { connection: { url: this.redis.url }, prefix: 'caracal' });
    const connection = { connectionString: this.test.dsn, schema: 'bullmq', max: 1 };
    return new Queue(queue, { connection }, createPostgresBackend) as unknown as Queue;
  }

  /** The same database, but BullMQ's own connections go over the wire that can be cut. */
  private throughWire(): Database {
    const endpoint = { ...parseEndpoint(this.test.dsn), port: this.wire.port };
    const onWire = new Database({ endpoint, databasePassword: TEST_DATABASE_PASSWORD, entities: [] });
    return new Proxy(this.database, {
      get: (target, member) => {
        const from = member === 'connectionOptions' ? onWire : target;
        const value: unknown = Reflect.get(from, member);
        return typeof value === 'function' ? (value.bind(from) as unknown) : value;
      },
    });
  }
}

let positions = 0;
/** An effect that can be counted: one row. */
export async function makeEffect(
  tx: { query(sql: string, params: unknown[]): Promise<unknown> },
  id: string,
): Promise<void> {
  await tx.query(`INSERT INTO change_log (zone, seq, kind, id) VALUES ($1, $2, 'effect', $3)`, [
    ZONE,
    (positions += 1),
    id,
  ]);
}

/** Waits until `check` answers the expected value; the assertion is made even when it never does. */
export async function eventually<T>(check: () => Promise<T> | T, expected: T, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs;
  let value = await check();
  while (!equal(value, expected) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    value = await check();
  }
  expect(value).toEqual(expected);
}

const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

async function stopAll(relay: OutboxRelay, queues: Queues): Promise<void> {
  await relay.stop();
  await queues.stop(3_000);
  await queues.close();
}
