import { In } from 'typeorm';
import type { JsonObject } from '../../kernel/json.js';
import type { ZoneTx } from '../../platform/database/index.js';
import type { SessionRecord } from '../domain/sessions/session.js';
import { SessionEntity } from './session.entity.js';

/** False for what comes from a path and is in no table: PostgreSQL takes no NUL in any text. */
export function mayBeId(id: string): boolean {
  return !id.includes('\0');
}

/** A stored session with the part that nothing is decided by. */
export interface StoredSession extends SessionRecord {
  readonly metadata: JsonObject;
}

const SEPARATOR = '/';

/** The stored sessions of these ids; unknown ones are absent. */
export async function readSessions(tx: ZoneTx, ids: readonly string[]): Promise<Map<string, StoredSession>> {
  const known = ids.filter(mayBeId);
  if (known.length === 0) return new Map();
  const rows = await tx.em.getRepository(SessionEntity).findBy({ zone: tx.zone, id: In(known) });
  return new Map(rows.map((row) => [row.id, toStored(row)]));
}

export async function insertSession(tx: ZoneTx, session: StoredSession): Promise<void> {
  // The compiler cannot follow JSON of any depth through the partial type of an insert.
  const row: object = toEntity(tx.zone, session);
  await tx.em.insert(SessionEntity, row);
}

/** What may be changed of a session: its standing. Absent members stay, null clears. */
export interface Standing {
  readonly status: SessionRecord['status'];
  readonly generation?: number;
  readonly leaseExpiresAt?: number | null;
  readonly suspendedAt?: number | null;
  readonly suspendReason?: string | null;
  readonly held?: boolean;
  readonly endedAt?: number;
  readonly endReason?: string;
}

export async function updateStanding(tx: ZoneTx, id: string, to: Standing): Promise<void> {
  const { leaseExpiresAt, suspendedAt, endedAt, ...rest } = to;
  const times = { leaseExpiresAt, suspendedAt, endedAt };
  const set = Object.fromEntries(
    Object.entries(times).flatMap(([name, ms]) =>
      ms === undefined ? [] : [[name, ms === null ? null : new Date(ms)]],
    ),
  );
  await tx.em.getRepository(SessionEntity).update({ zone: tx.zone, id }, { ...rest, ...set });
}

/** Renews a lease without the graph lock: nothing but the lease moves, and only of an active service of this generation. */
export async function renewLease(
  tx: ZoneTx,
  id: string,
  generation: number,
  lease: { now: number; until: number },
): Promise<boolean> {
  const answer: unknown[] = await tx.query(
    `UPDATE caracal.sessions SET lease_expires_at = greatest(lease_expires_at, $5::timestamptz)
     WHERE zone = $1 AND id = $2 AND generation = $3 AND status = 'active' AND lease_expires_at > $4::timestamptz`,
    [tx.zone, id, generation, new Date(lease.now), new Date(lease.until)],
  );
  return answer[1] === 1;
}

/** True when something would have to be settled after the session: a child, or an edge from or to it. */
export async function hasDependants(tx: ZoneTx, id: string): Promise<boolean> {
  const [row] = await tx.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM caracal.sessions WHERE zone = $1 AND parent = $2)
         OR EXISTS (SELECT FROM caracal.delegations WHERE zone = $1 AND source = $2 AND status = 'active')
         OR EXISTS (SELECT FROM caracal.delegations WHERE zone = $1 AND target = $2 AND status = 'active') AS found`,
    [tx.zone, id],
  );
  return row?.found ?? false;
}

/** The half-open range of paths that lie below a path: `/` is the character before `0`. */
export function below(path: readonly string[]): readonly [from: string, to: string] {
  const text = path.join(SEPARATOR);
  return [`${text}${SEPARATOR}`, `${text}0`];
}

export function toStored(row: SessionEntity): StoredSession {
  const { zone: _isolated, path, startedAt, ...rest } = withoutNulls(row);
  return {
    ...rest,
    path: path.split(SEPARATOR),
    startedAt: startedAt.getTime(),
    leaseExpiresAt: rest.leaseExpiresAt?.getTime(),
    expiresAt: rest.expiresAt?.getTime(),
    suspendedAt: rest.suspendedAt?.getTime(),
    endedAt: rest.endedAt?.getTime(),
  };
}

type WithoutNulls<T> = { [Name in keyof T]: null extends T[Name] ? Exclude<T[Name], null> | undefined : T[Name] };

function withoutNulls<T extends object>(row: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? undefined])) as WithoutNulls<T>;
}

/** The record without what only answers show: caches hold these. */
export function withoutMetadata({ metadata: _shown, ...record }: StoredSession): SessionRecord {
  return record;
}

function toEntity(zone: string, session: StoredSession): SessionEntity {
  const { path, leaseExpiresAt, startedAt, expiresAt, suspendedAt, endedAt, ...rest } = session;
  return Object.assign(new SessionEntity(), {
    ...rest,
    zone,
    path: path.join(SEPARATOR),
    labels: [...session.labels],
    credential: session.credential ?? null,
    sponsor: session.sponsor ?? null,
    parent: session.parent ?? null,
    delegation: session.delegation ?? null,
    cnf: session.cnf ?? null,
    callBudgets: session.callBudgets ?? null,
    leaseSeconds: session.leaseSeconds ?? null,
    suspendReason: session.suspendReason ?? null,
    endReason: session.endReason ?? null,
    startedAt: new Date(startedAt),
    leaseExpiresAt: toDate(leaseExpiresAt),
    expiresAt: toDate(expiresAt),
    suspendedAt: toDate(suspendedAt),
    endedAt: toDate(endedAt),
  });
}

function toDate(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
