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
  'actor',
  'actor_token',
] as const;

export type Facet = (typeof FACETS)[number];

/** Separates facets in the append function's argument; it cannot occur in a value that is kept. */
export const FACET_SEPARATOR = '\u001f';

/** `name=value`, as stored and as searched for. */
export function facet(name: Facet, value: string): string {
  const kept = value.includes(FACET_SEPARATOR) ? value.replaceAll(FACET_SEPARATOR, '') : value;
  return `${name}=${kept}`;
}

/** The facets that an entry may have in which this is the actor's id or token: candidates, as what acted is also the application or session of most entries. */
export function facetsOfActor(actor: string): string[] {
  return (['actor', 'actor_token', 'application', 'session'] as const).map((name) => facet(name, actor));
}

/** What the canonical text of an entry's actor holds, one or the other, when this is its id or token. */
export function textsOfActor(actor: string): readonly [string, string] {
  return [`"id":${JSON.stringify(actor)}`, `"token":${JSON.stringify(actor)}`];
}

/** The facets of an entry: an index derived from it, never evidence by itself. */
export function facetsOf(draft: EntryDraft): string[] {
  const facets: string[] = [];
  const add = (name: Facet, value: string | undefined): void => {
    if (value !== undefined) facets.push(facet(name, value));
  };
  add('type', draft.type);
  add('decision', draft.decision);
  add('txn', draft.txn);
  add('session', draft.session);
  add('application', draft.application);
  add('subject', draft.subject);
  add('delegation', draft.delegation);
  add('resource', draft.resource);
  add('jti', draft.token?.jti);
  add('actor', nameOfActor(draft));
  add('actor_token', draft.actor.token);
  for (const reason of draft.reasons ?? []) add('reason', reason);
  return facets;
}

/** The actor's id, unless the entry is found by it already. */
function nameOfActor({ actor, application, session }: EntryDraft): string | undefined {
  return actor.id === application || actor.id === session ? undefined : actor.id;
}
