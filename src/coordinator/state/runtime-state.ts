import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { SubjectStanding, TokenClaims, TokenStatus } from '../../auth/index.js';
import { Catalogue, type ZoneView } from '../../control/index.js';
import { type Change, ChangeFeed, ReadThrough } from '../../platform/changes/index.js';
import { Database } from '../../platform/database/index.js';
import { type DelegationRecord, type DelegationView, liveEdge } from '../domain/delegations/delegation-record.js';
import { hasMissedLease, liveStatus } from '../domain/sessions/live-status.js';
import type { SessionRecord, SessionView } from '../domain/sessions/session.js';
import { judgeToken, type Missing, type Verdict, type VerdictFacts } from '../domain/verdict.js';
import { inboundIds, readDelegations } from '../persistence/delegation-rows.js';
import { readSessions, withoutMetadata } from '../persistence/session-rows.js';
import type { LiveRevocations } from './live-revocations.js';

import { RevocationView } from './revocation-view.js';
import { type AnchorFacts, anchorFacts } from './zone-facts.js';

const MOST_SESSIONS = 131_072;
const MOST_DELEGATIONS = 65_536;
/** Every round reads what the one before found missing; a path has at most eleven members. */
const MOST_ROUNDS = 256;

/** A zone's anchors in memory; live, so what is asked later answers what holds then. */
export interface Anchors {
  readonly view: ZoneView;
  readonly subjectEpoch: (subject: string) => number;
  readonly at: (now: number) => AnchorFacts;
}

/**
 * Who is running, under whom, until when, and what was revoked. Sessions and delegations are read through a bounded cache that the change
 * feed keeps; revocations are complete in memory for every loaded zone. Warm answers read no database. What it cannot prove fresh it refuses
 * with `temporarily_unavailable`.
 */
@Injectable()
export class RuntimeState implements TokenStatus {
  private readonly sessions: ReadThrough<SessionRecord>;
  private readonly edges: ReadThrough<DelegationRecord>;
  private readonly inbound: ReadThrough<string[]>;
  private readonly revocations: RevocationView;

  constructor(
    database: Database,
    feed: ChangeFeed,
    private readonly catalogue: Catalogue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.sessions = new ReadThrough(MOST_SESSIONS, (zone, ids) =>
      database.readZone(
        zone,
        async (tx) => new Map([...(await readSessions(tx, ids))].map(([id, row]) => [id, withoutMetadata(row)])),
      ),
    );
    this.edges = new ReadThrough(MOST_DELEGATIONS, (zone, ids) =>
      database.readZone(zone, (tx) => readDelegations(tx, ids)),
    );
    this.inbound = new ReadThrough(MOST_SESSIONS, (zone, ids) => database.readZone(zone, (tx) => inboundIds(tx, ids)));
    feed.subscribe(['session', 'delegation'], (zone, changes) => this.apply(zone, changes));
    feed.onReset((zone) => this.drop(zone));
    this.revocations = new RevocationView({ database, feed, clock });
    catalogue.onChanged((zone) => this.revocations.announce(zone));
  }

  /** The session as it is now, under everything above it; undefined when it does not exist. */
  async session(zone: string, id: string): Promise<SessionView | undefined> {
    const facts = (await this.anchors(zone)).at(this.clock.now());
    const path = await this.path(this.sessions, zone, id);
    if (!path) return undefined;
    const missed = path.filter((session) => hasMissedLease(session, facts.now));
    if (missed.length === 0) return liveStatus(path, facts);
    // Heartbeats write no change, so a lease that has passed here may have been renewed elsewhere.
    await Promise.all(missed.map((session) => this.sessions.reread(zone, session.id)));
    const fresh = await this.path(this.sessions, zone, id);
    return fresh && liveStatus(fresh, facts);
  }

  /** The delegation as it is now, under the edges above it; undefined when it does not exist. */
  async delegation(zone: string, id: string): Promise<DelegationView | undefined> {
    const facts = (await this.anchors(zone)).at(this.clock.now());
    const path = await this.path(this.edges, zone, id);
    return path && liveEdge(path, facts.now);
  }

  /** The live delegations to a session, without the edge a narrowed one was started with; the earliest first. */
  async delegationsTo(zone: string, session: string): Promise<readonly DelegationView[]> {
    const ids = (await this.inbound.get(zone, session)) ?? [];
    const edges = await Promise.all(ids.map((id) => this.delegation(zone, id)));
    return edges.filter((edge) => edge?.status === 'active') as DelegationView[];
  }

