import type { ZoneTx } from '../../../platform/database/index.js';
import type { Invocation, InvocationEvent } from '../../domain/invocations/invocation.js';
import { mayBeId } from '../session-rows.js';
import { InvocationEventEntity } from './invocation-event.entity.js';
import { InvocationEntity } from './invocation.entity.js';

export async function readInvocation(tx: ZoneTx, id: string): Promise<Invocation | undefined> {
  if (!mayBeId(id)) return undefined;
  const row = await tx.em.getRepository(InvocationEntity).findOneBy({ zone: tx.zone, id });
  return row ? toInvocation(row) : undefined;
}

/** The same, held until the transaction ends. */
export async function lockInvocation(tx: ZoneTx, id: string): Promise<Invocation | undefined> {
  if (!mayBeId(id)) return undefined;
  const row = await tx.em
    .getRepository(InvocationEntity)
    .findOne({ where: { zone: tx.zone, id }, lock: { mode: 'pessimistic_write' } });
  return row ? toInvocation(row) : undefined;
}

export async function insertInvocation(tx: ZoneTx, invocation: Invocation): Promise<void> {
  // The compiler cannot follow JSON of any depth through the partial type of an insert.
  const row: object = toEntity(tx.zone, invocation);
  await tx.em.insert(InvocationEntity, row);
}

export async function updateInvocation(tx: ZoneTx, invocation: Invocation): Promise<void> {
  const row: object = toEntity(tx.zone, invocation);
  await tx.em.getRepository(InvocationEntity).update({ zone: tx.zone, id: invocation.id }, row);
}

/** Adds an event behind those there are; the caller holds the invocation's row, or has just inserted it. Answers its number, from 1. */
export async function addEvent(tx: ZoneTx, invocation: string, event: InvocationEvent): Promise<number> {
  const [last] = await tx.query<{ seq: number | null }>(
    'SELECT max(seq) AS seq FROM caracal.invocation_events WHERE zone = $1 AND invocation = $2',
    [tx.zone, invocation],
  );
  const seq = (last?.seq ?? 0) + 1;
  const { type, at, attempt, note, percent } = event;
  await tx.em.insert(InvocationEventEntity, {
    zone: tx.zone,
    invocation,
    seq,
    type,
    at: new Date(at),
    attempt,
    note: note ?? null,
    percent: percent ?? null,
  });
  return seq;
}

export interface NumberedEvent extends InvocationEvent {
  readonly seq: number;
}

export async function listEvents(
  tx: ZoneTx,
  invocation: string,
  page: { limit: number; after: number },
): Promise<NumberedEvent[]> {
  const rows = await tx.em
    .getRepository(InvocationEventEntity)
    .createQueryBuilder('e')
    .where('e.zone = :zone AND e.invocation = :invocation AND e.seq > :after', {
      zone: tx.zone,
      invocation,
      after: page.after,
    })
    .orderBy('e.seq')
    .limit(page.limit)
    .getMany();
  return rows.map(({ seq, type, at, attempt, note, percent }) => ({
    seq,
    type,
    at: at.getTime(),
    attempt,
    note: note ?? undefined,
    percent: percent ?? undefined,
  }));
}

export function toInvocation(row: InvocationEntity): Invocation {
  return {
    id: row.id,
    source: row.source,
    target: row.target,
    sourceApplication: row.sourceApplication,
    targetApplication: row.targetApplication,
    txn: row.txn,
    status: row.status,
    attempts: row.attempts,
    maxAttempts: row.maxAttempts,
    backoffSeconds: row.backoffSeconds,
    generation: row.generation ?? undefined,
    deadlineAt: row.deadlineAt.getTime(),
    availableAt: row.availableAt.getTime(),
    inputDigest: row.inputDigest ?? undefined,
    input: row.input?.value,
    resultDigest: row.resultDigest ?? undefined,
    result: row.result?.value,
    reason: row.reason ?? undefined,
    percent: row.percent ?? undefined,
    createdAt: row.createdAt.getTime(),
    startedAt: row.startedAt?.getTime(),
    endedAt: row.endedAt?.getTime(),
  };
}

function toEntity(zone: string, invocation: Invocation): InvocationEntity {
  const { deadlineAt, availableAt, createdAt, startedAt, endedAt, input, result, ...rest } = invocation;
  return Object.assign(new InvocationEntity(), {
    ...rest,
    zone,
    generation: invocation.generation ?? null,
    inputDigest: invocation.inputDigest ?? null,
    resultDigest: invocation.resultDigest ?? null,
    reason: invocation.reason ?? null,
    percent: invocation.percent ?? null,
    input: input === undefined ? null : { value: input },
    result: result === undefined ? null : { value: result },
    deadlineAt: new Date(deadlineAt),
    availableAt: new Date(availableAt),
    createdAt: new Date(createdAt),
    startedAt: startedAt === undefined ? null : new Date(startedAt),
    endedAt: endedAt === undefined ? null : new Date(endedAt),
  });
}
