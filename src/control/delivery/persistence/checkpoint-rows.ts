import type { Tx } from '../../../platform/database/index.js';
import { SYSTEM_ZONE } from '../../domain/zone.js';

/** The event of a checkpoint. It is none of the ledger's entries, so `*` does not mean it. */
export const CHECKPOINT = 'ledger.checkpoint';

/** A checkpoint pins everything before it: the latest, now and then, is enough. */
const EVERY_SECONDS = 10;

/** A checkpoint that a webhook is to be told of. */
export interface Anchor {
  readonly webhook: string;
  readonly about: string;
  readonly origin: string;
  readonly size: number;
  readonly note: string;
}

/** Up to `limit` that are due, in no order. */
export async function untoldCheckpoints(tx: Tx, limit: number): Promise<Anchor[]> {
  const rows = await tx.query<Omit<Anchor, 'size'> & { size: string }>(
    `SELECT w.id AS webhook, t.zone AS about, t.origin, t.signed_size AS size, t.note
       FROM caracal.webhooks w
       JOIN caracal.log_trees t ON w.about IS NULL OR t.zone = w.about
       JOIN caracal.zones z ON z.slug = t.zone
       LEFT JOIN caracal.webhook_anchors a ON a.webhook = w.id AND a.about = t.zone
      WHERE w.status = 'active' AND $1 = ANY (w.events) AND t.note IS NOT NULL AND t.signed_size IS NOT NULL
        AND (a.origin IS NULL OR (a.origin, a.size) IS DISTINCT FROM (t.origin, t.signed_size)
             AND a.told_at <= now() - make_interval(secs => $2)) LIMIT $3`,
    [CHECKPOINT, EVERY_SECONDS, limit],
  );
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** One message for the checkpoint, sent with this transaction; none when somebody else has just written it. */
export async function writeAnchor(tx: Tx, id: string, { webhook, about, origin, size, note }: Anchor): Promise<number> {
  const written = await tx.query(
    `WITH told AS (
       INSERT INTO caracal.webhook_anchors AS a (zone, webhook, about, origin, size, told_at) VALUES ($1, $2, $3, $4, $5, now())
       ON CONFLICT (zone, webhook, about) DO UPDATE SET origin = $4, size = $5, told_at = now()
         WHERE a.told_at <= now() - make_interval(secs => $8) AND (a.origin, a.size) IS DISTINCT FROM (EXCLUDED.origin, EXCLUDED.size)
       RETURNING 1
     )
     INSERT INTO caracal.outbox (id, zone, aggregate, queue, name, body)
     SELECT $6::uuid, $3, 'webhook:' || $6::uuid, 'delivery', 'checkpoint',
            jsonb_build_object('webhook', $2::text, 'checkpoint', $7::text) FROM told RETURNING 1`,
    [SYSTEM_ZONE, webhook, about, origin, size, id, note, EVERY_SECONDS],
  );
  return written.length;
}
