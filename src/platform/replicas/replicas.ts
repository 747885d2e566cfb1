import { randomUUID } from 'node:crypto';
import type { Database } from '../database/index.js';

/** A process of this server on one database. */
export interface Replica {
  readonly id: string;
  readonly startedAt: Date;
  readonly seenAt: Date;
  readonly version: string;
}

const EVERY_MS = 5_000;
/** A replica that has not been seen for so long is taken for gone. */
const GONE_AFTER_SECONDS = 20;

export interface ReplicasParts {
  readonly database: Database;
  readonly version: string;
  readonly onFault: (error: unknown) => void;
}

/** Tells the other replicas that this one runs, and knows which do. */
export class Replicas {
  readonly id = randomUUID();
  private timer: NodeJS.Timeout | undefined;
  private known = 1;

  constructor(private readonly parts: ReplicasParts) {}

  /** How many run, as of the last time that this one showed itself; at least this one. */
  get count(): number {
    return this.known;
  }

  /** Shows itself now and from time to time. */
  async start(): Promise<void> {
    await this.show();
    this.timer = setInterval(() => void this.show(), EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Those that were seen lately, the oldest first. */
  async live(): Promise<Replica[]> {
    const rows = await this.parts.database.querySystem<{
      id: string;
      started_at: Date;
      seen_at: Date;
      version: string;
    }>(
      'replicas',
      `SELECT id, started_at, seen_at, version FROM caracal.replicas
       WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY started_at, id`,
      [GONE_AFTER_SECONDS],
    );
    return rows.map((row) => ({ id: row.id, startedAt: row.started_at, seenAt: row.seen_at, version: row.version }));
  }

  async show(): Promise<void> {
    try {
      await this.parts.database.querySystem(
        'replicas',
        `INSERT INTO caracal.replicas (id, started_at, seen_at, version) VALUES ($1, clock_timestamp(), clock_timestamp(), $2)
         ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()`,
        [this.id, this.parts.version],
      );
      this.known = Math.max(1, (await this.live()).length);
    } catch (error) {
      this.parts.onFault(error);
    }
  }
}
