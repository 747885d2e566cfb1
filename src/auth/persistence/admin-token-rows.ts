import { IsNull, MoreThan } from 'typeorm';
import type { Tx } from '../../platform/database/index.js';
import type { Page } from '../../platform/http/index.js';
import { AdminTokenEntity } from './admin-token.entity.js';

/** Every token that may still be used at `now`. */
export function readLiveTokens(tx: Tx, now: number): Promise<AdminTokenEntity[]> {
  return tx.em
    .getRepository(AdminTokenEntity)
    .find({ where: { revokedAt: IsNull(), expiresAt: MoreThan(new Date(now)) } });
}

/** Tokens in order of their ids, which is that of their creation; one more than the page holds, if there is one. */
export function listTokens(tx: Tx, { limit, cursor }: Page): Promise<AdminTokenEntity[]> {
  const where = cursor === undefined ? {} : { id: MoreThan(cursor) };
  return tx.em.getRepository(AdminTokenEntity).find({ where, order: { id: 'ASC' }, take: limit + 1 });
}

export function findToken(tx: Tx, id: string): Promise<AdminTokenEntity | null> {
  return tx.em.getRepository(AdminTokenEntity).findOneBy({ id });
}

export async function insertToken(tx: Tx, token: AdminTokenEntity): Promise<void> {
  await tx.em.getRepository(AdminTokenEntity).insert(token);
}

/** False when it was revoked before. */
export async function revokeToken(tx: Tx, id: string, now: number): Promise<boolean> {
  const { affected } = await tx.em
    .getRepository(AdminTokenEntity)
    .update({ id, revokedAt: IsNull() }, { revokedAt: new Date(now) });
  return affected === 1;
}

/** Lets a live token end at `ends` at the latest; false when it has ended. One that ends at once is revoked. */
export async function shortenToken(
  tx: Tx,
  id: string,
  { now, ends }: { readonly now: number; readonly ends: number },
): Promise<boolean> {
  const live = { id, revokedAt: IsNull(), expiresAt: MoreThan(new Date(now)) };
  const tokens = tx.em.getRepository(AdminTokenEntity);
  const row = await tokens.findOne({ where: live, lock: { mode: 'pessimistic_write' } });
  if (!row) return false;
  const values =
    ends <= now ? { revokedAt: new Date(now) } : { expiresAt: new Date(Math.min(ends, row.expiresAt.getTime())) };
  await tokens.update({ id }, values);
  return true;
}
