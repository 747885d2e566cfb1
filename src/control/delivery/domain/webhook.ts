import type { FieldFault } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';

/** Who is told of which entries of the ledger. */
export interface WebhookRow {
  readonly id: string;
  readonly url: string;
  /** Types of ledger entries, or `*` for all. */
  readonly events: readonly string[];
  /** The zone it is told of; null for all of them. */
  readonly about: string | null;
  readonly status: 'active' | 'archived';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** The first words of every type of entry that the ledger knows. */
const AREAS: ReadonlySet<string> = new Set([
  'admin',
  'approval',
  'client_auth',
  'connection',
  'control',
  'delegation',
  'exchange',
  'gateway',
  'invocation',
  'key',
  'ledger',
  'policy',
  'session',
  'token',
]);
const TYPE = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*$/;

/** The webhook as administrators see it; its secret is shown once, when it is made. */
export function webhookBody(row: WebhookRow): JsonObject {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    ...(row.about === null ? {} : { zone: row.about }),
    status: row.status,
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}

/** Faults of a list of events: each is a type of ledger entry or `*`; a type that can never be would be a webhook that is silent for good. */
export function eventFaults(events: readonly string[]): readonly FieldFault[] {
  return events.flatMap((event, at) =>
    event === '*' || (TYPE.test(event) && AREAS.has(event.split('.')[0] as string))
      ? []
      : [
          {
            field: `events.${at}`,
            message: 'must be a type of ledger entry, like session.terminated, or *, or ledger.checkpoint',
          },
        ],
  );
}

/** True when a webhook wants entries of this type. */
export function wants(events: readonly string[], type: string): boolean {
  return events.includes('*') || events.includes(type);
}
