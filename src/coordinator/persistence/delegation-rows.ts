import { In } from 'typeorm';
import { formatScope } from '../../kernel/scopes.js';
import type { ZoneTx } from '../../platform/database/index.js';
import { parseConstraints } from '../domain/delegations/constraints.js';
import type { DelegationRecord } from '../domain/delegations/delegation-record.js';
import { DelegationEntity } from './delegation.entity.js';
import { mayBeId } from './session-rows.js';

/** The stored delegations of these ids; unknown ones are absent. */
export async function readDelegations(tx: ZoneTx, ids: readonly string[]): Promise<Map<string, DelegationRecord>> {
  const known = ids.filter(mayBeId);
  if (known.length === 0) return new Map();
  const rows = await tx.em.getRepository(DelegationEntity).findBy({ zone: tx.zone, id: In(known) });
  return new Map(rows.map((row) => [row.id, toRecord(row)]));
}

export async function insertDelegation(tx: ZoneTx, edge: DelegationRecord): Promise<void> {
  const row: object = Object.assign(new DelegationEntity(), {
    zone: tx.zone,
    id: edge.id,
    source: edge.source,
    target: edge.target,
    sourceApplication: edge.sourceApplication,
    targetApplication: edge.targetApplication,
    parent: edge.parent ?? null,
    path: [...edge.path],
    resources: edge.resources.map((entry) => ({
      resource: entry.resource,
      scopes: formatScope(entry.scopes).split(' '),
    })),
    constraints: edge.constraints,
    hopsRemaining: edge.hopsRemaining,
    status: edge.status,
    spawned: edge.spawned,
    createdAt: new Date(edge.createdAt),
    expiresAt: new Date(edge.expiresAt),
    endedAt: null,
    endReason: null,
  });
  // The compiler cannot follow JSON of any depth through the partial type of an insert.
  await tx.em.insert(DelegationEntity, row);
}

/** Per session, the ids of the edges into it that are not stored as ended, in order of their making. */
export async function inboundIds(tx: ZoneTx, sessions: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await tx.query<{ target: string; id: string }>(
    `SELECT target, id FROM caracal.delegations WHERE zone = $1 AND target = ANY ($2) AND status = 'active' AND NOT spawned ORDER BY id`,
    [tx.zone, [...sessions]],
  );
  const inbound = new Map<string, string[]>(sessions.map((session) => [session, []]));
  for (const { target, id } of rows) inbound.get(target)?.push(id);
  return inbound;
}

/** How many live edges a session has made, without those that its narrowed children were started with. */
export async function countOutgoing(tx: ZoneTx, session: string, now: number): Promise<number> {
  const [row] = await tx.query<{ n: string }>(
    `SELECT count(*) AS n FROM caracal.delegations WHERE zone = $1 AND source = $2 AND status = 'active' AND NOT spawned AND expires_at > $3`,
    [tx.zone, session, new Date(now)],
  );
  return Number(row?.n ?? 0);
}

/** Where live edges lead from a session, followed to the end: source → targets. */
export async function reachableFrom(tx: ZoneTx, session: string, now: number): Promise<Map<string, string[]>> {
  const rows = await tx.query<{ source: string; target: string }>(
    `WITH RECURSIVE reached AS (
       SELECT d.source, d.target FROM caracal.delegations d WHERE d.zone = $1 AND d.source = $2 AND d.status = 'active' AND d.expires_at > $3
       UNION
       SELECT d.source, d.target FROM caracal.delegations d JOIN reached r ON d.source = r.target
        WHERE d.zone = $1 AND d.status = 'active' AND d.expires_at > $3)
     SELECT source, target FROM reached`,
    [tx.zone, session, new Date(now)],
  );
  const outgoing = new Map<string, string[]>();
  for (const { source, target } of rows) outgoing.set(source, [...(outgoing.get(source) ?? []), target]);
  return outgoing;
}

/** The edges whose path contains this one, itself included, nearest to the first edge first. */
export async function readLineage(tx: ZoneTx, id: string, limit: number): Promise<DelegationRecord[]> {
  const rows = await tx.em
    .getRepository(DelegationEntity)
    .createQueryBuilder('d')
    .where('d.zone = :zone AND d.path @> ARRAY[:id]::text[]', { zone: tx.zone, id })
    .orderBy('cardinality(d.path)')
    .addOrderBy('d.id')
    .limit(limit)
    .getMany();
  return rows.map(toRecord);
}

/** The sessions that an edge and everything passed on from it lead to. */
export async function targetsBelow(tx: ZoneTx, id: string): Promise<string[]> {
  const rows = await tx.query<{ target: string }>(
    `SELECT DISTINCT target FROM caracal.delegations WHERE zone = $1 AND path @> ARRAY[$2]::text[] ORDER BY target`,
    [tx.zone, id],
  );
  return rows.map((row) => row.target);
}

export interface DelegationFilter {
  readonly session?: string | undefined;
  readonly application?: string | undefined;
}

export async function listDelegations(
  tx: ZoneTx,
  filter: DelegationFilter,
  page: { limit: number; after?: string | undefined },
): Promise<DelegationRecord[]> {
  const query = tx.em
    .getRepository(DelegationEntity)
    .createQueryBuilder('d')
    .where('d.zone = :zone', { zone: tx.zone });
  const { session, application } = filter;
  if (session !== undefined) query.andWhere('(d.source = :session OR d.target = :session)', { session });
  if (application !== undefined)
    query.andWhere('(d.source_application = :application OR d.target_application = :application)', { application });
  if (page.after !== undefined) query.andWhere('d.id > :after', { after: page.after });
  return (await query.orderBy('d.id').limit(page.limit).getMany()).map(toRecord);
}

/** Ends edges that are still stored as active. */
export async function endDelegations(
  tx: ZoneTx,
  ids: readonly string[],
  to: { status: 'revoked' | 'expired'; at: number; reason: string },
): Promise<void> {
  await tx.query(
    `UPDATE caracal.delegations SET status = $3, ended_at = $4, end_reason = $5 WHERE zone = $1 AND id = ANY ($2) AND status = 'active'`,
    [tx.zone, [...ids], to.status, new Date(to.at), to.reason],
  );
}

function toRecord(row: DelegationEntity): DelegationRecord {
  return {
    id: row.id,
    source: row.source,
    target: row.target,
    sourceApplication: row.sourceApplication,
    targetApplication: row.targetApplication,
    parent: row.parent ?? undefined,
    path: row.path,
    resources: row.resources.map((entry) => ({ resource: entry.resource, scopes: new Set(entry.scopes) })),
    constraints: row.constraints,
    hopsRemaining: row.hopsRemaining,
    status: row.status,
    spawned: row.spawned,
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt.getTime(),
    // What cannot be read must not open the edge.
    ...(parseConstraints(row.constraints) ?? { notBefore: Number.POSITIVE_INFINITY }),
    endedAt: row.endedAt?.getTime(),
    endReason: row.endReason ?? undefined,
  };
}
