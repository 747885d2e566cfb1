import { In, type FindOptionsWhere, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { AppError } from '../../kernel/app-error.js';
import type { ZoneTx } from '../../platform/database/index.js';
import { ConnectionEntity, type ConnectionStatus } from './connection.entity.js';

export interface ConnectionFilter {
  readonly provider?: string | undefined;
  readonly subject?: string | undefined;
  readonly status?: ConnectionStatus | undefined;
}

export async function insertConnection(tx: ZoneTx, row: ConnectionEntity): Promise<void> {
  await tx.em.getRepository(ConnectionEntity).insert(row);
}

export async function updateConnection(tx: ZoneTx, id: string, values: Partial<ConnectionEntity>): Promise<void> {
  await tx.em.getRepository(ConnectionEntity).update({ zone: tx.zone, id }, values);
}

/** Throws `not_found`. */
export async function getConnection(tx: ZoneTx, id: string): Promise<ConnectionEntity> {
  const row = await tx.em.findOneBy(ConnectionEntity, { zone: tx.zone, id });
  if (!row) throw new AppError('not_found', 'There is no such object.');
  return row;
}

/** The connection as it stays until the transaction ends; undefined when there is none. */
export async function lockConnection(tx: ZoneTx, id: string): Promise<ConnectionEntity | undefined> {
  const where = { zone: tx.zone, id };
  return (await tx.em.findOne(ConnectionEntity, { where, lock: { mode: 'pessimistic_write' } })) ?? undefined;
}

/** The connection that waits for this state, locked; undefined when none does. */
export async function lockByState(tx: ZoneTx, stateHash: Buffer): Promise<ConnectionEntity | undefined> {
  const where = { zone: tx.zone, stateHash, status: 'pending' } as FindOptionsWhere<ConnectionEntity>;
  return (await tx.em.findOne(ConnectionEntity, { where, lock: { mode: 'pessimistic_write' } })) ?? undefined;
}

/** Those of one subject, or the shared ones, at a provider that are connected or were until they broke; locked in their order. */
export function lockConnected(tx: ZoneTx, provider: string, subject: string | null): Promise<ConnectionEntity[]> {
  const where = {
    zone: tx.zone,
    provider,
    subject: subject ?? IsNull(),
    status: In(['pending', 'active', 'broken']),
  } as FindOptionsWhere<ConnectionEntity>;
  return tx.em.find(ConnectionEntity, { where, order: { id: 'ASC' }, lock: { mode: 'pessimistic_write' } });
}

/** Oldest first; one row more than the page when there are more. */
export function listConnections(
  tx: ZoneTx,
  filter: ConnectionFilter,
  { limit, cursor, now }: { readonly limit: number; readonly cursor?: string; readonly now: number },
): Promise<ConnectionEntity[]> {
  const { provider, subject, status } = filter;
  const common = {
    zone: tx.zone,
    ...(provider === undefined ? {} : { provider }),
    ...(subject === undefined ? {} : { subject }),
    ...(cursor === undefined ? {} : { id: MoreThan(cursor) }),
  };
  return tx.em.find(ConnectionEntity, {
    where: statusCases(status, new Date(now)).map((more) => ({ ...common, ...more })),
    order: { id: 'ASC' },
    take: limit + 1,
  });
}

/** What waits past its time counts as broken. */
function statusCases(status: ConnectionStatus | undefined, now: Date): FindOptionsWhere<ConnectionEntity>[] {
  if (status === undefined) return [{ status: Not('revoked') }];
  if (status === 'pending') return [{ status, pendingUntil: MoreThan(now) }];
  if (status !== 'broken') return [{ status }];
  return [{ status }, { status: 'pending', pendingUntil: LessThan(now) }];
}

/** The connection that serves a subject at a provider. */
export interface Serving {
  readonly id: string;
  /** Empty when it is everybody's. */
  readonly subject: string;
  readonly status: ConnectionStatus;
}

/**
 * The subject's own connection if it ever had one, in whatever state it is now; else the shared one. So an account that was taken away is never
 * replaced by another one unasked.
 */
export async function servingConnection(tx: ZoneTx, provider: string, subject: string): Promise<Serving | undefined> {
  const [row] = await tx.query<Serving>(
    `SELECT id, coalesce(subject, '') AS subject, status FROM connections
     WHERE zone = $1 AND provider = $2 AND (subject = $3 OR subject IS NULL) AND connected_at IS NOT NULL
     ORDER BY (subject IS NULL), (status = 'active') DESC, id DESC LIMIT 1`,
    [tx.zone, provider, subject],
  );
  return row;
}

/** Holds an active provider until the transaction ends: none is archived while something is hung on it. */
export async function holdProvider(tx: ZoneTx, provider: string): Promise<boolean> {
  const [row] = await tx.query<{ status: string }>(
    `SELECT p.status FROM providers p JOIN zones z ON z.slug = p.zone
     WHERE p.zone = $1 AND p.id = $2 AND p.status = 'active' AND z.status <> 'archived' FOR SHARE`,
    [tx.zone, provider],
  );
  return row !== undefined;
}
