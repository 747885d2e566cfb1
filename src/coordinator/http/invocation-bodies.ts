import type { JsonObject, JsonValue } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';
import type { Invocation } from '../domain/invocations/invocation.js';
import type { NumberedEvent } from '../persistence/invocations/invocation-rows.js';

/** An invocation without what was handed over: administrators look after the work, not into it. */
export function invocationSummary(invocation: Invocation): JsonObject {
  return {
    id: invocation.id,
    status: invocation.status,
    source: invocation.source,
    target: invocation.target,
    source_application: invocation.sourceApplication,
    target_application: invocation.targetApplication,
    attempts: invocation.attempts,
    max_attempts: invocation.maxAttempts,
    backoff_seconds: invocation.backoffSeconds,
    deadline_at: formatTime(invocation.deadlineAt),
    available_at: formatTime(invocation.availableAt),
    percent: invocation.percent ?? null,
    input_digest: invocation.inputDigest ?? null,
    result_digest: invocation.resultDigest ?? null,
    reason: invocation.reason ?? null,
    created_at: formatTime(invocation.createdAt),
    started_at: timeOrNull(invocation.startedAt),
    ended_at: timeOrNull(invocation.endedAt),
  };
}

/** An invocation as its parties see it. */
export function invocationBody(invocation: Invocation): JsonObject {
  return { ...invocationSummary(invocation), input: invocation.input ?? null, result: invocation.result ?? null };
}

export function eventBody({ seq, type, at, attempt, note, percent }: NumberedEvent): JsonObject {
  return {
    seq,
    type,
    at: formatTime(at),
    attempt,
    ...(note === undefined ? {} : { [type === 'progress' ? 'note' : 'reason']: note }),
    ...(percent === undefined ? {} : { percent }),
  };
}

function timeOrNull(ms: number | undefined): JsonValue {
  return ms === undefined ? null : formatTime(ms);
}
