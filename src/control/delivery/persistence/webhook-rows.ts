import { MoreThan, Not } from 'typeorm';
import { AppError } from '../../../kernel/app-error.js';
import type { Database, Tx, ZoneTx } from '../../../platform/database/index.js';
import { SYSTEM_ZONE } from '../../domain/zone.js';
import { isObjectId } from '../../domain/object-id.js';
import type { Slice } from '../../persistence/lists.js';
import { WebhookEntity } from './webhook.entity.js';

/** One row more than the slice's limit when there is more; archived ones only when asked for. */
export function listWebhooks(database: Database, slice: Slice, status: string | undefined): Promise<WebhookEntity[]> {
  const where = {
    zone: SYSTEM_ZONE,
    status: (status ?? Not('archived')) as WebhookEntity['status'],
    ...(slice.cursor === undefined ? {} : { id: MoreThan(slice.cursor) }),
  };
  return database.readZone(SYSTEM_ZONE, (tx) =>
    tx.em.find(WebhookEntity, { where, order: { id: 'ASC' }, take: slice.limit + 1 }),
  );
}

/** The webhook; throws `not_found`. */
export async function getWebhook(database: Database, id: string): Promise<WebhookEntity> {
  return found(await database.readZone(SYSTEM_ZONE, (tx) => find(tx, id)));
}

/** The webhook under a lock of its own; throws `not_found`. */
export async function lockWebhook(tx: ZoneTx, id: string): Promise<WebhookEntity> {
  const row = isObjectId(id)
    ? await tx.em.findOne(WebhookEntity, { where: { zone: SYSTEM_ZONE, id }, lock: { mode: 'pessimistic_write' } })
    : null;
  return found(row);
}

/** Inserts a webhook; call it in the system zone, after {@link beginAtHeads}. */
export async function insertWebhook(tx: ZoneTx, row: WebhookEntity): Promise<void> {
  await tx.em.insert(WebhookEntity, row);
}

/** Sets a webhook that is about to be made at the end of every ledger that it is about; a zone that is made later is told from its first entry. */
export async function beginAtHeads(tx: Tx, { id, about }: Pick<WebhookEntity, 'id' | 'about'>): Promise<void> {
  await tx.query(
    `INSERT INTO caracal.webhook_cursors (zone, webhook, about, next_index)
     SELECT $1, $2, h.zone, h.next_index FROM caracal.ledger_head h WHERE $3::text IS NULL OR h.zone = $3`,
    [SYSTEM_ZONE, id, about],
  );
}

/** Whether a zone takes changes, so that one can be told of it. */
export async function isChangeableZone(database: Database, slug: string): Promise<boolean> {
  const rows = await database.querySystem(
    'zone-list',
    `SELECT 1 FROM caracal.zones WHERE slug = $1 AND status <> 'archived'`,
    [slug],
  );
  return rows.length > 0;
}

/** Writes these columns of the webhook. */
export async function updateWebhook(tx: ZoneTx, id: string, values: Partial<WebhookEntity>): Promise<void> {
  await tx.em.update(WebhookEntity, { zone: SYSTEM_ZONE, id }, values);
}

/** A webhook that has not been told everything that the ledger of a zone holds. */
export interface Untold {
  readonly webhook: string;
  readonly events: readonly string[];
  readonly about: string;
  readonly from: number;
  readonly to: number;
}

/** Up to `limit` of them, in no order. */
export async function untold(tx: Tx, limit: number): Promise<Untold[]> {
  const rows = await tx.query<{ webhook: string; events: string[]; about: string; from: string; to: string }>(
    `SELECT w.id AS webhook, w.events, h.zone AS about, coalesce(c.next_index, 0) AS "from", h.next_index AS "to"
       FROM caracal.webhooks w
       JOIN caracal.ledger_head h ON w.about IS NULL OR h.zone = w.about
       LEFT JOIN caracal.webhook_cursors c ON c.webhook = w.id AND c.about = h.zone
      WHERE w.status = 'active' AND h.next_index > coalesce(c.next_index, 0) LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, from: Number(row.from), to: Number(row.to) }));
}

/** Moves a cursor from where it was seen; false when somebody else has moved it. The lock it takes is held to the end of the transaction. */
export async function advance(tx: Tx, { webhook, about, from }: Untold, to: number): Promise<boolean> {
  const moved = await tx.query(
    `WITH moved AS (
       INSERT INTO caracal.webhook_cursors AS c (zone, webhook, about, next_index) VALUES ($1, $2, $3, $5)
       ON CONFLICT (zone, webhook, about) DO UPDATE SET next_index = $5 WHERE c.next_index = $4
       RETURNING 1
     ) SELECT 1 FROM moved`,
    [SYSTEM_ZONE, webhook, about, from, to],
  );
  return moved.length > 0;
}

/** Types of the entries with these indices. */
export function typesOf(
  tx: Tx,
  { about, from }: Untold,
  to: number,
): Promise<{ readonly index: string; readonly type: string }[]> {
  return tx.query(
    `SELECT index, (entry::json)->>'type' AS type FROM caracal.ledger WHERE zone = $1 AND index >= $2 AND index < $3 ORDER BY index`,
    [about, from, to],
  );
}

/** One message for each index, sent with this transaction. The entries of a zone are told independently of one another. */
export async function writeDeliveries(
  tx: Tx,
  { webhook, about }: Untold,
  messages: readonly { readonly id: string; readonly index: number }[],
): Promise<void> {
  await tx.query(
    `INSERT INTO caracal.outbox (id, zone, aggregate, queue, name, body)
     SELECT m.id, $1, 'webhook:' || m.id, 'delivery', 'webhook', jsonb_build_object('webhook', $2::text, 'index', m.index)
       FROM unnest($3::uuid[], $4::bigint[]) AS m(id, index)`,
    [about, webhook, messages.map(({ id }) => id), messages.map(({ index }) => index)],
  );
}

function find(tx: ZoneTx, id: string): Promise<WebhookEntity | null> {
  return isObjectId(id) ? tx.em.findOneBy(WebhookEntity, { zone: SYSTEM_ZONE, id }) : Promise.resolve(null);
}

function found(row: WebhookEntity | null): WebhookEntity {
  if (!row) throw new AppError('not_found', 'There is no such webhook.');
  return row;
}
