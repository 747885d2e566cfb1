import type { Ceiling } from './ceiling.js';
import { continues, type DelegationEdge, hopsAllowed, isLiveEdge, needsGateway } from './delegation.js';

/** So many calls, of a session and everything below it. */
export interface CallBudget {
  readonly session: string;
  readonly max: number;
  /** When the session ends at the latest, in milliseconds; undefined for one without an end. */
  readonly until?: number | undefined;
}

/** The part of a session that authority depends on. */
export interface LineageSession {
  readonly id: string;
  readonly application: string;
  readonly credential?: string | undefined;
  readonly parent?: string | undefined;
  /** The top of the tree of sessions it stands in. */
  readonly root?: string | undefined;
  readonly status: string;
  readonly labels: readonly string[];
  readonly authority: 'inherit' | 'none' | 'narrowed';
  /** The edge a narrowed session was spawned with. */
  readonly delegation?: string | undefined;
  readonly subject: string;
  readonly subjectType: 'application' | 'user';
  /** The person who answers for it. */
  readonly sponsor?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly leaseExpiresAt?: number | undefined;
  /** What its calls count against, those of the sessions above it included. */
  readonly callBudgets?: readonly CallBudget[] | undefined;
}

/** Where sessions and edges are read from; unknown ones are undefined. */
export interface LineageSource {
  session(id: string): Promise<LineageSession | undefined>;
  delegation(id: string): Promise<DelegationEdge | undefined>;
}

export interface LineageStart {
  readonly session: string;
  /** The edge whose authority is used: presented, implied, or the `dlg` of a token. */
  readonly delegation?: string | undefined;
}

/** How authority came to the session that acts: every bound on the way, from the session up to the root of the work. */
export interface Lineage {
  /** The session that acts now. */
  readonly current: LineageSession;
  /** The session whose subject the work is done for. */
  readonly root: LineageSession;
  readonly ceilings: readonly Ceiling[];
  /** Edges used, nearest first; its length is the delegation depth. */
  readonly edges: readonly DelegationEdge[];
  /** The current session and, inwards, each session that delegated to the one before. */
  readonly actors: readonly LineageSession[];
  /** Every session passed on the way, the current one first. */
  readonly sessions: readonly LineageSession[];
  /** An edge or a session on the way is held to what only a gateway checks, so nothing may be minted past it. */
  readonly gatewayOnly: boolean;
  /** Earliest end of any session, lease or edge on the way, in milliseconds; Infinity when none ends. */
  readonly endsAt: number;
}

export type LineageFault = 'session_unknown' | 'session_not_active' | 'delegation_not_usable' | 'delegation_loop';

/** Thrown by {@link traceLineage}. */
export class LineageError extends Error {
  override readonly name = 'LineageError';

  constructor(readonly fault: LineageFault) {
    super(`no authority: ${fault}`);
  }
}

/**
 * Walks from a session to the root of its work and collects every bound: the grants each inheriting session's labels open, every edge of the
 * delegation path, and nothing at all for `authority: none` or a narrowed session whose edge is gone. Throws LineageError when a session on
 * the way is unknown or not active, an edge is not live or does not continue the one above it, or one session appears twice (RFC 8693 §4.1).
 * The caller must not assume anything about revocation by anchor: the verdict on the token's claims is asked separately.
 */
export async function traceLineage(source: LineageSource, start: LineageStart, now: number): Promise<Lineage> {
  const walk = new Walk(source, now);
  await walk.from(start);
  return walk.lineage(start);
}

class Walk {
  private readonly ceilings: Ceiling[] = [];
  private readonly edges: DelegationEdge[] = [];
  private readonly actors: LineageSession[] = [];
  private readonly sessions: LineageSession[] = [];
  private endsAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly source: LineageSource,
    private readonly now: number,
  ) {}

  async from(start: LineageStart): Promise<void> {
    let session = await this.visit(start.session);
    this.actors.push(session);
    let edge = await this.presented(start, session);
    for (;;) {
      edge ??= await this.spawnEdge(session);
      const next: string | undefined = edge ? this.throughEdge(edge) : this.ownAuthority(session);
      if (next === undefined) return;
      session = await this.visit(next);
      if (edge) this.actors.push(session);
      edge = edge?.parent === undefined ? undefined : await this.edgeAbove(edge);
    }
  }

  lineage(start: LineageStart): Lineage {
    if (start.delegation !== undefined && this.edges[0]?.id !== start.delegation)
      throw new LineageError('delegation_not_usable');
    const current = this.sessions[0];
    const root = this.sessions.at(-1);
    if (!current || !root) throw new LineageError('session_unknown');
    const { ceilings, edges, actors, sessions, endsAt } = this;
    const gatewayOnly =
      edges.some(needsGateway) || sessions.some(({ callBudgets: budgets = [] }) => budgets.length > 0);
    return { current, root, ceilings, edges, actors, sessions, gatewayOnly, endsAt };
  }

  private async visit(id: string): Promise<LineageSession> {
    const session = await this.source.session(id);
    if (!session) throw new LineageError('session_unknown');
    if (session.status !== 'active') throw new LineageError('session_not_active');
    if (this.sessions.some((visited) => visited.id === id)) throw new LineageError('delegation_loop');
    this.sessions.push(session);
    this.until(session.expiresAt);
    this.until(session.leaseExpiresAt);
    return session;
  }

  /** An edge that ends at an inheriting session's ancestor is found again on the way up; only one that ends here starts the walk. */
  private async presented(start: LineageStart, session: LineageSession): Promise<DelegationEdge | undefined> {
    if (start.delegation === undefined) return undefined;
    const edge = await this.liveEdge(start.delegation);
    return edge.target === session.id ? edge : undefined;
  }

  private async spawnEdge(session: LineageSession): Promise<DelegationEdge | undefined> {
    if (session.authority !== 'narrowed' || session.delegation === undefined) return undefined;
    const edge = await this.liveEdge(session.delegation);
    if (edge.target !== session.id) throw new LineageError('delegation_not_usable');
    return edge;
  }

  private async edgeAbove(lower: DelegationEdge): Promise<DelegationEdge> {
    const upper = await this.liveEdge(lower.parent as string);
    if (!continues(lower, upper)) throw new LineageError('delegation_not_usable');
    return upper;
  }

  private async liveEdge(id: string): Promise<DelegationEdge> {
    const edge = await this.source.delegation(id);
    if (!edge || !isLiveEdge(edge, this.now)) throw new LineageError('delegation_not_usable');
    return edge;
  }

  /** A hop is spent by every edge, also where an inheriting session stands between two of them and no parent is named. */
  private throughEdge(edge: DelegationEdge): string {
    const lower = this.edges.at(-1);
    if (lower && lower.hopsRemaining > hopsAllowed(edge)) throw new LineageError('delegation_not_usable');
    this.edges.push(edge);
    this.ceilings.push({ kind: 'edge', resources: edge.resources });
    this.until(edge.expiresAt);
    return edge.source;
  }

  private ownAuthority(session: LineageSession): string | undefined {
    if (session.authority !== 'inherit') {
      this.ceilings.push({ kind: 'nothing' });
      return undefined;
    }
    this.ceilings.push({ kind: 'grants', application: session.application, labels: session.labels });
    return session.parent;
  }

  private until(end: number | undefined): void {
    if (end === undefined) return;
    if (end <= this.now) throw new LineageError('session_not_active');
    this.endsAt = Math.min(this.endsAt, end);
  }
}
