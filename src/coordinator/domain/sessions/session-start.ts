import { AppError } from '../../../kernel/app-error.js';
import type { ScopedResource } from '../delegations/delegation-record.js';
import type { Lifecycle, SessionView } from './session.js';

/** What a child of narrowed authority is given. */
export interface NarrowRequest {
  readonly resources: readonly ScopedResource[];
  readonly ttlSeconds?: number | undefined;
  readonly hops?: number | undefined;
}

export type AuthorityRequest = 'inherit' | 'none' | { readonly narrow: NarrowRequest };

const DEFAULT_TTL_SECONDS = 3_600;
const DEFAULT_LEASE_SECONDS = 120;
/** The leeway between the clocks of a caller and ours (also that of token verification). */
const LEEWAY_MS = 5_000;
const LONGEST_IMPLIED_EDGE_MS = 86_400_000;

/**
 * Throws `authority_exceeded` unless every label is allowed to the application and, under a session token, held by the session that starts
 * the child. Labels carry authority, so none is ever inherited silently.
 */
export function requireLabels(
  labels: readonly string[],
  allowed: readonly string[],
  starter?: readonly string[],
): void {
  const excess = labels.filter(
    (label) => !allowed.includes(label) || (starter !== undefined && !starter.includes(label)),
  );
  if (excess.length > 0)
    throw new AppError(
      'authority_exceeded',
      `Not allowed here: ${excess.map((label) => `label ${label}`).join(', ')}.`,
    );
}

/** Throws `session_not_active` unless a child may be started under this session now. The caller holds the graph lock. */
export function requireActive(session: SessionView): void {
  if (session.status !== 'active')
    throw new AppError('session_not_active', `The session ${session.id} is ${session.status}.`);
}

export interface LifeRequest {
  readonly lifecycle: Lifecycle;
  readonly ttlSeconds?: number | undefined;
  /** The life of a task that asks for none. */
  readonly usualSeconds?: number | undefined;
  readonly leaseSeconds?: number | undefined;
}

export interface Life {
  readonly expiresAt?: number;
  readonly leaseSeconds?: number;
  readonly leaseExpiresAt?: number;
}

/**
 * How long a new session may live: a task until its TTL, a service by its lease and no longer than what is above it. Asking for an end after
 * an ancestor's is `authority_exceeded` (beyond the leeway between clocks); an omitted TTL is shortened to it.
 */
export function lifeOf(request: LifeRequest, now: number, ancestorsEnd: number): Life {
  const bounded = Number.isFinite(ancestorsEnd) ? { expiresAt: ancestorsEnd } : {};
  if (request.lifecycle === 'service') {
    const leaseSeconds = request.leaseSeconds ?? DEFAULT_LEASE_SECONDS;
    return { ...bounded, leaseSeconds, leaseExpiresAt: now + leaseSeconds * 1000 };
  }
  const asked = now + (request.ttlSeconds ?? request.usualSeconds ?? DEFAULT_TTL_SECONDS) * 1000;
  if (request.ttlSeconds !== undefined && asked > ancestorsEnd + LEEWAY_MS) {
    throw new AppError('authority_exceeded', 'The session would live longer than it may here.');
  }
  return { expiresAt: Math.min(asked, ancestorsEnd) };
}

/** The earliest fixed end on a path, in milliseconds; leases do not count, because they are renewed. Infinity when nothing ends. */
export function pathEnd(path: readonly { readonly expiresAt?: number | undefined }[]): number {
  return Math.min(...path.map((session) => session.expiresAt ?? Number.POSITIVE_INFINITY));
}

/**
 * The end of a new edge: at its TTL, else as late as everything it depends on allows, at most a day. A TTL that is over by no more than the
 * leeway between clocks is shortened, so that one as long as its source's works; whether a longer one is too long is `refuseEdge`'s to judge.
 */
export function edgeEnd(now: number, ttlSeconds: number | undefined, ends: readonly number[]): number {
  const bound = Math.min(...ends);
  if (ttlSeconds === undefined) return Math.min(now + LONGEST_IMPLIED_EDGE_MS, bound);
  const asked = now + ttlSeconds * 1000;
  return asked > bound && asked <= bound + LEEWAY_MS ? bound : asked;
}
