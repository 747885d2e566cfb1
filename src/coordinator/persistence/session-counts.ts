import type { ZoneTx } from '../../platform/database/index.js';

export interface CountScope {
  readonly application: string;
  readonly parent: string | undefined;
  /** The root of the tree that it would stand in. */
  readonly root: string | undefined;
  readonly now: number;
  /** The zone's epoch: sessions of an earlier one are dead, settled or not. */
  readonly zoneEpoch: number;
}

/** Sessions that stand where a new one would. */
export interface HeldSessions {
  readonly children: number;
  readonly application: number;
  readonly zone: number;
}

/** Sessions started in the last minute, ended or not, counted no further than the limits on them. */
export interface RecentStarts {
  /** By the application. */
  readonly spawned: number;
  /** In the tree. */
  readonly tree: number;
}

/**
 * How many sessions are open where a new one would stand, as the triggers on the table keep it. Called under the graph lock, so nobody changes it
 * before the caller commits. It counts those that are dead and wait to be settled: no fewer than live.
 */
export async function openSessions(tx: ZoneTx, { application, parent }: CountScope): Promise<HeldSessions> {
  const rows = await tx.query<{ scope: string; open: number }>(
    'SELECT scope, open FROM caracal.session_counts WHERE zone = $1 AND scope = ANY ($2)',
    [tx.zone, ['', application, ...(parent === undefined ? [] : [parent])]],
  );
  const open = new Map(rows.map((row) => [row.scope, row.open]));
  const of = (scope: string | undefined): number => (scope === undefined ? 0 : (open.get(scope) ?? 0));
  return { children: of(parent), application: of(application), zone: of('') };
}

/** Counts what was started in the last minute, up to the most that matters. */
export async function recentStarts(tx: ZoneTx, scope: CountScope, most: RecentStarts): Promise<RecentStarts> {
  const [row] = await tx.query<Record<keyof RecentStarts, number>>(
    `SELECT (SELECT count(*) FROM (SELECT 1 FROM caracal.sessions WHERE zone = $1 AND application = $2 AND id > $4 LIMIT $5) s)::int AS spawned,
            (SELECT count(*) FROM (SELECT 1 FROM caracal.sessions WHERE zone = $1 AND root = $3 AND id > $4 LIMIT $6) s)::int AS tree`,
    [
      tx.zone,
      scope.application,
      scope.root ?? null,
      earliestId(scope.now - 60_000),
      most.spawned,
      scope.root === undefined ? 0 : most.tree,
    ],
  );
  return row ?? { spawned: 0, tree: 0 };
}

const OPEN = `status IN ('active', 'suspended')`;

/**
 * How many sessions live, without those that died with something above them or with time and are not settled yet. It looks at every open session and
 * at all above it, so it does so only where something died at all; otherwise it answers undefined, and what is open lives.
 */
export async function livingSessions(tx: ZoneTx, scope: CountScope): Promise<HeldSessions | undefined> {
  const { application, parent, now, zoneEpoch } = scope;
  const [pending] = await tx.query<{ some: boolean }>(
    `SELECT EXISTS (SELECT FROM caracal.outbox WHERE zone = $1 AND name = 'settle' AND done_at IS NULL)
         OR EXISTS (SELECT FROM caracal.sessions WHERE zone = $1 AND ${OPEN} AND expires_at <= $2) AS some`,
    [tx.zone, new Date(now)],
  );
  if (pending?.some !== true) return undefined;
  const [row] = await tx.query<Record<keyof HeldSessions, number>>(
    `SELECT count(*) FILTER (WHERE s.parent = $4)::int AS children, count(*) FILTER (WHERE s.application = $3)::int AS application, count(*)::int AS zone
     FROM caracal.sessions s
     WHERE s.zone = $1 AND s.${OPEN} AND (s.expires_at IS NULL OR s.expires_at > $2) AND (s.epochs ->> 'z')::integer >= $5
       AND NOT EXISTS (SELECT FROM caracal.sessions a WHERE a.zone = s.zone AND a.id = ANY (string_to_array(s.path, '/'))
         AND (a.status IN ('terminated', 'expired') OR a.expires_at <= $2))`,
    [tx.zone, new Date(now), application, parent ?? null, zoneEpoch],
  );
  return row;
}

/** Ids hold their time of birth (RFC 9562 §5.7), and the index of an application's sessions is in their order. */
function earliestId(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `ses_${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
