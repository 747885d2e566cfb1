import { type FindOptionsWhere, In, MoreThan, type ObjectLiteral } from 'typeorm';
import type { Tx, ZoneTx } from '../../../platform/database/index.js';
import type { Approval, ApprovalStatus } from '../../domain/approvals/approval.js';
import { ApprovalEntity } from '../entities/approval.entity.js';
import { approvalRow, toApproval } from './to-approval.js';

/** One who raises a hold at a time, so that limits hold and one binding has one live row. After this the caller reads again. */
export async function lockHolds(tx: ZoneTx): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('caracal.approvals:' || $1, 0))`, [tx.zone]);
}

export async function insertApproval(tx: ZoneTx, approval: Approval): Promise<void> {
  await tx.em.getRepository<ObjectLiteral>(ApprovalEntity).insert(approvalRow(approval));
}

export async function findApproval(tx: ZoneTx, id: string): Promise<Approval | undefined> {
  const row = await tx.em.findOneBy(ApprovalEntity, { zone: tx.zone, id });
  return row ? toApproval(row) : undefined;
}

export async function findApprovals(tx: ZoneTx, ids: readonly string[]): Promise<Map<string, Approval>> {
  const rows = await tx.em.findBy(ApprovalEntity, { zone: tx.zone, id: In([...ids]) });
  return new Map(rows.map((row) => [row.id, toApproval(row)]));
}

/** The approval under its row's lock. */
export async function lockApproval(tx: ZoneTx, id: string): Promise<Approval | undefined> {
  const row = await tx.em.findOne(ApprovalEntity, {
    where: { zone: tx.zone, id },
    lock: { mode: 'pessimistic_write' },
  });
  return row ? toApproval(row) : undefined;
}

/** The latest hold of this binding. */
export async function latestOf(tx: ZoneTx, binding: string): Promise<Approval | undefined> {
  const row = await tx.em.findOne(ApprovalEntity, { where: { zone: tx.zone, binding }, order: { id: 'DESC' } });
  return row ? toApproval(row) : undefined;
}

/** Holds that wait, and those that were denied and could be asked for again and again. */
export async function countHolds(
  tx: ZoneTx,
  of: { application: string; session?: string | undefined; now: number },
): Promise<{ requester: number; zone: number }> {
  const [row] = await tx.query<{ requester: number; zone: number }>(
    `SELECT count(*) FILTER (WHERE application = $2 AND session IS NOT DISTINCT FROM $3)::int AS requester, count(*)::int AS zone
     FROM caracal.approvals WHERE zone = $1 AND status IN ('pending', 'denied') AND expires_at > $4`,
    [tx.zone, of.application, of.session ?? null, new Date(of.now)],
  );
  return row ?? { requester: 0, zone: 0 };
}

/** Writes what a decision changed. */
export async function saveDecision(tx: ZoneTx, approval: Approval): Promise<void> {
  const { status, decisions, decidedAt, approver, reason } = approvalRow(approval);
  const values = { status, decisions, decidedAt, approver, reason };
  await tx.em.getRepository<ObjectLiteral>(ApprovalEntity).update({ zone: tx.zone, id: approval.id }, values);
}

/** What is kept for an answer that was lost. */
export interface SealedToken {
  readonly sealed: Buffer;
  /** Milliseconds. */
  readonly until: number;
}

/** The one move from approved to consumed; false when somebody else made it, or it cannot be made any more. */
export async function consumeApproval(
  tx: ZoneTx,
  used: { id: string; binding: string; now: number; token?: SealedToken | undefined },
): Promise<boolean> {
  const rows = await tx.query(
    `WITH moved AS (
       UPDATE caracal.approvals SET status = 'consumed', consumed_at = $4, token_sealed = $5, token_until = $6
       WHERE zone = $1 AND id = $2 AND binding = $3 AND status = 'approved' AND expires_at > $4 RETURNING id)
     SELECT id FROM moved`,
    [
      tx.zone,
      used.id,
      used.binding,
      new Date(used.now),
      used.token?.sealed ?? null,
      used.token ? new Date(used.token.until) : null,
    ],
  );
  return rows.length === 1;
}

/** The sealed token of a consumed approval, while it is kept. */
export async function sealedToken(tx: ZoneTx, id: string, now: number): Promise<Buffer | undefined> {
  const row = await tx.em.findOne(ApprovalEntity, {
    select: { tokenSealed: true },
    where: { zone: tx.zone, id, status: 'consumed', tokenUntil: MoreThan(new Date(now)) },
  });
  return row?.tokenSealed ?? undefined;
}

/** Ends holds whose time is over, and answers them as they were. Rows that somebody is just deciding are left for the next round. */
export async function expireDue(tx: ZoneTx, now: number, limit: number): Promise<Approval[]> {
  const due = await tx.query<{ id: string }>(
    `SELECT id FROM caracal.approvals WHERE zone = $1 AND status IN ('pending', 'approved') AND expires_at <= $2
     ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED`,
    [tx.zone, new Date(now), limit],
  );
  if (due.length === 0) return [];
  const ids = due.map((row) => row.id);
  const before = await findApprovals(tx, ids);
  await tx.em.update(ApprovalEntity, { zone: tx.zone, id: In(ids) }, { status: 'expired' });
  return [...before.values()];
}

/** Forgets sealed tokens whose time is over. */
export async function dropSealed(tx: ZoneTx, now: number): Promise<void> {
  await tx.query(
    `UPDATE caracal.approvals SET token_sealed = NULL WHERE zone = $1 AND token_sealed IS NOT NULL AND token_until <= $2`,
    [tx.zone, new Date(now)],
  );
}

/** Zones in which time has ended something that rows do not say yet. */
export async function zonesWithDueHolds(tx: Tx, now: number): Promise<string[]> {
  const rows = await tx.query<{ zone: string }>(
    `SELECT zone FROM caracal.approvals WHERE expires_at <= $1 AND status IN ('pending', 'approved')
     UNION SELECT zone FROM caracal.approvals WHERE token_until <= $1 AND token_sealed IS NOT NULL ORDER BY zone`,
    [new Date(now)],
  );
  return rows.map((row) => row.zone);
}

export interface ApprovalFilter {
  readonly status?: ApprovalStatus | undefined;
  readonly application?: string | undefined;
  readonly session?: string | undefined;
}

/** One row more than the limit when there is more. A status is what holds now: a hold past its time is expired, whatever its row says. */
export async function listApprovals(
  tx: ZoneTx,
  filter: ApprovalFilter,
  slice: { limit: number; cursor?: string | undefined; now: number },
): Promise<Approval[]> {
  const query = tx.em
    .createQueryBuilder(ApprovalEntity, 'a')
    .where({ zone: tx.zone, ...given(filter), ...(slice.cursor === undefined ? {} : { id: MoreThan(slice.cursor) }) })
    .orderBy('a.id', 'ASC')
    .limit(slice.limit + 1);
  if (filter.status === 'expired')
    query.andWhere(`(a.status = 'expired' OR (a.status IN ('pending', 'approved') AND a.expires_at <= :now))`);
  else if (filter.status === 'pending' || filter.status === 'approved')
    query.andWhere('a.status = :status AND a.expires_at > :now');
  else if (filter.status !== undefined) query.andWhere('a.status = :status');
  query.setParameters({ status: filter.status, now: new Date(slice.now) });
  return (await query.getMany()).map(toApproval);
}

function given({ application, session }: ApprovalFilter): FindOptionsWhere<ApprovalEntity> {
  return { ...(application === undefined ? {} : { application }), ...(session === undefined ? {} : { session }) };
}
