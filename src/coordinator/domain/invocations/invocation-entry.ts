import type { EntryDraft } from '../../../audit/index.js';
import { formatTime } from '../../../kernel/times.js';
import { causedBy, type Initiator } from '../initiator.js';
import type { Invocation, InvocationEvent } from './invocation.js';

/** The ledger entry that says what became of an invocation; `session` is the one that handed the work out. Payloads show as digests only. */
export function invocationEntry(
  event: InvocationEvent,
  invocation: Invocation,
  by: Initiator,
): Omit<EntryDraft, 'zone'> {
  const { id, target, targetApplication, deadlineAt, inputDigest, resultDigest } = invocation;
  return {
    type: `invocation.${event.type}`,
    occurredAt: event.at,
    ...causedBy(by),
    txn: invocation.txn,
    application: invocation.sourceApplication,
    session: invocation.source,
    detail: {
      invocation: id,
      target,
      target_application: targetApplication,
      attempt: event.attempt,
      ...(event.type === 'created' ? { deadline_at: formatTime(deadlineAt) } : {}),
      ...(event.type === 'created' && inputDigest !== undefined ? { input_digest: inputDigest } : {}),
      ...(event.type === 'succeeded' && resultDigest !== undefined ? { result_digest: resultDigest } : {}),
      ...(event.note === undefined ? {} : { reason: event.note }),
    },
  };
}
