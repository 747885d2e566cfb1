import type { JsonObject } from '../../kernel/json.js';
import { formatTime, parseTime } from '../../kernel/times.js';
import type { Database } from '../../platform/database/index.js';

/** Which administrative changes are asked for. Times in milliseconds, half-open. */
export interface AdminAuditFilter {
  readonly requestId?: string | undefined;
  readonly zone?: string | undefined;
  readonly token?: string | undefined;
  readonly action?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** An administrative change in the ledger; `at` is the database's own text of the time, exact. */
export interface AdminAuditRow {
  readonly zone: string;
  readonly index: string;
  readonly at: string;
  readonly entry: string;
}

const KEY = /^(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?\+00)\|([a-z0-9_-]{1,63})\|(\d{1,18})$/;

/** The key of a row in the list's order. */
export function adminAuditKey(row: AdminAuditRow): string {
  return `${row.at}|${row.zone}|${row.index}`;
}

/** Administrative changes of all zones, newest first, after a {@link adminAuditKey}; undefined when the key is none of ours. */
export async function readAdminAudit(
  database: Database,
  filter: AdminAuditFilter,
  slice: { readonly limit: number; readonly cursor?: string },
): Promise<AdminAuditRow[] | undefined> {
  const after = slice.cursor === undefined ? undefined : KEY.exec(slice.cursor);
  if (after === null || (after && !isTime(after[1] ?? ''))) return undefined;
  const params: unknown[] = [];
  const bind = (value: unknown): string => `$${params.push(value)}`;
  const where = [...conditions(filter, bind), ...(after ? [older(after, bind)] : [])];
  return database.withSystem('admin-audit', async (tx) => {
    await tx.query(`SET LOCAL timezone = 'UTC'`);
    return tx.query<AdminAuditRow>(
      `SELECT zone, index, ingested_at::text AS at, entry FROM caracal.ledger WHERE ${where.join(' AND ')}
       ORDER BY ingested_at DESC, zone DESC, index DESC LIMIT ${bind(slice.limit + 1)}`,
      params,
    );
  });
}

type Bind = (value: unknown) => string;

function conditions(filter: AdminAuditFilter, bind: Bind): string[] {
  // The first facet is the type; the first condition is written as the partial index has it.
  const where = [`facets[1] COLLATE "C" LIKE 'type=admin.%'`];
  if (filter.requestId !== undefined) where.push(`request_id = ${bind(filter.requestId)}`);
  if (filter.zone !== undefined) where.push(`zone = ${bind(filter.zone)}`);
  if (filter.token !== undefined) where.push(`facets @> ARRAY[${bind(`actor_token=${filter.token}`)}::text]`);
  if (filter.action !== undefined) where.push(`facets[1] = ${bind(`type=admin.${filter.action}`)}`);
  if (filter.since !== undefined) where.push(`ingested_at >= ${bind(formatTime(filter.since))}`);
  if (filter.until !== undefined) where.push(`ingested_at < ${bind(formatTime(filter.until))}`);
  return where;
}

function older([, at, zone, index]: readonly string[], bind: Bind): string {
  return `(ingested_at, zone, index) < (${bind(at)}::timestamptz, ${bind(zone)}, ${bind(index)}::bigint)`;
}

/** Whether a text in the form of {@link KEY} is a time that exists. */
function isTime(text: string): boolean {
  return parseTime(text.replace(' ', 'T').replace('+00', 'Z')) !== undefined;
}

/** The entry of a row as it was hashed. */
export function entryOf(row: AdminAuditRow): JsonObject {
  return JSON.parse(row.entry) as JsonObject;
}
