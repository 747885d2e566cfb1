import type { JsonObject } from '../../kernel/json.js';
import { applicationSubject } from '../../kernel/subjects.js';
import type { Lineage, LineageSession } from './lineage.js';

/**
 * The `act` claim of work done for a user or under a delegation (RFC 8693 §4.1): the current session outermost, inside it the session that
 * delegated to it, and so on. Undefined when an application works for itself and nothing was delegated. Only the outermost member may drive
 * access decisions; the inner ones are history. `user` is whom the work is done for when the root of the work does not say so.
 */
export function actClaim(lineage: Lineage, user?: string): JsonObject | undefined {
  const forUser = user !== undefined || lineage.root.subjectType === 'user';
  if (!forUser && lineage.edges.length === 0) return undefined;
  return lineage.actors.reduceRight<JsonObject | undefined>((inner, session) => actor(session, inner), undefined);
}

function actor(session: LineageSession, inner: JsonObject | undefined): JsonObject {
  return {
    sub: applicationSubject(session.application),
    client_id: session.application,
    sid: session.id,
    ...(session.credential === undefined ? {} : { crd: session.credential }),
    ...(inner === undefined ? {} : { act: inner }),
  };
}
