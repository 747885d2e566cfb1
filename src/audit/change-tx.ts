import type { ChangeKind } from '../platform/changes/index.js';
import type { ZoneTx } from '../platform/database/index.js';
import type { EntryDraft } from './domain/entry.js';
import type { OnceClaim } from './domain/once-claim.js';
import type { OutboxMessage } from './persistence/outbox-rows.js';

/** Where an entry went. `index` is known once the change has committed. */
export interface Recorded {
  index: number;
}

/** What became of a claim; `taken` is known once the change has committed, and false of a budget where one among the same was taken. */
export interface Claimed {
  taken: boolean;
}

/** The transaction of a state change. What is collected here is written last, in the lock order rows → feed head → ledger head. */
export interface ChangeTx extends ZoneTx {
  /** The object's views are re-read on every replica, here before the call is answered. */
  changed(kind: ChangeKind, id: string): void;
  /** The entry without which this change does not happen. */
  record(entry: Omit<EntryDraft, 'zone'>): Recorded;
  /** A message that is sent if and only if this transaction commits. */
  enqueue(message: OutboxMessage): void;
  /** Without this claim the change does not happen: when it was taken before, `refusal` is thrown and everything is rolled back. */
  claim(once: OnceClaim, refusal: () => Error): Claimed;
}

/** Makes changes of one zone each. Whether each commits by itself or all of them together is the runner's. */
export interface ChangeRunner {
  run<T>(zone: string, work: (tx: ChangeTx) => Promise<T>): Promise<T>;
}
