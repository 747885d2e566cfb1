import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import { formatTime } from '../kernel/times.js';
import type { Database, ZoneTx } from '../platform/database/index.js';
import type { PriorEffects } from '../platform/http/index.js';
import { EventConditions, type EventFilter } from './persistence/event-filter.js';
import { ledgerStart } from './retention/retention-rows.js';

export type { EventFilter } from './persistence/event-filter.js';

/** A page: what comes after an index. What is appended meanwhile comes later, so that a reader misses nothing and sees nothing twice. */
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

/** Entries of one request that are shown at once: its id is the client's choice, and may be that of many. */
const MOST_OF_REQUEST = 1_000;

/** Reads the ledger as `caracal_auditor`. Entries are returned as the canonical JSON that was hashed, in index order. */
export class LedgerReader implements PriorEffects {
  constructor(private readonly database: Database) {}

  /** The events of a zone that match, oldest first, after `page.after`. */
  async events(zone: string, filter: EventFilter, page: EventPage): Promise<LedgerEvent[]> {
    const where = new EventConditions(zone, filter, page.after);
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

  /** What one request did, in order, and whether it did more than is shown; throws `not_found` when the ledger knows nothing of it. */
  async byRequest(
    zone: string,
    requestId: string,
  ): Promise<{ readonly events: readonly LedgerEvent[]; readonly more: boolean }> {
    const events = await this.events(zone, { requestId }, { limit: MOST_OF_REQUEST + 1 });
    if (events.length === 0) throw new AppError('not_found', 'The ledger holds no entry of this request.');
    return { events: events.slice(0, MOST_OF_REQUEST), more: events.length > MOST_OF_REQUEST };
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
