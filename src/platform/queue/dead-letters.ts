import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { newUuid } from '../ids/index.js';
import type { Database, Tx } from '../database/index.js';
import { deadLetterId, keepEnvelope, shownName } from './domain/dead-letter.js';
import { EnvelopeError, reopenEnvelope } from './domain/envelope.js';
import type { EnvelopeKeys } from './domain/envelope-keys.js';
import type { Message } from './domain/message.js';
import { QUEUE_NAMES, type QueueName } from './domain/queue-names.js';

/** A message that was proven bad, as administrators see it; what it carried stays in the database. */
export interface DeadLetter {
  readonly id: string;
  readonly zone: string | null;
  readonly queue: string;
  readonly name: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

export interface DeadLetterPage {
  readonly limit: number;
  /** The id of the last item of the page before. */
  readonly after?: string;
  readonly queue?: QueueName;
}

interface BurialFacts {
  readonly reason: string;
  readonly envelope: unknown;
  /** Only of a message whose envelope was verified. */
  readonly zone?: string;
}

interface DeadLetterRow {
  readonly queue: string;
  readonly envelope: JsonObject;
}

const COLUMNS = 'id, zone, queue, name, reason, attempts, first_at AS "firstAt", last_at AS "lastAt"';

/** The table of messages that were proven bad. Nothing leaves it but by an administrator's decision. */
export class DeadLetters {
  constructor(
    private readonly database: Database,
    private readonly keys: EnvelopeKeys,
  ) {}

  /** Keeps a bad message as evidence; resolves after COMMIT. Burying the same one again only counts it. */
  async bury(queue: QueueName, facts: BurialFacts): Promise<void> {
    await this.database.withSystem('dead-letters', (tx) =>
      tx.query(
        `INSERT INTO caracal.dead_letter (id, zone, queue, name, reason, envelope) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET attempts = dead_letter.attempts + 1, last_at = now(), reason = excluded.reason`,
        [
          deadLetterId(queue, facts.envelope),
          facts.zone ?? null,
          queue,
          shownName(facts.envelope),
          facts.reason,
          JSON.stringify(keepEnvelope(facts.envelope)),
        ],
      ),
    );
  }

  /** One page, ordered by id. */
  async list(page: DeadLetterPage): Promise<readonly DeadLetter[]> {
    return this.database.withSystem('dead-letters', (tx) =>
      tx.query<DeadLetter & Record<string, unknown>>(
        `SELECT ${COLUMNS} FROM caracal.dead_letter
         WHERE ($2::uuid IS NULL OR id > $2) AND ($3::text IS NULL OR queue = $3) ORDER BY id LIMIT $1`,
        [page.limit, page.after ?? null, page.queue ?? null],
      ),
    );
  }

  /** One dead letter; `not_found` when there is none. */
  async find(tx: Tx, id: string): Promise<DeadLetter> {
    const [row] = await tx.query<DeadLetter & Record<string, unknown>>(
      `SELECT ${COLUMNS} FROM caracal.dead_letter WHERE id = $1`,
      [id],
    );
    if (!row) throw notFound();
    return row;
  }

  /**
   * Sends the message once more through the outbox, in the caller's transaction, under the id it had: what has taken effect does not
   * take effect again. Refuses (`conflict`) what was not sealed by this deployment: a forgery never becomes a message.
   */
  async requeue(tx: Tx, id: string): Promise<void> {
    const message = this.authentic(await take(tx, id));
    await tx.query(
      `INSERT INTO caracal.outbox (id, zone, aggregate, queue, name, body, message_id) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [
        newUuid(),
        message.zone,
        `dead-letter:${id}`,
        message.queue,
        message.name,
        JSON.stringify(message.body),
        message.id,
      ],
    );
  }

  /** Removes it in the caller's transaction; the caller records who decided so and why. */
  async discard(tx: Tx, id: string): Promise<void> {
    await take(tx, id);
  }

  private authentic(row: DeadLetterRow): Message {
    const queue = QUEUE_NAMES.find((name) => name === row.queue);
    try {
      if (queue) return reopenEnvelope(this.keys, queue, row.envelope);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
    }
    throw new AppError('conflict', 'The message was not made by this deployment and cannot be sent again.');
  }
}

async function take(tx: Tx, id: string): Promise<DeadLetterRow> {
  const [row] = await tx.query<DeadLetterRow & Record<string, unknown>>(
    `WITH taken AS (DELETE FROM caracal.dead_letter WHERE id = $1 RETURNING queue, envelope) SELECT queue, envelope FROM taken`,
    [id],
  );
  if (!row) throw notFound();
  return row;
}

function notFound(): AppError {
  return new AppError('not_found', 'There is no such dead letter.');
}
