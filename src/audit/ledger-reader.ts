import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import { formatTime } from '../kernel/times.js';
import type { Database, ZoneTx } from '../platform/database/index.js';
import type { PriorEffects } from '../platform/http/index.js';
import { facet, type Facet } from './domain/facets.js';
import { ledgerStart } from './retention/retention-rows.js';

/** What events are filtered by: facets, the request id, and a half-open range of indices or times. */
export interface EventFilter {
  readonly facets?: Readonly<Partial<Record<Facet, string>>>;
  readonly typePrefix?: string;
  readonly requestId?: string;
  readonly from?: number;
  readonly to?: number;
  /** Milliseconds. */
  readonly since?: number;
  readonly until?: number;
}

/** A page: `before` an index when reading downwards (newest first), `after` one when reading upwards. */
export interface EventPage {
  readonly limit: number;
  readonly after?: number;
}

/** An entry as it stands in the ledger. */
export interface LedgerEvent {
  readonly index: number;
  readonly ingested_at: string;
  readonly leaf: string;
  readonly entry: JsonObject;
  /** Kept beside the ledger, when the entry commits to something: what it is with its salt, or when it was erased. */
  readonly personal?: { readonly payload: JsonObject; readonly salt: string } | { readonly erased_at: string };
}

interface Row {
  readonly index: string;
  readonly ingested_at: Date;
  readonly leaf: Buffer;
  readonly entry: string;
  readonly salt: Buffer | null;
  readonly payload: string | null;
  readonly erased_at: Date | null;
}

/** Reads the ledger as `caracal_auditor`. Entries are returned as the canonical JSON that was hashed, in index order. */
export class LedgerReader implements PriorEffects {
  constructor(private readonly database: Database) {}

  /** The events of a zone that match, oldest first, after `page.after`. */
  async events(zone: string, filter: EventFilter, page: EventPage): Promise<LedgerEvent[]> {
    const where = new Where();
    where.add('zone = ?', zone);
    const facets = Object.entries(filter.facets ?? {}).map(([name, value]) => facet(name as Facet, value));
    if (facets.length > 0) where.add('facets @> ?::text[]', facets);
    if (filter.typePrefix !== undefined)
      where.add('EXISTS (SELECT FROM unnest(facets) f WHERE starts_with(f, ?))', facet('type', filter.typePrefix));
    if (filter.requestId !== undefined) where.add('request_id = ?', filter.requestId);
    if (filter.from !== undefined) where.add('index >= ?', filter.from);
    if (filter.to !== undefined) where.add('index < ?', filter.to);
    if (filter.since !== undefined) where.add('ingested_at >= ?', formatTime(filter.since));
    if (filter.until !== undefined) where.add('ingested_at < ?', formatTime(filter.until));
    if (page.after !== undefined) where.add('index > ?', page.after);
    const sql = `SELECT e.*, p.salt, p.payload, p.erased_at FROM (
        SELECT zone, index, ingested_at, leaf, entry FROM caracal.ledger WHERE ${where.sql()} ORDER BY index LIMIT ${where.bind(page.limit)}
      ) e LEFT JOIN caracal.ledger_personal p ON p.zone = e.zone AND p.index = e.index ORDER BY e.index`;
    const rows = await this.database.asAuditor(zone, (tx: ZoneTx) => tx.query<Row>(sql, where.params));
    return rows.map(toEvent);
  }

  /** One event; throws `not_found` when the index has not been reached. */
  async event(zone: string, index: number): Promise<LedgerEvent> {
    const [event] = await this.events(zone, { from: index, to: index + 1 }, { limit: 1 });
    if (!event) await this.requireKept(zone, index);
    if (!event) throw new AppError('not_found', 'There is no such entry.');
    return event;
  }

  /** Everything one request did, in order; throws `not_found` when the ledger knows nothing of it. */
  async byRequest(zone: string, requestId: string): Promise<LedgerEvent[]> {
    const events = await this.events(zone, { requestId }, { limit: 200 });
    if (events.length === 0) throw new AppError('not_found', 'The ledger holds no entry of this request.');
    return events;
  }

  /** Whether the request changed anything: it has an entry that is neither a refusal nor a hold. */
  async tookEffect(zone: string, requestId: string): Promise<boolean> {
    const sql = `SELECT 1 FROM caracal.ledger WHERE zone = $1 AND request_id = $2
      AND NOT facets && ARRAY['decision=deny', 'decision=hold'] LIMIT 1`;
    return (await this.database.asAuditor(zone, (tx) => tx.query(sql, [zone, requestId]))).length > 0;
  }

  /** Throws `gone` for an entry that was there and that retention has dropped. */
  async requireKept(zone: string, index: number): Promise<void> {
    const start = await this.database.asAuditor(zone, (tx) => ledgerStart(tx, zone));
    if (index < start.next) throw new AppError('gone', 'The entry was dropped by retention; an export holds it.');
  }

  /** How many entries the zone's ledger holds. */
  async size(zone: string): Promise<number> {
    const rows = await this.database.asAuditor(zone, (tx) =>
      tx.query<{ next_index: string }>('SELECT next_index FROM caracal.ledger_head WHERE zone = $1', [zone]),
    );
    return Number(rows[0]?.next_index ?? 0);
  }
}

function toEvent(row: Row): LedgerEvent {
  return {
    index: Number(row.index),
    ingested_at: formatTime(row.ingested_at.getTime()),
    leaf: row.leaf.toString('hex'),
    entry: JSON.parse(row.entry) as JsonObject,
    ...personalOf(row),
  };
}

function personalOf({ salt, payload, erased_at: erasedAt }: Row): Pick<LedgerEvent, 'personal'> {
  if (erasedAt) return { personal: { erased_at: formatTime(erasedAt.getTime()) } };
  if (!salt || payload === null) return {};
  return { personal: { payload: JSON.parse(payload) as JsonObject, salt: salt.toString('hex') } };
}

/** Collects conditions and their parameters. */
class Where {
  readonly params: unknown[] = [];
  private readonly conditions: string[] = [];

  add(condition: string, param: unknown): void {
    this.conditions.push(condition.replace('?', this.bind(param)));
  }

  bind(param: unknown): string {
    this.params.push(param);
    return `$${this.params.length}`;
  }

  sql(): string {
    return this.conditions.join(' AND ');
  }
}
