import type { JsonValue } from '../../../kernel/json.js';

export const INVOCATION_STATUSES = ['pending', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled'] as const;
export type InvocationStatus = (typeof INVOCATION_STATUSES)[number];

export type InvocationEventType =
  'created' | 'started' | 'progress' | 'failed' | 'retried' | 'succeeded' | 'cancelled' | 'timed_out';

/** Work that one session hands to another. It passes no authority. Times in milliseconds. */
export interface Invocation {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly sourceApplication: string;
  readonly targetApplication: string;
  readonly txn: string;
  readonly status: InvocationStatus;
  /** How many attempts have begun. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly backoffSeconds: number;
  /** The generation of the target that the running attempt began under. */
  readonly generation?: number | undefined;
  /** For the whole work, all attempts included. */
  readonly deadlineAt: number;
  /** An attempt may begin from then on. */
  readonly availableAt: number;
  readonly inputDigest?: string | undefined;
  readonly input?: JsonValue | undefined;
  readonly resultDigest?: string | undefined;
  readonly result?: JsonValue | undefined;
  readonly reason?: string | undefined;
  /** How far the current attempt says it has come. */
  readonly percent?: number | undefined;
  readonly createdAt: number;
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
}

/** What became of an invocation at one point. */
export interface InvocationEvent {
  readonly type: InvocationEventType;
  readonly at: number;
  readonly attempt: number;
  readonly note?: string | undefined;
  readonly percent?: number | undefined;
}

/** True while something can still become of it without a retry. */
export function isUnfinished(status: InvocationStatus): boolean {
  return status === 'pending' || status === 'running';
}

/** What an invocation is now: one whose deadline has passed has timed out, whatever its row says yet. */
export function liveInvocation(stored: Invocation, now: number): Invocation {
  if (!isUnfinished(stored.status) || now < stored.deadlineAt) return stored;
  return { ...stored, status: 'timed_out', endedAt: stored.deadlineAt, reason: 'deadline' };
}
