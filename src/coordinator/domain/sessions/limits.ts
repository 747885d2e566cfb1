import { AppError } from '../../../kernel/app-error.js';
import { type SessionLimits, tightestLimits } from '../../../control/index.js';

export type LimitName = keyof SessionLimits;

/** The deepest a session may stand whatever is configured: `act` nests and paths are stored per ancestor. */
const DEEPEST = 10;

/** The limits in force for an application's sessions: for each the lower of the zone's and its own; depth never exceeds 10. */
export function effectiveLimits(zone: SessionLimits, application: Partial<SessionLimits> | undefined): SessionLimits {
  const limits = tightestLimits(zone, application ?? {});
  return { ...limits, depth: Math.min(limits.depth, DEEPEST) };
}

/** Throws `limit_exceeded` with the member `limit` unless there is room for one more. */
export function requireRoom(limits: SessionLimits, limit: LimitName, held: number): void {
  if (held < limits[limit]) return;
  throw limitExceeded(limit, limits);
}

/** Throws `limit_exceeded` when a session would be deeper than allowed; a root has depth 0. */
export function requireDepth(limits: SessionLimits, depth: number): void {
  if (depth > limits.depth) throw limitExceeded('depth', limits);
}

function limitExceeded(limit: LimitName, limits: SessionLimits): AppError {
  const quota = { name: limit, perMinute: limits[limit] };
  const options = limit === 'spawn_per_minute' ? { retryAfter: 60, quota } : {};
  return new AppError('limit_exceeded', `The limit ${limit} is reached.`, { ...options, members: { limit } });
}
