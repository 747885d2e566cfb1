import type { Database, Tx } from '../database/index.js';
import { INBOX_RETENTION_MS, type Queues } from '../queue/index.js';

const EVERY_MS = 600_000;
const BATCH = 5_000;
const DONE_KEPT_SECONDS = 86_400;

/** Registers the removal of outbox rows that are done for a day and of inbox rows that no envelope can name any more. */
export function scheduleQueueRetention(queues: Queues, database: Database): void {
  queues.schedule('queue-retention', EVERY_MS, () => removeOld(database));
}

/** Removes in batches, each in a transaction of its own, so that nothing waits long for the rows' locks. */
export async function removeOld(database: Database): Promise<void> {
  while (await database.asJanitor(removeDone)) continue;
  while (await database.asJanitor(forgetSeen)) continue;
}

async function removeDone(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ removed: number }>(
    `WITH old AS (
       SELECT id FROM caracal.outbox WHERE done_at < now() - make_interval(secs => $2) LIMIT $1
     ), removed AS (DELETE FROM caracal.outbox o USING old WHERE o.id = old.id RETURNING 1)
     SELECT count(*)::int AS removed FROM removed`,
    [BATCH, DONE_KEPT_SECONDS],
  );
  return (row?.removed ?? 0) === BATCH;
}

async function forgetSeen(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ removed: number }>(
    `WITH old AS (
       SELECT queue, id FROM caracal.inbox WHERE at < now() - make_interval(secs => $2) LIMIT $1
     ), removed AS (DELETE FROM caracal.inbox i USING old WHERE i.queue = old.queue AND i.id = old.id RETURNING 1)
     SELECT count(*)::int AS removed FROM removed`,
    [BATCH, INBOX_RETENTION_MS / 1_000],
  );
  return (row?.removed ?? 0) === BATCH;
}
