import { newUuid } from '../platform/ids/index.js';
import { canonicalEntry, type EntryDraft } from './domain/entry.js';
import { facetsOf } from './domain/facets.js';
import type { PreparedEntry } from './persistence/ledger-store.js';

/** Gives a draft its event id and its exact bytes. Throws when the draft cannot be an entry. */
export function prepareEntry(draft: EntryDraft): PreparedEntry {
  const eventId = newUuid();
  return { eventId, entry: canonicalEntry(draft, eventId), requestId: draft.requestId, facets: facetsOf(draft) };
}

/** The same event, refused because a claim it needed was already taken. */
export function asReplayed(draft: EntryDraft): PreparedEntry {
  const { token: _issued, ...rest } = draft;
  return prepareEntry({ ...rest, decision: 'deny', reasons: ['replayed'] });
}