  /**
   * Whether a verified token may still be used: its zone, application, credential, subject, session with all above it, delegation path, its
   * own `jti` and those it was obtained with. The caller must still ask {@link revocationCount} before something leaves.
   */
  async verdict(zone: string, claims: TokenClaims, now: number): Promise<Verdict> {
    const view = await this.catalogue.zone(zone);
    if (!view) return 'revoked';
    const live = await this.live(zone);
    const known = new Known();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const finding = judgeToken(claims, this.facts({ zone, view, live, now }, known));
      if (typeof finding === 'string') return finding;
      await this.find(zone, finding, known);
    }
    throw new AppError('temporarily_unavailable', 'The state of the token could not be established.', {
      detail: 'verdict_unsettled',
      retryAfter: 1,
    });
  }

  /** {@link verdict} at this moment. */
  check(zone: string, claims: TokenClaims): Promise<Verdict> {
    return this.verdict(zone, claims, this.clock.now());
  }

  /** The epoch that a token of this subject is minted under. */
  async subjectEpoch(zone: string, subject: string): Promise<number> {
    return (await this.live(zone)).subjectEpoch(subject);
  }

  /** Answers, at any instant and from memory, whether and when a subject of the zone was revoked. */
  async subjectStandings(zone: string): Promise<(subject: string) => SubjectStanding> {
    const live = await this.live(zone);
    return (subject) => live.standing(subject);
  }

  /** Moves whenever authority in the zone may have ended: unchanged since the checks means that they still hold on this replica. */
  revocationCount(zone: string): number {
    return this.revocations.count(zone);
  }

  /** `listener` is called, synchronously, whenever authority in a zone may have ended: who holds open work judges it anew. */
  onRevoked(listener: (zone: string) => void): void {
    this.revocations.onRevoked(listener);
  }

  /**
   * What ends sessions from outside their tree and the epochs to start new ones under, to be asked at any instant without a further read: so it
   * may be asked inside a transaction. Throws `not_found` without the zone.
   */
  async anchors(zone: string): Promise<Anchors> {
    const view = await this.catalogue.zone(zone);
    if (!view) throw new AppError('not_found', 'There is no such zone.');
    const live = await this.live(zone);
    const subjectEpoch = (subject: string): number => live.subjectEpoch(subject);
    return { view, subjectEpoch, at: (now) => anchorFacts(view, subjectEpoch, now) };
  }

  /** A lease was renewed by this replica, which no change says. */
  leaseRenewed(zone: string, session: string): void {
    this.sessions.drop(zone, session);
  }

  private async live(zone: string): Promise<LiveRevocations> {
    return this.revocations.peek(zone) ?? (await this.revocations.load(zone));
  }

  private facts(
    { zone, view, live, now }: { zone: string; view: ZoneView; live: LiveRevocations; now: number },
    known: Known,
  ): VerdictFacts {
    const anchors = anchorFacts(view, (subject) => live.subjectEpoch(subject), now);
    // Members are spelled out: what is added to a copied object costs most of a verdict.
    return {
      now: anchors.now,
      graceMs: anchors.graceMs,
      endedBy: anchors.endedBy,
      current: anchors.current,
      applicationLive: anchors.applicationLive,
      credentialLive: anchors.credentialLive,
      session: (id) => this.sessions.peek(zone, id) ?? known.absent(id),
      edge: (id) => this.edges.peek(zone, id) ?? known.absent(id),
      revoked: (kind, anchor) => live.has(kind, anchor, now),
      leaseIsFresh: (session) => known.rereadLeases.has(session),
    };
  }

  private async find(zone: string, { kind, id }: Missing, known: Known): Promise<void> {
    if (kind === 'lease') {
      known.rereadLeases.add(id);
      await this.sessions.reread(zone, id);
      return;
    }
    const path = await this.path<SessionRecord | DelegationRecord>(
      kind === 'session' ? this.sessions : this.edges,
      zone,
      id,
    );
    if (!path) known.missing.add(id);
  }

  /** The records from the root to this one; undefined when any does not exist. */
  private async path<T extends SessionRecord | DelegationRecord>(
    from: Pick<ReadThrough<T>, 'get' | 'peek'>,
    zone: string,
    id: string,
  ): Promise<T[] | undefined> {
    const record = from.peek(zone, id) ?? (await from.get(zone, id));
    if (!record) return undefined;
    const warm = record.path.map((member) => from.peek(zone, member));
    const path = warm.every((member) => member !== undefined)
      ? warm
      : await Promise.all(record.path.map((member) => from.get(zone, member)));
    return path.every((member) => member !== undefined) ? path : undefined;
  }

  private apply(zone: string, changes: readonly Change[]): void {
    for (const { kind, id } of changes) {
      if (kind === 'delegation') this.edges.drop(zone, id);
      else {
        this.sessions.drop(zone, id);
        this.inbound.drop(zone, id);
      }
    }
  }

  private drop(zone: string): void {
    for (const cache of [this.sessions, this.edges, this.inbound]) cache.dropZone(zone);
  }
}

/** What one verdict has found out on its way. */
class Known {
  readonly missing = new Set<string>();
  readonly rereadLeases = new Set<string>();

  absent(id: string): null | undefined {
    return this.missing.has(id) ? null : undefined;
  }
}
