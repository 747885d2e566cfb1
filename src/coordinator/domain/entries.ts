import type { EntryDraft } from '../../audit/index.js';
import { formatTime } from '../../kernel/times.js';
import type { DelegationRecord } from './delegations/delegation-record.js';
import { causedBy, type Initiator } from './initiator.js';
import type { SessionRecord } from './sessions/session.js';

type Entry = Omit<EntryDraft, 'zone'>;
type Token = { readonly jti: string; readonly exp: number };

export type SessionNews = 'started' | 'suspended' | 'resumed' | 'terminated' | 'expired' | 'token';
export type DelegationNews = 'created' | 'revoked' | 'expired';

/** The ledger entry that says what became of a session. */
export function sessionEntry(
  news: SessionNews,
  session: SessionRecord,
  by: Initiator,
  more: { at: number; reason?: string; token?: Token },
): Entry {
  const { at, reason, token } = more;
  return {
    type: `session.${news}`,
    occurredAt: at,
    ...causedBy(by),
    ...about(session),
    ...(session.delegation === undefined ? {} : { delegation: session.delegation }),
    ...(token === undefined ? {} : { token }),
    detail: { ...(news === 'started' ? birth(session) : {}), ...(reason === undefined ? {} : { reason }) },
  };
}

/** The ledger entry that says what became of a delegation; `session` is the one that made it. */
export function delegationEntry(
  news: DelegationNews,
  edge: DelegationRecord,
  by: Initiator,
  more: { at: number; reason?: string; txn?: string },
): Entry {
  const passed = edge.resources.map((entry) => ({ resource: entry.resource, scopes: [...entry.scopes].sort() }));
  return {
    type: `delegation.${news}`,
    occurredAt: more.at,
    ...causedBy(by),
    ...(more.txn === undefined ? {} : { txn: more.txn }),
    application: edge.sourceApplication,
    session: edge.source,
    delegation: edge.id,
    detail: {
      target: edge.target,
      target_application: edge.targetApplication,
      path: edge.path,
      ...(news === 'created'
        ? { resources: passed, hops_remaining: edge.hopsRemaining, expires_at: formatTime(edge.expiresAt) }
        : {}),
      ...(more.reason === undefined ? {} : { reason: more.reason }),
    },
  };
}

function about(session: SessionRecord): Pick<Entry, 'txn' | 'application' | 'session' | 'subject'> {
  return { txn: session.txn, application: session.application, session: session.id, subject: session.subject };
}

function birth(session: SessionRecord): Record<string, string | number | readonly string[]> {
  return {
    lifecycle: session.lifecycle,
    root: session.root,
    depth: session.depth,
    labels: session.labels,
    authority: session.authority,
    ...(session.parent === undefined ? {} : { parent: session.parent }),
    ...(session.sponsor === undefined ? {} : { sponsor: session.sponsor }),
    ...(session.credential === undefined ? {} : { credential: session.credential }),
    ...(session.expiresAt === undefined ? {} : { expires_at: formatTime(session.expiresAt) }),
  };
}
