import { AppError } from '../../kernel/app-error.js';
import type { ZoneTx } from '../../platform/database/index.js';

/** One connection, those of a provider, or all of the zone. */
export type ConnectionsOf = { readonly id: string } | { readonly provider: string } | 'all';

/**
 * Revokes these connections and answers the ids of those that were not revoked yet. What they hold stays sealed until the upstream has been told.
 * Throws `not_found` for one that does not exist.
 */
export async function endConnections(
  tx: ZoneTx,
  these: ConnectionsOf,
  by: { readonly reason: string; readonly now: number },
): Promise<string[]> {
  const [condition, value] = conditionOf(these);
  const found = await tx.query<{ id: string; status: string }>(
    `SELECT id, status FROM connections WHERE zone = $1 AND ${condition} ORDER BY id FOR UPDATE`,
    [tx.zone, value],
  );
  if (these !== 'all' && 'id' in these && found.length === 0)
    throw new AppError('not_found', 'There is no such object.');
  const ids = found.filter((row) => row.status !== 'revoked').map((row) => row.id);
  if (ids.length > 0)
    await tx.query(
      `UPDATE connections SET status = 'revoked', reason = $3, ended_at = $4, updated_at = $4, version = version + 1,
         state_hash = NULL, verifier_sealed = NULL, pending_until = NULL
       WHERE zone = $1 AND id = ANY($2)`,
      [tx.zone, ids, by.reason, new Date(by.now)],
    );
  return ids;
}

/**
 * Revokes every connection of the provider and forgets what they hold, also those of which the upstream was not told yet: it will not be, because
 * the provider leads to another place now. Answers the ids of those that were not revoked yet.
 */
export async function abandonConnections(
  tx: ZoneTx,
  provider: string,
  by: { readonly reason: string; readonly now: number },
): Promise<string[]> {
  const ended = await endConnections(tx, { provider }, by);
  await tx.query(
    'UPDATE connections SET refresh_sealed = NULL, told_at = $3 WHERE zone = $1 AND provider = $2 AND told_at IS NULL',
    [tx.zone, provider, new Date(by.now)],
  );
  await tx.query('DELETE FROM upstream_tokens WHERE zone = $1 AND provider = $2', [tx.zone, provider]);
  return ended;
}

/** True when there was a secret to forget and nothing left that still needs it. */
export async function forgetSecret(tx: ZoneTx, provider: string): Promise<boolean> {
  const answer = await tx.query<unknown>(
    `UPDATE providers SET secret_sealed = NULL
     WHERE zone = $1 AND id = $2 AND status = 'archived' AND secret_sealed IS NOT NULL
       AND NOT EXISTS (SELECT FROM connections c WHERE c.zone = $1 AND c.provider = $2 AND c.told_at IS NULL)
     RETURNING id`,
    [tx.zone, provider],
  );
  // TypeORM answers an UPDATE … RETURNING with `[rows, count]`.
  return (answer[0] as readonly unknown[]).length > 0;
}

function conditionOf(these: ConnectionsOf): [string, string] {
  if (these === 'all') return ["$2 = ''", ''];
  return 'id' in these ? ['id = $2', these.id] : ['provider = $2', these.provider];
}
