import type { DelegationRecord } from './delegations/delegation-record.js';
import { liveEdge } from './delegations/delegation-record.js';
import { hasMissedLease, liveStatus, type StatusFacts } from './sessions/live-status.js';
import type { RevocationKind } from './revocation.js';
import { type Epochs, isOpen, type SessionRecord } from './sessions/session.js';

export type Verdict = 'active' | 'revoked' | 'suspended';

/** The claims of a token that its verdict depends on. */
export interface VerdictClaims {
  readonly jti: string;
  readonly sub: string;
  readonly client_id: string;
  readonly ep: Epochs;
  readonly ptk?: readonly string[] | undefined;
  readonly crd?: string | undefined;
  readonly sid?: string | undefined;
  readonly dlg?: string | undefined;
  readonly act?: unknown;
}

/** Where records are looked up: null is known not to exist, undefined is not at hand. */
export interface VerdictFacts extends StatusFacts {
  readonly session: (id: string) => SessionRecord | null | undefined;
  readonly edge: (id: string) => DelegationRecord | null | undefined;
  readonly revoked: (kind: RevocationKind, anchor: string) => boolean;
  /** Whether zone, application and subject are as they were when this was minted, and the application may still act. */
  readonly current: (application: string, subject: string, epochs: Epochs) => boolean;
  readonly applicationLive: (application: string) => boolean;
  readonly credentialLive: (application: string, credential: string) => boolean;
  /** Heartbeats write no change: a lease that has passed counts only once it has been read again. */
  readonly leaseIsFresh: (session: string) => boolean;
}

/** What must be read before there is a verdict. */
export interface Missing {
  readonly kind: 'session' | 'delegation' | 'lease';
  readonly id: string;
}

type Finding = Verdict | Missing;
type Lineal = Pick<SessionRecord | DelegationRecord, 'id' | 'path'>;

/**
 * Whether a token that was valid when minted may still be used: `revoked` when its own `jti`, a token it was obtained with, its zone,
 * application, credential, subject, session or delegation path, or anything above those has ended. A record that does not exist is `revoked`.
 * Pure: answers what is missing instead of reading it. The caller must not assume anything about signature, audience or times.
 */
export function judgeToken(claims: VerdictClaims, facts: VerdictFacts): Finding {
  const judge = new Judge(facts);
  return worst([
    () => (anchorsLive(claims, facts) ? 'active' : 'revoked'),
    () => (actors(claims.act).every((actor) => actorLive(actor, facts)) ? 'active' : 'revoked'),
    () => (claims.sid === undefined ? 'active' : judge.session(claims.sid)),
    () => (claims.dlg === undefined ? judge.ownAuthority(claims.sid) : judge.edge(claims.dlg)),
  ]);
}

function anchorsLive(claims: VerdictClaims, facts: VerdictFacts): boolean {
  const tokens = [claims.jti, ...(claims.ptk ?? [])];
  return (
    !tokens.some((jti) => facts.revoked('token', jti)) &&
    facts.current(claims.client_id, claims.sub, claims.ep) &&
    (claims.crd === undefined || facts.credentialLive(claims.client_id, claims.crd))
  );
}

interface Actor {
  readonly client_id?: unknown;
  readonly crd?: unknown;
  readonly act?: unknown;
}

/** Each member of a nested `act` claim, the outermost first (RFC 8693 §4.1). */
function actors(act: unknown): readonly Actor[] {
  const found: Actor[] = [];
  for (let at = act; typeof at === 'object' && at !== null; at = (at as Actor).act) found.push(at);
  return found;
}

function actorLive({ client_id: application, crd: credential }: Actor, facts: VerdictFacts): boolean {
  if (typeof application !== 'string') return false;
  return (
    facts.applicationLive(application) &&
    (typeof credential !== 'string' || facts.credentialLive(application, credential))
  );
}

/** Follows sessions and edges upwards; each is looked at once. */
class Judge {
  private readonly seen = new Set<string>();

  constructor(private readonly facts: VerdictFacts) {}

  /** The session and all above it. */
  session(id: string): Finding {
    const path = this.path('session', id, this.facts.session);
    if (!Array.isArray(path)) return path;
    if (path.some((session) => this.facts.revoked('session', session.id))) return 'revoked';
    const stale = path.find(
      (session) => hasMissedLease(session, this.facts.now) && !this.facts.leaseIsFresh(session.id),
    );
    if (stale) return { kind: 'lease', id: stale.id };
    const { status } = liveStatus(path, this.facts);
    if (!isOpen(status)) return 'revoked';
    return status === 'suspended' ? 'suspended' : 'active';
  }

  /** The edge that a session's own authority came through, if it was narrowed or inherits from one that was. */
  ownAuthority(id: string | undefined): Finding {
    const path = id === undefined ? ([] as SessionRecord[]) : this.path('session', id, this.facts.session);
    if (!Array.isArray(path)) return path;
    const bounded = path.findLast((session) => session.authority !== 'inherit');
    if (bounded?.authority !== 'narrowed') return 'active';
    return bounded.delegation === undefined ? 'revoked' : this.edge(bounded.delegation);
  }

  /** The edge, every edge above it, and the sessions that passed them on. */
  edge(id: string): Finding {
    if (this.seen.has(id)) return 'active';
    this.seen.add(id);
    const path = this.path('delegation', id, this.facts.edge);
    if (!Array.isArray(path)) return path;
    if (path.some((edge) => this.facts.revoked('delegation', edge.id))) return 'revoked';
    if (liveEdge(path, this.facts.now).status !== 'active') return 'revoked';
    return worst([...path.map((edge) => () => this.session(edge.source)), () => this.ownAuthority(path[0]?.source)]);
  }

  private path<T extends Lineal>(
    kind: 'session' | 'delegation',
    id: string,
    find: (id: string) => T | null | undefined,
  ): T[] | Finding {
    const record = find(id);
    if (!record) return record === null ? 'revoked' : { kind, id };
    const path: T[] = [];
    for (const member of record.path) {
      const found = find(member);
      if (!found) return found === null ? 'revoked' : { kind, id: member };
      path.push(found);
    }
    return path.at(-1)?.id === id ? path : 'revoked';
  }
}

/** The first finding that ends the matter — revoked, or something missing — else suspended when any is. */
function worst(findings: readonly (() => Finding)[]): Finding {
  let answer: Finding = 'active';
  for (const find of findings) {
    const finding = find();
    if (finding === 'revoked' || typeof finding === 'object') return finding;
    if (finding === 'suspended') answer = finding;
  }
  return answer;
}
