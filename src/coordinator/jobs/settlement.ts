import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { ChangeTx } from '../../audit/index.js';
import { delegationEntry, sessionEntry } from '../domain/entries.js';
import { SYSTEM } from '../domain/initiator.js';
import { revocationKey } from '../domain/revocation.js';
import { endDelegations } from '../persistence/delegation-rows.js';
import { GraphChanges } from '../graph-changes.js';
import { readSessions } from '../persistence/session-rows.js';
import {
  type Moment,
  type SettleAnchor,
  type SettledSession,
  unsettledBelow,
  unsettledEdges,
  unsettledSessions,
  writeSettled,
} from '../persistence/settling.js';
import { type DetailedSession, SessionGraph } from '../sessions/session-graph.js';
import { RuntimeState } from '../state/runtime-state.js';

/** Rows per transaction: a batch holds the zone's graph and ledger, and live work must not wait for it. */
const BATCH = 200;

/**
 * Writes into the rows what already holds: sessions and edges that ended with something above them, or with time. Nobody waits for it — the
 * anchor stopped them at once — but counts, lists and the ledger follow it. Safe to repeat and to run twice at once.
 */
@Injectable()
export class Settlement {
  constructor(
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Settles everything under one anchor. */
  async settleUnder(zone: string, anchor: SettleAnchor): Promise<void> {
    if (anchor.kind === 'session') await this.untilNone(zone, (tx) => this.sessionsBelow(tx, anchor.anchor));
    else if (anchor.kind !== 'delegation') return this.settleZone(zone);
    await this.settleAllEdges(zone);
  }

  /** Settles everything in the zone that is due. */
  async settleZone(zone: string): Promise<void> {
    await this.untilNone(zone, (tx, at) => unsettledSessions(tx, at, BATCH));
    await this.settleAllEdges(zone);
  }

  private async settleAllEdges(zone: string): Promise<void> {
    while ((await this.settleEdges(zone)) === BATCH);
  }

  private async sessionsBelow(tx: ChangeTx, id: string): Promise<string[]> {
    const session = (await readSessions(tx, [id])).get(id);
    return session ? unsettledBelow(tx, session.path, BATCH) : [];
  }

  private async untilNone(zone: string, due: (tx: ChangeTx, at: Moment) => Promise<string[]>): Promise<void> {
    for (let found = BATCH; found > 0;) found = await this.settleSessions(zone, due);
  }

  private async settleSessions(zone: string, due: (tx: ChangeTx, at: Moment) => Promise<string[]>): Promise<number> {
    const { at } = await this.runtime.anchors(zone);
    return this.graph.run(zone, 'growing', async (tx) => {
      const facts = at(this.clock.now());
      const ids = await due(tx, facts);
      const graph = new SessionGraph(tx, facts);
      await graph.prefetch([...(await readSessions(tx, ids)).values()]);
      const views = await Promise.all(ids.map((id) => graph.session(id)));
      const settled = views.filter((view) => view !== undefined).flatMap((view) => settledAs(view, facts.now));
      // What the rows call dead this replica must be able to see as dead; it will as soon as its view has caught up.
      if (ids.length > 0 && settled.length === 0)
        throw new AppError('temporarily_unavailable', 'The view is behind the rows.', { detail: 'settle_behind' });
      await writeSettled(tx, settled);
      for (const row of settled) this.announce(tx, graph, row, facts.now);
      return settled.length;
    });
  }

  private announce(tx: ChangeTx, graph: SessionGraph, row: SettledSession, now: number): void {
    const session = graph.stored(row.id);
    if (!session) return;
    tx.changed('session', row.id);
    if (row.status === 'suspended') tx.changed('revocation', revocationKey('session', row.id));
    const news = row.status === 'suspended' ? 'suspended' : row.status === 'expired' ? 'expired' : 'terminated';
    tx.record(sessionEntry(news, session, SYSTEM, { at: now, reason: row.reason }));
  }

  private settleEdges(zone: string): Promise<number> {
    return this.graph.run(zone, 'growing', async (tx) => {
      const now = this.clock.now();
      const due = await unsettledEdges(tx, now, BATCH);
      const graph = new SessionGraph(tx, { now, graceMs: 0, endedBy: () => undefined });
      for (const { id, bySession } of due) {
        const edge = await graph.delegation(id);
        if (!edge) continue;
        const status = edge.status === 'active' || bySession ? 'revoked' : edge.status;
        const reason = bySession ? 'session_ended' : (edge.endReason ?? 'ttl');
        await endDelegations(tx, [id], { status, at: edge.endedAt ?? now, reason });
        tx.changed('delegation', id);
        tx.changed('session', edge.target);
        tx.record(delegationEntry(status === 'expired' ? 'expired' : 'revoked', edge, SYSTEM, { at: now, reason }));
      }
      return due.length;
    });
  }
}

/** Nothing for a session that is as its row says. */
function settledAs(view: DetailedSession, now: number): SettledSession[] {
  if (view.status === 'active') return [];
  if (view.status !== 'suspended')
    return [{ id: view.id, status: view.status, at: view.endedAt ?? now, reason: view.endReason ?? 'ended' }];
  return view.suspendReason === 'lease_missed'
    ? [{ id: view.id, status: 'suspended', at: view.suspendedAt ?? now, reason: 'lease_missed' }]
    : [];
}
