import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import type { FederatedUser } from '../../../auth/index.js';
import { applicationSubject } from '../../../kernel/subjects.js';
import type { NamedResource } from '../delegations/named-resources.js';
import type { Life } from './session-start.js';
import type { SubjectProof } from './subject-proof.js';
import type { Epochs, Lifecycle, SessionRecord } from './session.js';

export interface NarrowedStart {
  readonly resources: readonly NamedResource[];
  readonly ttlSeconds?: number | undefined;
  readonly hops?: number | undefined;
}

export interface StartRequest {
  readonly lifecycle: Lifecycle;
  readonly ttlSeconds?: number | undefined;
  readonly leaseSeconds?: number | undefined;
  readonly labels: readonly string[];
  readonly metadata: JsonObject;
  readonly parent?: string | undefined;
  readonly sponsor?: string | undefined;
  /** Calls of it and everything below it. */
  readonly maxCalls?: number | undefined;
  readonly authority: 'inherit' | 'none' | { readonly narrow: NarrowedStart };
  /** The user a root works for, by proof; without it a root works for its application. */
  readonly subject?: SubjectProof | undefined;
  /** The key that the session's tokens are bound to (RFC 7800 §3.1). */
  readonly cnf?: JsonObject | undefined;
}

export interface Birth {
  readonly id: string;
  /** The edge of a narrowed child. */
  readonly delegation?: string | undefined;
  readonly application: string;
  readonly credential?: string | undefined;
  readonly parent?: SessionRecord | undefined;
  /** The user that was proved. */
  readonly user?: Pick<FederatedUser, 'subject' | 'epoch'> | undefined;
  readonly life: Life;
  /** Epochs of zone and application now. The subject's is asked for once the subject is known. */
  readonly epochs: Omit<Epochs, 's'>;
  readonly subjectEpoch: (subject: string) => number;
  readonly now: number;
  /** Correlation id of a root; a child continues its parent's. */
  readonly txn: string;
}

/** Throws `invalid_request` for what no session can be: a narrowed root, a child with a subject of its own, a service with a TTL, a task with a lease. */
export function requireMeaningful(request: StartRequest, hasParent: boolean): void {
  if (typeof request.authority === 'object' && !hasParent) throw fault('authority', 'narrow needs a parent');
  if (request.subject !== undefined && hasParent)
    throw fault('subject', 'belongs to a session without a parent: a child works for the subject of its root');
  if (request.lifecycle === 'service' && request.ttlSeconds !== undefined)
    throw fault('ttl_seconds', 'a service lives by its lease');
  if (request.lifecycle === 'task' && request.leaseSeconds !== undefined)
    throw fault('lease_seconds', 'a task lives by its TTL');
}

/** Throws `invalid_request` unless a root names its sponsor where the zone asks for one, and a child no other than its parent's. */
export function requireSponsor(
  { sponsor }: StartRequest,
  parent: Pick<SessionRecord, 'sponsor'> | undefined,
  policy: 'optional' | 'required',
): void {
  if (parent && sponsor !== undefined && sponsor !== parent.sponsor) throw fault('sponsor', 'is that of the parent');
  if (!parent && sponsor === undefined && policy === 'required') throw fault('sponsor', 'is required in this zone');
}

/**
 * The new session. Its subject is its parent's, a root's is the user that was proved or the application itself; its authority is what was asked for, never more. The
 * caller has checked labels, limits and the parent's life.
 */
export function newSession(request: StartRequest, birth: Birth): SessionRecord & { readonly metadata: JsonObject } {
  const inherited = birth.parent ? childOf(birth.parent, birth.id) : rootOf(birth);
  return {
    ...inherited,
    ...birth.life,
    id: birth.id,
    application: birth.application,
    credential: birth.credential,
    lifecycle: request.lifecycle,
    status: 'active',
    held: false,
    labels: [...new Set(request.labels)],
    sponsor: birth.parent?.sponsor ?? request.sponsor,
    metadata: request.metadata,
    authority: typeof request.authority === 'object' ? 'narrowed' : request.authority,
    delegation: birth.delegation,
    epochs: { ...birth.epochs, s: birth.user?.epoch ?? birth.subjectEpoch(inherited.subject) },
    callBudgets: budgetsOf(request, birth),
    cnf: request.cnf,
    generation: 1,
    startedAt: birth.now,
  };
}

/** A child counts against its parent's budgets too, so that starting children gains nothing. */
function budgetsOf({ maxCalls }: StartRequest, { id, parent, life }: Birth): SessionRecord['callBudgets'] {
  const above = parent?.callBudgets ?? [];
  const own = maxCalls === undefined ? [] : [{ session: id, max: maxCalls, until: life.expiresAt }];
  const all = [...above, ...own];
  return all.length === 0 ? undefined : all;
}

type Place = Pick<SessionRecord, 'parent' | 'root' | 'path' | 'depth' | 'subject' | 'subjectType' | 'txn'>;

function rootOf({ id, application, user, txn }: Birth): Place {
  const own = { subject: applicationSubject(application), subjectType: 'application' } as const;
  const subject = user === undefined ? own : ({ subject: user.subject, subjectType: 'user' } as const);
  return { root: id, path: [id], depth: 0, ...subject, txn };
}

function childOf({ id: parent, root, path, depth, subject, subjectType, txn }: SessionRecord, id: string): Place {
  return { parent, root, path: [...path, id], depth: depth + 1, subject, subjectType, txn };
}

function fault(field: string, message: string): AppError {
  return new AppError('invalid_request', 'The session cannot be started as asked.', { errors: [{ field, message }] });
}
