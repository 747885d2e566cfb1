import type { Clock } from '../../kernel/clock.js';
import type { JsonValue } from '../../kernel/json.js';
import type { Database } from '../../platform/database/index.js';
import { firstSeen, RefusedMessageError, type Message } from '../../platform/queue/index.js';
import { canonicalEntry, type EntryDraft } from '../domain/entry.js';
import { facetsOf } from '../domain/facets.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { appendChained, lockHeads, type PreparedEntry } from '../persistence/ledger-store.js';

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
  const { event_id: eventId, draft } = (outcome ?? {}) as { event_id?: unknown; draft?: unknown };
  if (typeof eventId !== 'string' || !UUID.test(eventId) || !isOutcome(draft, zone))
    throw new RefusedMessageError('malformed_outcome');
  return { eventId, entry: canonicalEntry(draft, eventId), requestId: draft.requestId, facets: facetsOf(draft) };
}

/** Only outcomes travel this way: a decision is never appended after the fact. */
function isOutcome(draft: unknown, zone: string): draft is EntryDraft {
  const { type, zone: of, occurredAt, actor, decision } = (draft ?? {}) as Partial<EntryDraft>;
  return (
    type === 'gateway.outcome' &&
    of === zone &&
    Number.isSafeInteger(occurredAt) &&
    typeof actor?.kind === 'string' &&
    decision === undefined
  );
}
