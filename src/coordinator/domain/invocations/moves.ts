import { AppError } from '../../../kernel/app-error.js';
import type { JsonValue } from '../../../kernel/json.js';
import { type Invocation, type InvocationEvent, isUnfinished, liveInvocation } from './invocation.js';

/** What somebody, or time, does to an invocation. */
export type Move =
  | { readonly kind: 'start'; readonly generation: number }
  | { readonly kind: 'progress'; readonly note?: string | undefined; readonly percent?: number | undefined }
  | { readonly kind: 'complete'; readonly digest?: string | undefined; readonly result?: JsonValue | undefined }
  | { readonly kind: 'fail'; readonly reason: string }
  /** Nobody is left who could do it. */
  | { readonly kind: 'abandon'; readonly reason: string }
  | { readonly kind: 'retry' }
  | { readonly kind: 'cancel'; readonly reason: string }
  | { readonly kind: 'time_out' };

export interface Moved {
  readonly invocation: Invocation;
  readonly event: InvocationEvent;
}

const LONGEST_BACKOFF_MS = 3_600_000;

/**
 * The invocation after a move, and the event that says so: `pending → running → succeeded | failed | timed_out`, `failed → pending` by retry
 * while attempts and time remain, `pending | running → cancelled`. Throws `invalid_transition` for every other move; after the deadline none
 * is left but to have timed out. The caller holds the row and has checked whose move it is.
 */
export function moveInvocation(stored: Invocation, move: Move, now: number): Moved {
  const before = move.kind === 'time_out' ? stored : liveInvocation(stored, now);
  const after = MOVES[move.kind](before, move as never, now);
  if (!after) throw illegal(before, move);
  return after;
}

type Mover<Kind extends Move['kind']> = (
  before: Invocation,
  move: Extract<Move, { kind: Kind }>,
  now: number,
) => Moved | undefined;

const MOVES: { readonly [Kind in Move['kind']]: Mover<Kind> } = {
  start: (before, { generation }, now) => {
    if (before.status !== 'pending' || now < before.availableAt) return undefined;
    const attempts = before.attempts + 1;
    const begun = { ...before, attempts, generation, startedAt: now, percent: undefined, reason: undefined };
    return { invocation: { ...begun, status: 'running' }, event: { type: 'started', at: now, attempt: attempts } };
  },
  progress: (before, { note, percent }, now) =>
    before.status === 'running'
      ? {
          invocation: { ...before, percent: percent ?? before.percent },
          event: { type: 'progress', at: now, attempt: before.attempts, note, percent },
        }
      : undefined,
  complete: (before, { digest, result }, now) =>
    before.status === 'running'
      ? {
          invocation: { ...before, status: 'succeeded', endedAt: now, resultDigest: digest, result },
          event: { type: 'succeeded', at: now, attempt: before.attempts },
        }
      : undefined,
  fail: (before, { reason }, now) => (before.status === 'running' ? failed(before, reason, now) : undefined),
  abandon: (before, { reason }, now) => (isUnfinished(before.status) ? failed(before, reason, now) : undefined),
  retry: (before, _move, now) => {
    if (before.status !== 'failed' || before.attempts >= before.maxAttempts || now >= before.deadlineAt)
      return undefined;
    const availableAt = Math.max(now, (before.endedAt ?? now) + backoffMs(before));
    const cleared = { generation: undefined, startedAt: undefined, endedAt: undefined, percent: undefined };
    return {
      invocation: { ...before, ...cleared, status: 'pending', availableAt, reason: undefined },
      event: { type: 'retried', at: now, attempt: before.attempts },
    };
  },
  cancel: (before, { reason }, now) =>
    isUnfinished(before.status)
      ? {
          invocation: { ...before, status: 'cancelled', endedAt: now, reason },
          event: { type: 'cancelled', at: now, attempt: before.attempts, note: reason },
        }
      : undefined,
  time_out: (before, _move, now) => {
    const late = liveInvocation(before, now);
    return isUnfinished(before.status) && late.status === 'timed_out'
      ? { invocation: late, event: { type: 'timed_out', at: before.deadlineAt, attempt: before.attempts } }
      : undefined;
  },
};

function failed(before: Invocation, reason: string, now: number): Moved {
  return {
    invocation: { ...before, status: 'failed', endedAt: now, reason },
    event: { type: 'failed', at: now, attempt: before.attempts, note: reason },
  };
}

/** Doubles with every attempt that has failed. */
function backoffMs({ backoffSeconds, attempts }: Invocation): number {
  return Math.min(LONGEST_BACKOFF_MS, backoffSeconds * 1000 * 2 ** Math.max(0, Math.min(attempts, 32) - 1));
}

function illegal(before: Invocation, move: Move): AppError {
  return new AppError('invalid_transition', `The invocation is ${before.status}; it cannot be moved so now.`, {
    detail: `${move.kind} of ${before.status}`,
  });
}
