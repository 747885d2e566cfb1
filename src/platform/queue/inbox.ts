import type { Tx } from '../database/index.js';
import type { QueueName } from './domain/queue-names.js';

/** How long the inbox must remember what it has seen: longer than any envelope lives. Retention deletes what is older. */
export const INBOX_RETENTION_MS = 8 * 86_400_000;

/**
 * Guarantees that of all transactions that ask for this id exactly one that commits is answered `true`. Call it first in the
 * transaction of the effect, and do nothing when it answers `false`. A concurrent twin waits for this transaction's end.
 */
export async function consumeOnce(tx: Tx, queue: QueueName, id: string): Promise<boolean> {
  return (await firstSeen(tx, queue, [id])).has(id);
}

/** {@link consumeOnce} for many ids at once (one job that carries many events): answers those that were not seen before. */
export async function firstSeen(tx: Tx, queue: QueueName, ids: readonly string[]): Promise<ReadonlySet<string>> {
  // Sorted, so that two transactions with overlapping ids wait for each other in one order.
  const sorted = [...new Set(ids)].sort();
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO caracal.inbox (queue, id) SELECT $1, t.id FROM unnest($2::uuid[]) WITH ORDINALITY AS t(id, n) ORDER BY t.n
     ON CONFLICT DO NOTHING RETURNING id`,
    [queue, sorted],
  );
  return new Set(rows.map((row) => row.id));
}
