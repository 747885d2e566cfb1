import type { Tx, ZoneTx } from '../../platform/database/index.js';
import type { SessionStatus } from '../domain/sessions/session.js';
import { below } from './session-rows.js';

/** What ended, as the message that asks for settling names it. */
export interface SettleAnchor {
  readonly kind: string;
  readonly anchor: string;
}

/** Conditions on a session `s`, its parent `p` and its application `a` that say: dead by something else than its own row. */
const DEAD = `(p.status IN ('terminated', 'expired')
  OR (s.epochs ->> 'z')::integer < z.epoch OR z.status <> 'active'
  OR (s.epochs ->> 'a')::integer < a.epoch OR a.status <> 'active' OR a.expires_at <= $2
  OR (s.epochs ->> 's')::integer < e.epoch
  OR (s.credential IS NOT NULL AND (c.id IS NULL OR c.revoked_at IS NOT NULL))
  OR s.expires_at <= $2
  OR (s.lifecycle = 'service' AND s.status = 'active' AND s.lease_expires_at <= $2)
  OR (s.suspend_reason = 'lease_missed' AND s.lease_expires_at <= $3))`;

const JOINED = `FROM caracal.sessions s
  JOIN caracal.zones z ON z.slug = s.zone
  LEFT JOIN caracal.sessions p ON p.zone = s.zone AND p.id = s.parent
  LEFT JOIN caracal.applications a ON a.zone = s.zone AND a.id = s.application
  LEFT JOIN caracal.credentials c ON c.zone = s.zone AND c.id = s.credential
  LEFT JOIN caracal.subject_epochs e ON e.zone = s.zone AND e.subject = s.subject`;

export interface Moment {
  readonly now: number;
  readonly graceMs: number;
}

/** Open sessions whose rows do not yet say what became of them; the nearest to their roots first. */
export async function unsettledSessions(tx: ZoneTx, { now, graceMs }: Moment, limit: number): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `SELECT s.id ${JOINED} WHERE s.zone = $1 AND s.status IN ('active', 'suspended') AND ${DEAD} ORDER BY s.depth, s.id LIMIT $4`,
    [tx.zone, new Date(now), new Date(now - graceMs), limit],
  );
  return rows.map((row) => row.id);
}

/** Open sessions below one that ended. */
export async function unsettledBelow(tx: ZoneTx, path: readonly string[], limit: number): Promise<string[]> {
  const [from, to] = below(path);
  const rows = await tx.query<{ id: string }>(
    `SELECT id FROM caracal.sessions WHERE zone = $1 AND path > $2 AND path < $3 AND status IN ('active', 'suspended') ORDER BY path LIMIT $4`,
    [tx.zone, from, to, limit],
  );
  return rows.map((row) => row.id);
}

/** Active edges that have run out, that stand below an ended one, or that lead from or to a session that has ended. */
export async function unsettledEdges(
  tx: ZoneTx,
  now: number,
  limit: number,
): Promise<{ id: string; bySession: boolean }[]> {
  return tx.query<{ id: string; bySession: boolean }>(
    `SELECT d.id, (src.status IN ('terminated', 'expired') OR tgt.status IN ('terminated', 'expired')) AS "bySession"
     FROM caracal.delegations d
     JOIN caracal.sessions src ON src.zone = d.zone AND src.id = d.source
     JOIN caracal.sessions tgt ON tgt.zone = d.zone AND tgt.id = d.target
     WHERE d.zone = $1 AND d.status = 'active'
       AND (d.expires_at <= $2 OR src.status IN ('terminated', 'expired') OR tgt.status IN ('terminated', 'expired')
         OR EXISTS (SELECT FROM caracal.delegations u WHERE u.zone = d.zone AND u.id = ANY (d.path) AND u.status <> 'active'))
     ORDER BY cardinality(d.path), d.id LIMIT $3`,
    [tx.zone, new Date(now), limit],
  );
}

export interface SettledSession {
  readonly id: string;
  readonly status: SessionStatus;
  readonly at: number;
  readonly reason: string;
}

/** Writes down what became of sessions; those that are open only move to suspended. */
export async function writeSettled(tx: ZoneTx, sessions: readonly SettledSession[]): Promise<void> {
  await tx.query(
    `UPDATE caracal.sessions s SET status = u.status,
       ended_at = CASE WHEN u.status = 'suspended' THEN NULL ELSE u.at END, end_reason = CASE WHEN u.status = 'suspended' THEN NULL ELSE u.reason END,
       suspended_at = CASE WHEN u.status = 'suspended' THEN u.at ELSE s.suspended_at END,
       suspend_reason = CASE WHEN u.status = 'suspended' THEN u.reason ELSE s.suspend_reason END
     FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[]) AS u(id, status, at, reason)
     WHERE s.zone = $1 AND s.id = u.id AND s.status IN ('active', 'suspended')`,
    [
      tx.zone,
      sessions.map((row) => row.id),
      sessions.map((row) => row.status),
      sessions.map((row) => new Date(row.at)),
      sessions.map((row) => row.reason),
    ],
  );
}

/** Zones in which time has ended something that rows do not say yet. */
export async function zonesWithDue(tx: Tx, now: number): Promise<string[]> {
  const rows = await tx.query<{ zone: string }>(
    `SELECT zone FROM caracal.sessions WHERE expires_at <= $1 AND status IN ('active', 'suspended')
     UNION SELECT zone FROM caracal.sessions WHERE lease_expires_at <= $1 AND status = 'active' AND lifecycle = 'service'
     UNION SELECT zone FROM caracal.sessions WHERE lease_expires_at <= $1 AND status = 'suspended' AND suspend_reason = 'lease_missed'
     UNION SELECT zone FROM caracal.delegations WHERE expires_at <= $1 AND status = 'active'
     ORDER BY zone`,
    [new Date(now)],
  );
  return rows.map((row) => row.zone);
}

/** Zones that have open sessions or edges at all. */
export async function zonesWithOpen(tx: Tx): Promise<string[]> {
  const rows = await tx.query<{ zone: string }>(
    `SELECT DISTINCT zone FROM caracal.sessions WHERE status IN ('active', 'suspended')
     UNION SELECT DISTINCT zone FROM caracal.delegations WHERE status = 'active' ORDER BY zone`,
  );
  return rows.map((row) => row.zone);
}
