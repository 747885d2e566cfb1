import type { ZoneTx } from '../../platform/database/index.js';
import type { LineageSource } from '../domain/delegations/authority.js';
import { type DelegationRecord, type DelegationView, liveEdge } from '../domain/delegations/delegation-record.js';
import { liveStatus, type StatusFacts } from '../domain/sessions/live-status.js';
import type { SessionView } from '../domain/sessions/session.js';
import { readDelegations } from '../persistence/delegation-rows.js';
import { readSessions, type StoredSession } from '../persistence/session-rows.js';

/** A session as it is now, with what only answers show. */
export type DetailedSession = SessionView & StoredSession;

/**
 * Sessions and delegations as one transaction sees them. Under the graph lock that is the truth until the transaction ends; what was read once
 * is not read again.
 */
export class SessionGraph implements LineageSource {
  private readonly sessions = new Map<string, StoredSession>();
  private readonly edges = new Map<string, DelegationRecord>();

  constructor(
    private readonly tx: ZoneTx,
    private readonly facts: StatusFacts,
  ) {}

  get now(): number {
    return this.facts.now;
  }

  async session(id: string): Promise<DetailedSession | undefined> {
    const path = await this.sessionPath(id);
    const stored = path?.at(-1);
    return path && stored ? { ...stored, ...liveStatus(path, this.facts) } : undefined;
  }

  async delegation(id: string): Promise<DelegationView | undefined> {
    await this.readEdges([id]);
    const edge = this.edges.get(id);
    if (!edge) return undefined;
    await this.readEdges(edge.path);
    const path = edge.path.map((member) => this.edges.get(member)).filter((member) => member !== undefined);
    return path.length === edge.path.length ? liveEdge(path, this.facts.now) : undefined;
  }

  /** The stored sessions from the root to this one; undefined when it does not exist. */
  async sessionPath(id: string): Promise<StoredSession[] | undefined> {
    await this.readSessions([id]);
    const session = this.sessions.get(id);
    if (!session) return undefined;
    await this.readSessions(session.path);
    const path = session.path.map((member) => this.sessions.get(member)).filter((member) => member !== undefined);
    return path.length === session.path.length ? path : undefined;
  }

  /** Reads many sessions and all above them in two queries. */
  async prefetch(sessions: readonly StoredSession[]): Promise<void> {
    for (const session of sessions) this.sessions.set(session.id, session);
    await this.readSessions(sessions.flatMap((session) => session.path));
  }

  /** The row of a session that was read before, as it was then. */
  stored(id: string): StoredSession | undefined {
    return this.sessions.get(id);
  }

  /** Adds what this transaction has just written. */
  addSession(session: StoredSession): void {
    this.sessions.set(session.id, session);
  }

  addEdge(edge: DelegationRecord): void {
    this.edges.set(edge.id, edge);
  }

  private async readSessions(ids: readonly string[]): Promise<void> {
    const wanted = [...new Set(ids)].filter((id) => !this.sessions.has(id));
    for (const [id, session] of await readSessions(this.tx, wanted)) this.sessions.set(id, session);
  }

  private async readEdges(ids: readonly string[]): Promise<void> {
    const wanted = [...new Set(ids)].filter((id) => !this.edges.has(id));
    for (const [id, edge] of await readDelegations(this.tx, wanted)) this.edges.set(id, edge);
  }
}
