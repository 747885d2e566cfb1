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

export interface SessionCounts {
  readonly children: number;
  readonly application: number;
  readonly zone: number;
  /** Started by the application in the last minute, ended or not. */
  readonly spawned: number;
  /** Started in the tree in the last minute, ended or not. */
  readonly tree: number;
}

const OPEN = `s.status IN ('active', 'suspended') AND (s.expires_at IS NULL OR s.expires_at > $4)`;

/** Leaves out what is dead by an anchor above it and only waits to be settled. */
const NOT_ANCHORED = `AND (s.epochs ->> 'z')::integer >= $6 AND NOT EXISTS (
  SELECT 1 FROM caracal.sessions a WHERE a.zone = s.zone AND a.id = ANY (string_to_array(s.path, '/'))
   AND (a.status IN ('terminated', 'expired') OR a.expires_at <= $4))`;

/**
 * How many sessions stand where a new one would. Called under the graph lock. `exactly` leaves out sessions that died with an ancestor and
 * are not settled yet; it costs a look at every ancestor, so it is asked only when a limit seems reached.
 */
export async function countSessions(tx: ZoneTx, scope: CountScope, exactly: boolean): Promise<SessionCounts> {
  const live = `${OPEN} ${exactly ? NOT_ANCHORED : 'AND $6::integer IS NOT NULL'}`;
  const [counts] = await tx.query<Record<keyof SessionCounts, string>>(
    `SELECT (SELECT count(*) FROM caracal.sessions s WHERE s.zone = $1 AND s.parent = $3 AND ${live}) AS children,
            (SELECT count(*) FROM caracal.sessions s WHERE s.zone = $1 AND s.application = $2 AND ${live}) AS application,
            (SELECT count(*) FROM caracal.sessions s WHERE s.zone = $1 AND ${live}) AS zone,
            (SELECT count(*) FROM caracal.sessions s WHERE s.zone = $1 AND s.application = $2 AND s.id > $5) AS spawned,
            (SELECT count(*) FROM caracal.sessions s WHERE s.zone = $1 AND s.root = $7 AND s.id > $5) AS tree`,
    [
      tx.zone,
      scope.application,
      scope.parent ?? null,
      new Date(scope.now),
      earliestId(scope.now - 60_000),
      scope.zoneEpoch,
      scope.root ?? null,
    ],
  );
  const number = (name: keyof SessionCounts) => Number(counts?.[name] ?? 0);
  return {
    children: number('children'),
    application: number('application'),
    zone: number('zone'),
    spawned: number('spawned'),
    tree: number('tree'),
  };
}

/** Ids hold their time of birth (RFC 9562 §5.7), and the index of an application's sessions is in their order. */
function earliestId(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `ses_${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
