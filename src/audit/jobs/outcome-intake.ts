import type { Clock } from '../../kernel/clock.js';
import type { JsonObject, JsonValue } from '../../kernel/json.js';
import type { Database, Tx } from '../../platform/database/index.js';
import { firstSeen, RefusedMessageError, type Message } from '../../platform/queue/index.js';
import type { AuditLedger } from '../audit-ledger.js';
import { lateOutcome, perhapsLate } from '../domain/call-ends.js';
import { ENTRY_VERSION } from '../domain/entry.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { appendChained, lockHeads, type PreparedEntry } from '../persistence/ledger-store.js';
import { closedCalls } from '../persistence/open-calls.js';
import { prepareEntry } from '../prepare-entry.js';

const MOST_FACETS = 64;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface IntakeParts {
  readonly database: Database;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
  readonly ledger: Pick<AuditLedger, 'deliver'>;
}

/** What a job carries: an outcome as it is to be stored, and what its bytes say. */
interface Outcome extends PreparedEntry {
  readonly says: JsonObject;
}

/**
 * Appends the outcomes of a verified job, each event once however often the job is delivered; resolves after COMMIT. One that comes after its call was
 * closed as unknown becomes news beside that: a call has one outcome.
 */
export class OutcomeIntake {
  constructor(private readonly parts: IntakeParts) {}

  async handle(message: Message): Promise<void> {
    const outcomes = outcomesOf(message);
    const now = this.parts.clock.now();
    if (outcomes.some(({ says }) => perhapsLate(says, now) !== undefined)) return this.late(message, outcomes);
    if (!(await this.parts.ledger.deliver(message.zone, outcomes))) throw new RefusedMessageError('unknown_zone');
  }

  /** Whether their calls were closed is known under the lock of the ledger's head alone. */
  private async late(message: Message, outcomes: readonly Outcome[]): Promise<void> {
    await this.parts.database.asAudit(async (tx) => {
      const fresh = await firstSeen(
        tx,
        'audit',
        outcomes.map((outcome) => outcome.eventId),
      );
      const wanted = outcomes.filter((outcome) => fresh.has(outcome.eventId));
      if (wanted.length === 0) return;
      const head = (await lockHeads(tx, [message.zone])).get(message.zone);
      if (!head) throw new RefusedMessageError('unknown_zone');
      const now = this.parts.clock.now();
      const entries = await this.asStands(tx, message.zone, wanted, now);
      await appendChained(tx, { zone: message.zone, head, now }, entries, this.parts.keys);
    });
  }

  private async asStands(
    tx: Tx,
    zone: string,
    outcomes: readonly Outcome[],
    now: number,
  ): Promise<readonly PreparedEntry[]> {
    const requests = outcomes.map(({ says }) => perhapsLate(says, now));
    const closed = await closedCalls(
      tx,
      zone,
      requests.filter((request) => request !== undefined),
    );
    return outcomes.map((outcome, at) =>
      closed.has(requests[at] ?? -1) ? prepareEntry(lateOutcome(zone, outcome.says)) : outcome,
    );
  }
}

function outcomesOf(message: Message): Outcome[] {
  const { outcomes } = message.body;
  if (!Array.isArray(outcomes) || outcomes.length === 0 || outcomes.length > 256)
    throw new RefusedMessageError('malformed_outcomes');
  return (outcomes as readonly JsonValue[]).map((outcome) => prepared(message.zone, outcome));
}

function prepared(zone: string, outcome: JsonValue): Outcome {
  const { event_id: eventId, entry, facets, request_id: requestId } = (outcome ?? {}) as Partial<SentOutcome>;
  if (typeof eventId !== 'string' || !UUID.test(eventId) || !isText(entry) || !isTexts(facets)) {
    throw new RefusedMessageError('malformed_outcome');
  }
  const says = outcomeOf(entry, zone, eventId);
  if (!says) throw new RefusedMessageError('not_an_outcome');
  return { eventId, entry, requestId: isText(requestId) ? requestId : undefined, facets, says };
}

interface SentOutcome {
  readonly event_id: unknown;
  readonly entry: unknown;
  readonly facets: unknown;
  readonly request_id: unknown;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MOST_FACETS && value.every(isText);
}

/** The database's texts hold no NUL: one would fail every entry that is committed with it. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

/** Only outcomes travel this way: a decision is never appended after the fact. */
function outcomeOf(text: string, zone: string, eventId: string): JsonObject | undefined {
  try {
    const entry = JSON.parse(text) as JsonObject;
    const own = entry['zone'] === zone && entry['event_id'] === eventId && entry['v'] === ENTRY_VERSION;
    return own && entry['type'] === 'gateway.outcome' && entry['decision'] === undefined ? entry : undefined;
  } catch {
    return undefined;
  }
}
