import type { Clock } from '../../kernel/clock.js';
import type { JsonValue } from '../../kernel/json.js';
import type { Database } from '../../platform/database/index.js';
import { firstSeen, RefusedMessageError, type Message } from '../../platform/queue/index.js';
import { ENTRY_VERSION } from '../domain/entry.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { appendChained, lockHeads, type PreparedEntry } from '../persistence/ledger-store.js';

const MOST_FACETS = 64;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface IntakeParts {
  readonly database: Database;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
}

/** Appends the outcomes of a verified job, each event once however often the job is delivered; resolves after COMMIT. */
export class OutcomeIntake {
  constructor(private readonly parts: IntakeParts) {}

  async handle(message: Message): Promise<void> {
    const entries = outcomesOf(message);
    await this.parts.database.asAudit(async (tx) => {
      const fresh = await firstSeen(
        tx,
        'audit',
        entries.map((entry) => entry.eventId),
      );
      const wanted = entries.filter((entry) => fresh.has(entry.eventId));
      if (wanted.length === 0) return;
      const head = (await lockHeads(tx, [message.zone])).get(message.zone);
      if (!head) throw new RefusedMessageError('unknown_zone');
      await appendChained(tx, { zone: message.zone, head, now: this.parts.clock.now() }, wanted, this.parts.keys);
    });
  }
}

function outcomesOf(message: Message): PreparedEntry[] {
  const { outcomes } = message.body;
  if (!Array.isArray(outcomes) || outcomes.length === 0 || outcomes.length > 256)
    throw new RefusedMessageError('malformed_outcomes');
  return (outcomes as readonly JsonValue[]).map((outcome) => prepared(message.zone, outcome));
}

function prepared(zone: string, outcome: JsonValue): PreparedEntry {
  const { event_id: eventId, entry, facets, request_id: requestId } = (outcome ?? {}) as Partial<SentOutcome>;
  if (typeof eventId !== 'string' || !UUID.test(eventId) || typeof entry !== 'string' || !isTexts(facets)) {
    throw new RefusedMessageError('malformed_outcome');
  }
  if (!isOutcome(entry, zone, eventId)) throw new RefusedMessageError('not_an_outcome');
  return { eventId, entry, requestId: typeof requestId === 'string' ? requestId : undefined, facets };
}

interface SentOutcome {
  readonly event_id: unknown;
  readonly entry: unknown;
  readonly facets: unknown;
  readonly request_id: unknown;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MOST_FACETS && value.every((item) => typeof item === 'string');
}

/** Only outcomes travel this way: a decision is never appended after the fact. */
function isOutcome(text: string, zone: string, eventId: string): boolean {
  try {
    const entry = JSON.parse(text) as Record<string, unknown>;
    const own = entry['zone'] === zone && entry['event_id'] === eventId && entry['v'] === ENTRY_VERSION;
    return own && entry['type'] === 'gateway.outcome' && entry['decision'] === undefined;
  } catch {
    return false;
  }
}
