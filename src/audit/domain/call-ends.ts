import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.js';
import type { Actor, EntryDraft } from './entry.js';

/** Intents above this size are named in their outcome by index alone, so that the outcome is below the limit of an entry. */
const LONGEST_REPEATED = 48 * 1024;

/** No call is closed as unknown before this long after its decision: an outcome that is younger cannot be late. */
export const NEVER_LATE_BEFORE_MS = 120_000;

/** The outcome of a call that was let through and of whose end nothing was heard in all the time that it had: `index` is that of the decision. */
export function unknownOutcome(zone: string, intent: { index: number; entry: string }, now: number): EntryDraft {
  const context = intent.entry.length > LONGEST_REPEATED ? {} : contextOf(JSON.parse(intent.entry) as JsonObject);
  return {
    ...context,
    type: 'gateway.outcome',
    zone,
    occurredAt: now,
    actor: { kind: 'system' },
    detail: { status: 'unknown', ended: 'unknown', request: intent.index },
  };
}

/** What is written of an outcome that came after its call was closed as unknown: news beside it, as a call has one outcome. */
export function lateOutcome(zone: string, outcome: JsonObject): EntryDraft {
  const actor = outcome['actor'];
  return {
    ...contextOf(outcome),
    type: 'ledger.late_outcome',
    zone,
    occurredAt: Date.parse(textOf(outcome['occurred_at']) ?? ''),
    actor: isJsonObject(actor) ? (actor as unknown as Actor) : { kind: 'system' },
    detail: isJsonObject(outcome['detail']) ? outcome['detail'] : {},
  };
}

/** The index of the decision that an outcome ends, when it is old enough that the call may have been closed meanwhile. */
export function perhapsLate(outcome: JsonObject, now: number): number | undefined {
  const detail = outcome['detail'];
  const request = isJsonObject(detail) ? detail['request'] : undefined;
  if (typeof request !== 'number' || !Number.isSafeInteger(request)) return undefined;
  return now - Date.parse(textOf(outcome['occurred_at']) ?? '') < NEVER_LATE_BEFORE_MS ? undefined : request;
}

/** What an entry says of the call itself, whoever writes of it. */
function contextOf(entry: JsonObject): Partial<EntryDraft> {
  const { chain, operation, scopes } = entry;
  return {
    requestId: textOf(entry['request_id']),
    txn: textOf(entry['txn']),
    subject: textOf(entry['subject']),
    application: textOf(entry['application']),
    session: textOf(entry['session']),
    delegation: textOf(entry['delegation']),
    resource: textOf(entry['resource']),
    approval: textOf(entry['approval']),
    traceId: textOf(entry['trace_id']),
    chain: textsOf(chain),
    operation: isJsonObject(operation) ? operation : undefined,
    scopes: textsOf(scopes),
  };
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: JsonValue | undefined): readonly string[] | undefined {
  return Array.isArray(value) ? (value as readonly string[]) : undefined;
}
