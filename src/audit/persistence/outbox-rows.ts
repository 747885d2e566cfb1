import { newUuid } from '../../platform/ids/index.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ZoneTx } from '../../platform/database/index.js';

/** A message that leaves with the transaction that wrote it, in order per aggregate. */
export interface OutboxMessage {
  readonly queue: string;
  readonly name: string;
  readonly aggregate: string;
  readonly body: JsonObject;
}

/** Writes messages into the outbox in their order. */
export async function writeOutbox(tx: ZoneTx, messages: readonly OutboxMessage[]): Promise<void> {
  for (const message of messages) {
    await tx.query('INSERT INTO outbox (id, zone, aggregate, queue, name, body) VALUES ($1, $2, $3, $4, $5, $6)', [
      newUuid(),
      tx.zone,
      message.aggregate,
      message.queue,
      message.name,
      JSON.stringify(message.body),
    ]);
  }
}
