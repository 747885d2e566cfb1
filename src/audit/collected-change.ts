import type { ChangeKind } from '../platform/changes/index.js';
import type { ZoneTx } from '../platform/database/index.js';
import type { ChangeTx, Claimed, Recorded } from './change-tx.js';
import type { EntryDraft } from './domain/entry.js';
import type { OnceClaim } from './domain/once-claim.js';
import type { OutboxMessage } from './persistence/outbox-rows.js';

export interface RecordedEntry {
  readonly draft: Omit<EntryDraft, 'zone'>;
  readonly at: Recorded;
}

/** A claim, and what is thrown when it was taken before. */
export interface Claim {
  readonly once: OnceClaim;
  readonly refusal: () => Error;
  readonly claimed: Claimed;
}

/** What a change asks for while it runs, to be written last. */
export class Collected {
  readonly changes: { kind: ChangeKind; id: string }[] = [];
  readonly entries: RecordedEntry[] = [];
  readonly messages: OutboxMessage[] = [];
  readonly claims: Claim[] = [];

  bind(tx: ZoneTx): ChangeTx {
    return {
      ...tx,
      changed: (kind, id) => void this.changes.push({ kind, id }),
      record: (draft) => {
        const at: Recorded = { index: -1 };
        this.entries.push({ draft, at });
        return at;
      },
      enqueue: (message) => void this.messages.push(message),
      claim: (once, refusal) => {
        const claimed: Claimed = { taken: true };
        this.claims.push({ once, refusal, claimed });
        return claimed;
      },
    };
  }
}
