import type { Database, Tx } from '../database/index.js';
import { CHANGE_CHANNEL, type Change, type ChangeKind } from './change.js';

/** The rows read in one go; a replica that is further behind than this starts the zone anew. */
const READ_LIMIT = 10_000;

/**
 * Writes the changes of a transaction, last but for the ledger, and returns them with their numbers. `UPDATE … RETURNING`
 * holds the head's row lock until COMMIT, so numbers are dense in commit order.
 */
export async function writeChanges(
  tx: Tx,
  zone: string,
  changes: readonly { kind: ChangeKind; id: string }[],
): Promise<Change[]> {
  const rows = await tx.query<{ seq: string }[] | { seq: string }>(
    'UPDATE feed_head SET seq = seq + $2 WHERE zone = $1 RETURNING seq',
    [zone, changes.length],
  );
  const head = updatedSeq(rows);
  const first = head - BigInt(changes.length) + 1n;
  await tx.query(
    `INSERT INTO change_log (zone, seq, kind, id)
     SELECT $1, $2::bigint + t.n - 1, t.kind, t.id FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS t(kind, id, n)`,
    [zone, first.toString(), changes.map((change) => change.kind), changes.map((change) => change.id)],
  );
  await tx.query('SELECT pg_notify($1, $2)', [CHANGE_CHANNEL, zone]);
  return changes.map((change, at) => ({ zone, seq: first + BigInt(at), ...change }));
}

/** TypeORM answers an UPDATE … RETURNING with `[rows, count]`. */
function updatedSeq(answer: unknown[]): bigint {
  const rows = (Array.isArray(answer[0]) ? answer[0] : answer) as { seq: string }[];
  const seq = rows[0]?.seq;
  if (seq === undefined) throw new Error('the zone has no feed head');
  return BigInt(seq);
}

/** The feed's heads of these zones. */
export async function readHeads(database: Database, zones: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await database.querySystem<{ zone: string; seq: string }>(
    'change-feed',
    'SELECT zone, seq FROM caracal.feed_head WHERE zone = ANY($1)',
    [zones],
  );
  return new Map(rows.map((row) => [row.zone, BigInt(row.seq)]));
}

/** The changes of a zone after `after`, in order; undefined when the log does not reach back that far or is too long to follow. */
export async function readChanges(database: Database, zone: string, after: bigint): Promise<Change[] | undefined> {
  const rows = await database.querySystem<{ seq: string; kind: ChangeKind; id: string }>(
    'change-feed',
    'SELECT seq, kind, id FROM caracal.change_log WHERE zone = $1 AND seq > $2 ORDER BY seq LIMIT $3',
    [zone, after.toString(), READ_LIMIT],
  );
  const changes = rows.map((row) => ({ zone, seq: BigInt(row.seq), kind: row.kind, id: row.id }));
  const dense = changes.every((change, at) => change.seq === after + BigInt(at) + 1n);
  // Asked only when the head has moved on: no row at all means that the log was trimmed this far.
  return dense && changes.length > 0 && changes.length < READ_LIMIT ? changes : undefined;
}
