import { AppError } from '../../kernel/app-error.js';
import type { ChangeTx } from '../../audit/index.js';
import type { Initiator } from '../domain/initiator.js';
import { invocationEntry } from '../domain/invocations/invocation-entry.js';
import type { Invocation } from '../domain/invocations/invocation.js';
import { type Move, moveInvocation } from '../domain/invocations/moves.js';
import { addEvent, updateInvocation } from '../persistence/invocations/invocation-rows.js';

/** Progress beyond this is refused; every other event still fits behind it. */
const MOST_EVENTS = 1_000;

/** Moves an invocation whose row the caller holds: row, event, ledger entry, and news to whoever waits for work. */
export async function recordMove(
  tx: ChangeTx,
  before: Invocation,
  what: { move: Move; by: Initiator; now: number },
): Promise<Invocation> {
  const { invocation, event } = moveInvocation(before, what.move, what.now);
  await updateInvocation(tx, invocation);
  const seq = await addEvent(tx, invocation.id, event);
  if (event.type !== 'progress') {
    tx.record(invocationEntry(event, invocation, what.by));
    tx.changed('invocation', invocation.target);
  } else if (seq > MOST_EVENTS) {
    const members = { limit: 'events_per_invocation' };
    throw new AppError('limit_exceeded', 'The invocation has too many events.', { members });
  }
  return invocation;
}
