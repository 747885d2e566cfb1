import type { Tx, ZoneTx } from '../../../platform/database/index.js';
import type { Invocation, InvocationStatus } from '../../domain/invocations/invocation.js';
import { InvocationEntity } from './invocation.entity.js';
import { toInvocation } from './invocation-rows.js';

/** Whose invocations: those that a session or an application has handed out or was handed. */
export interface InvocationParty {
  readonly application: string;
  readonly session?: string | undefined;
}

export interface InvocationFilter {
  readonly party?: InvocationParty | undefined;
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly status?: InvocationStatus | undefined;
}

/** Invocations in order of their making, after the given id. `now` is the instant that deadlines are judged at. */
export async function listInvocations(
  tx: ZoneTx,
  filter: InvocationFilter,
  page: { limit: number; after?: string | undefined; now: number },
): Promise<Invocation[]> {
  const query = tx.em
    .getRepository(InvocationEntity)
    .createQueryBuilder('i')
    .where('i.zone = :zone', { zone: tx.zone });
  const { party, source, target, status } = filter;
  if (party?.session !== undefined)
    query.andWhere('(i.source = :session OR i.target = :session)', { session: party.session });
  else if (party !== undefined)
    query.andWhere('(i.source_application = :application OR i.target_application = :application)', {
      application: party.application,
    });
  if (source !== undefined) query.andWhere('i.source = :source', { source });
  if (target !== undefined) query.andWhere('i.target = :target', { target });
  if (status !== undefined) query.andWhere(STATUS, { status, now: new Date(page.now) });
  if (page.after !== undefined) query.andWhere('i.id > :after', { after: page.after });
  return (await query.orderBy('i.id').limit(page.limit).getMany()).map(toInvocation);
}

const STATUS = `:status = CASE WHEN i.status IN ('pending', 'running') AND i.deadline_at <= :now THEN 'timed_out' ELSE i.status END`;

/** Work that an assignee may begin now, the longest waiting first. */
export async function listAssigned(
  tx: ZoneTx,
  party: InvocationParty,
  page: { limit: number; after?: string | undefined; now: number },
): Promise<Invocation[]> {
  const query = assigned(tx, party, page.now).andWhere('i.available_at <= :now');
  if (page.after !== undefined) query.andWhere('i.id > :after', { after: page.after });
  return (await query.orderBy('i.id').limit(page.limit).getMany()).map(toInvocation);
}

/** When the next attempt that waits for its backoff may begin, in milliseconds. */
export async function nextAvailable(tx: ZoneTx, party: InvocationParty, now: number): Promise<number | undefined> {
  const row = await assigned(tx, party, now)
    .andWhere('i.available_at > :now')
    .orderBy('i.available_at')
    .limit(1)
    .getOne();
  return row?.availableAt.getTime();
}

function assigned(tx: ZoneTx, { application, session }: InvocationParty, now: number) {
  const query = tx.em
    .getRepository(InvocationEntity)
    .createQueryBuilder('i')
    .where(`i.zone = :zone AND i.status = 'pending' AND i.deadline_at > :now`, { zone: tx.zone, now: new Date(now) });
  return session === undefined
    ? query.andWhere('i.target_application = :application', { application })
    : query.andWhere('i.target = :session', { session });
}

/** How many invocations wait for a session or are being worked on by it. */
export async function countUnfinished(tx: ZoneTx, target: string, now: number): Promise<number> {
  const [row] = await tx.query<{ n: string }>(
    `SELECT count(*) AS n FROM caracal.invocations WHERE zone = $1 AND target = $2 AND status IN ('pending', 'running') AND deadline_at > $3`,
    [tx.zone, target, new Date(now)],
  );
  return Number(row?.n ?? 0);
}

/** Unfinished work that time, the end of a party or the loss of its attempt has overtaken. */
const OVERTAKEN = `i.status IN ('pending', 'running') AND (i.deadline_at <= $1
  OR s.status IN ('terminated', 'expired') OR t.status IN ('terminated', 'expired')
  OR (i.status = 'running' AND t.generation <> i.generation))`;

const JOINED = `FROM caracal.invocations i
  JOIN caracal.sessions s ON s.zone = i.zone AND s.id = i.source
  JOIN caracal.sessions t ON t.zone = i.zone AND t.id = i.target`;

/** Ids of overtaken invocations of a zone, behind `after`. */
export async function overtakenInvocations(
  tx: ZoneTx,
  now: number,
  page: { limit: number; after: string },
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `SELECT i.id ${JOINED} WHERE i.zone = $2 AND i.id > $3 AND ${OVERTAKEN} ORDER BY i.id LIMIT $4`,
    [new Date(now), tx.zone, page.after, page.limit],
  );
  return rows.map((row) => row.id);
}

/** Zones that have overtaken invocations. */
export async function zonesWithOvertaken(tx: Tx, now: number): Promise<string[]> {
  const rows = await tx.query<{ zone: string }>(`SELECT DISTINCT i.zone ${JOINED} WHERE ${OVERTAKEN} ORDER BY 1`, [
    new Date(now),
  ]);
  return rows.map((row) => row.zone);
}
