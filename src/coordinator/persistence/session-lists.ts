import type { ZoneTx } from '../../platform/database/index.js';
import { SessionEntity } from './session.entity.js';
import { below, type StoredSession, toStored } from './session-rows.js';

export interface SessionFilter {
  readonly application?: string | undefined;
  readonly parent?: string | undefined;
  readonly label?: string | undefined;
  readonly subject?: string | undefined;
  /** Only what lies below this path (and the session itself). */
  readonly within?: readonly string[] | undefined;
  /** True leaves out what is stored as ended, false what is not. */
  readonly open?: boolean | undefined;
}

/** Sessions in order of their ids, which is the order of their start, after the given id. */
export async function listSessions(
  tx: ZoneTx,
  filter: SessionFilter,
  page: { limit: number; after?: string | undefined },
): Promise<StoredSession[]> {
  const query = tx.em.getRepository(SessionEntity).createQueryBuilder('s').where('s.zone = :zone', { zone: tx.zone });
  const { application, parent, subject, label, within, open } = filter;
  if (application !== undefined) query.andWhere('s.application = :application', { application });
  if (parent !== undefined) query.andWhere('s.parent = :parent', { parent });
  if (subject !== undefined) query.andWhere('s.subject = :subject', { subject });
  if (label !== undefined) query.andWhere('s.labels @> ARRAY[:label]::text[]', { label });
  if (open !== undefined) query.andWhere(`s.status ${open ? '' : 'NOT '}IN ('active', 'suspended')`);
  if (page.after !== undefined) query.andWhere('s.id > :after', { after: page.after });
  if (within !== undefined) {
    const [from, to] = below(within);
    query.andWhere('(s.id = :top OR (s.path > :from AND s.path < :to))', { top: within.at(-1), from, to });
  }
  const rows = await query.orderBy('s.id').limit(page.limit).getMany();
  return rows.map(toStored);
}

/** A session and everything below it, parents before their children; at most `limit` rows. */
export async function readSubtree(tx: ZoneTx, path: readonly string[], limit: number): Promise<StoredSession[]> {
  const [from, to] = below(path);
  const rows = await tx.em
    .getRepository(SessionEntity)
    .createQueryBuilder('s')
    .where('s.zone = :zone AND (s.id = :top OR (s.path > :from AND s.path < :to))', {
      zone: tx.zone,
      top: path.at(-1),
      from,
      to,
    })
    .orderBy('s.path')
    .limit(limit)
    .getMany();
  return rows.map(toStored);
}
