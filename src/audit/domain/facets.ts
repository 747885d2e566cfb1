import type { EntryDraft } from './entry.js';

/** The members of an entry that events can be filtered by, besides the request id (which has an index of its own). */
export const FACETS = [
  'type',
  'decision',
  'txn',
  'session',
  'application',
  'subject',
  'delegation',
  'resource',
  'reason',
  'jti',
  'actor_token',
] as const;

export type Facet = (typeof FACETS)[number];

/** Separates facets in the append function's argument; it cannot occur in a value that is kept. */
export const FACET_SEPARATOR = '\u001f';

/** `name=value`, as stored and as searched for. */
export function facet(name: Facet, value: string): string {
  return `${name}=${value.replaceAll(FACET_SEPARATOR, '')}`;
}

/** The facets of an entry: an index derived from it, never evidence by itself. */
export function facetsOf(draft: EntryDraft): string[] {
  const pairs: [Facet, string | undefined][] = [
    ['type', draft.type],
    ['decision', draft.decision],
    ['txn', draft.txn],
    ['session', draft.session],
    ['application', draft.application],
    ['subject', draft.subject],
    ['delegation', draft.delegation],
    ['resource', draft.resource],
    ['jti', draft.token?.jti],
    ['actor_token', draft.actor.token],
  ];
  for (const reason of draft.reasons ?? []) pairs.push(['reason', reason]);
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [facet(name, value)]));
}
