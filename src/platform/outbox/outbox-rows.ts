import type { JsonObject } from '../../kernel/json.js';
import type { Database } from '../database/index.js';
import type { QueueName } from '../queue/index.js';

/** A row that was claimed: this replica may send it until the lease ends. */
export interface ClaimedRow {
  readonly id: string;
  readonly messageId: string;
  readonly zone: string;
  readonly queue: QueueName;
  readonly name: string;
  readonly body: JsonObject;
  /** This claim included. */
  readonly attempts: number;
}

export interface OutboxBacklog {
  readonly open: number;
  /** Age of the oldest open row in seconds; 0 when there is none. */
  readonly oldestSeconds: number;
}

/** Beyond every lease there is: one that ends later was given before the database's clock was set back, and holds nobody up. */
const LONGEST_LEASE = '11 minutes';

/** The outbox as `caracal_system` works on it: each step is one statement, atomic by itself. */
export class OutboxRows {
  constructor(private readonly database: Database) {}

  /**
   * Claims the oldest open row of each aggregate that nobody holds, in the order of `position`, for `leaseSeconds`. A row waits until
   * every earlier row of its aggregate is done. Positions follow commit order within an aggregate because its writers hold its row lock.
   */
  claim(limit: number, leaseSeconds: number): Promise<ClaimedRow[]> {
    return this.ask<ClaimedRow>(
      `WITH due AS (
         SELECT o.id FROM caracal.outbox o
         WHERE o.done_at IS NULL AND (o.leased_until IS NULL OR NOT o.leased_until BETWEEN now() AND now() + interval '${LONGEST_LEASE}')
           AND NOT EXISTS (SELECT 1 FROM caracal.outbox e
             WHERE e.zone = o.zone AND e.aggregate = o.aggregate AND e.done_at IS NULL AND e.position < o.position)
         ORDER BY o.position LIMIT $1 FOR UPDATE OF o SKIP LOCKED
       ), claimed AS (
         UPDATE caracal.outbox o SET leased_until = now() + make_interval(secs => $2), attempts = o.attempts + 1
         FROM due WHERE o.id = due.id
         RETURNING o.id, o.message_id, o.zone, o.queue, o.name, o.body, o.attempts, o.position
       )
       SELECT id, coalesce(message_id, id) AS "messageId", zone, queue, name, body, attempts FROM claimed ORDER BY position`,
      [limit, leaseSeconds],
    );
  }

  /**
   * The rows are in their queue. They stay open until the message has ended; when that is not heard of within a time that doubles from
   * 30 s to 10 min, they are sent again: a backend that lost its jobs loses no message.
   */
  async markSent(ids: readonly string[]): Promise<void> {
    await this.ask(
      `UPDATE caracal.outbox
       SET last_error = NULL, leased_until = now() + make_interval(secs => least(600, 30 * 2 ^ least(attempts - 1, 10)))
       WHERE id = ANY($1::uuid[]) AND done_at IS NULL`,
      [ids],
    );
  }

  /** The rows could not be sent: they are tried again after a pause that doubles from 250 ms to 30 s. */
  async markUnsent(ids: readonly string[], code: string): Promise<void> {
    await this.ask(
      `UPDATE caracal.outbox
       SET last_error = $2, leased_until = now() + make_interval(secs => least(30, 0.25 * 2 ^ least(attempts - 1, 10)))
       WHERE id = ANY($1::uuid[]) AND done_at IS NULL`,
      [ids, code],
    );
  }

  /** The message has ended: its effect or its dead letter is committed. Answers whether a row waited for that. */
  async markDone(queue: QueueName, messageId: string): Promise<boolean> {
    const rows = await this.ask(
      `WITH done AS (
         UPDATE caracal.outbox SET done_at = now(), leased_until = NULL
         WHERE queue = $1 AND done_at IS NULL AND (id = $2 OR message_id = $2) RETURNING 1
       ) SELECT 1 FROM done`,
      [queue, messageId],
    );
    return rows.length > 0;
  }

  /** How much waits, for the alarm. */
  async backlog(): Promise<OutboxBacklog> {
    const [row] = await this.ask<OutboxBacklog>(
      `SELECT count(*)::int AS open, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS "oldestSeconds"
       FROM caracal.outbox WHERE done_at IS NULL`,
      [],
    );
    return row ?? { open: 0, oldestSeconds: 0 };
  }

  private ask<T>(sql: string, params: readonly unknown[]): Promise<T[]> {
    return this.database.querySystem<T>('outbox-relay', sql, params);
  }
}
