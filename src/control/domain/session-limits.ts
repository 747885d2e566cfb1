/** How much of the runtime a zone or an application may hold at once. A zone's are complete; an application's only tighten. */
export interface SessionLimits {
  /** The deepest a session may stand; a root has depth 0. */
  readonly depth: number;
  readonly children_per_session: number;
  readonly sessions_per_application: number;
  readonly sessions_per_zone: number;
  readonly delegations_per_session: number;
  readonly holds_per_session: number;
  readonly holds_per_zone: number;
  /** Sessions an application may start in a minute. */
  readonly spawn_per_minute: number;
}

export type SessionLimitName = keyof SessionLimits;

export const DEFAULT_SESSION_LIMITS: SessionLimits = Object.freeze({
  depth: 10,
  children_per_session: 50,
  sessions_per_application: 1_000,
  sessions_per_zone: 5_000,
  delegations_per_session: 100,
  holds_per_session: 10,
  holds_per_zone: 100,
  spawn_per_minute: 120,
});

/** The largest value each limit may be set to. */
export const MOST_SESSION_LIMITS: SessionLimits = Object.freeze({
  depth: 10,
  children_per_session: 100_000,
  sessions_per_application: 1_000_000,
  sessions_per_zone: 1_000_000,
  delegations_per_session: 100_000,
  holds_per_session: 1_000,
  holds_per_zone: 10_000,
  spawn_per_minute: 1_000_000,
});

/**
 * The limits that hold for an application: for each the lower of the zone's and its own. The caller must not assume that an
 * application's stored value is below the zone's, which may have been lowered since.
 */
export function tightestLimits(zone: SessionLimits, application: Partial<SessionLimits>): SessionLimits {
  const names = Object.keys(zone) as SessionLimitName[];
  return Object.fromEntries(
    names.map((name) => [name, Math.min(zone[name], application[name] ?? zone[name])]),
  ) as unknown as SessionLimits;
}

/** The limits an application would not tighten but exceed. */
export function looserThan(zone: SessionLimits, application: Partial<SessionLimits>): readonly SessionLimitName[] {
  return (Object.keys(application) as SessionLimitName[]).filter((name) => (application[name] ?? 0) > zone[name]);
}
