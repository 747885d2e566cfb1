import { randomBytes } from 'node:crypto';
import { BUDGET } from './persistence/budgets.js';
import { newUuid } from '../platform/ids/index.js';
import { canonicalEntry, type EntryDraft } from './domain/entry.js';
import { facetsOf } from './domain/facets.js';
import { commitmentOf, personalPayload, SALT_BYTES } from './domain/personal-payload.js';
import type { PreparedEntry } from './persistence/ledger-store.js';

/** Gives a draft its event id and its exact bytes. Throws when the draft cannot be an entry. */
export function prepareEntry(draft: EntryDraft): PreparedEntry {
  const eventId = newUuid();
  const personal = personalPayload(draft.personal, () => randomBytes(SALT_BYTES));
  return {
    eventId,
    entry: canonicalEntry(draft, eventId, personal && commitmentOf(personal)),
    requestId: draft.requestId,
    facets: facetsOf(draft),
    personal: personal && { ...personal, subject: draft.subject },
  };
}

/** The same event, refused because a claim it needed was already taken, or nothing is left of a budget. */
export function asLost(draft: EntryDraft, lost: readonly string[]): PreparedEntry {
  const { token: _issued, ...rest } = draft;
  const reason = lost.every((kind) => kind === BUDGET) ? 'budget_exhausted' : 'replayed';
  return prepareEntry({ ...rest, decision: 'deny', reasons: [reason] });
}
