import type { AuditedChanges, EntryDraft, OnceClaim, Recorded } from '../../audit/index.js';
import { isJsonObject, type JsonObject, parseJsonStrict } from '../../kernel/json.js';
import type { Database } from '../../platform/database/index.js';
import { type Envelope, SealError } from '../../platform/secrets/index.js';
import type { Approval } from '../domain/approvals/approval.js';
import { consumedEntry, type NewsCause } from '../domain/approvals/entries.js';
import { consumeApproval, sealedToken, type SealedToken } from '../persistence/approvals/approval-rows.js';

/** How long a lost answer can be had again. */
const REDELIVERY_MS = 120_000;

/**
 * Nothing was changed: `used` when the approval was used by somebody else or before, or its time is over; `claim_lost` when a proof of the request had been
 * used, and the approval is still there.
 */
export class ApprovalUseError extends Error {
  override readonly name = 'ApprovalUseError';

  /** `lost` are kinds of the ledger's claims. */
  constructor(
    readonly fault: 'used' | 'claim_lost',
    readonly lost: readonly string[] = [],
  ) {
    super(`the approval was not used: ${fault}`);
  }
}

/** What an approval releases. */
export interface Release {
  readonly approval: Approval;
  /** The entry of the decision that the approval made possible. */
  readonly entry: Omit<EntryDraft, 'zone'>;
  /** Proofs of the request that work once. */
  readonly claims: readonly OnceClaim[];
  /** The claims of the token that is released, when one is. */
  readonly token?: JsonObject | undefined;
  readonly cause: NewsCause;
}

/** Where the entry is, and what it took of its claims: of budgets among the same one was enough. */
export interface Used extends Recorded {
  readonly taken: readonly OnceClaim[];
}

interface Parts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly envelope: Envelope;
}

/** Uses approvals up, each once, in the transaction of the ledger entry that says what for. */
export class ApprovalUse {
  constructor(private readonly parts: Parts) {}

  /** Resolves when all is durable; answers where the entry is and which claims were taken. Throws {@link ApprovalUseError}. */
  async consume(zone: string, { approval, entry, claims, token, cause }: Release): Promise<Used> {
    const { id, binding } = approval;
    const { recorded, claimed } = await this.parts.changes.run(zone, async (tx) => {
      const used = { id, binding, now: cause.at, token: token && this.seal(zone, id, token, cause.at) };
      if (!(await consumeApproval(tx, used))) throw new ApprovalUseError('used');
      const claimed = claims.map((once) => tx.claim(once, () => new ApprovalUseError('claim_lost', [once.kind])));
      const recorded = tx.record({ ...entry, approval: id });
      tx.record(consumedEntry(approval, cause));
      tx.changed('approval', id);
      return { recorded, claimed };
    });
    return { index: recorded.index, taken: claims.filter((_, at) => claimed[at]?.taken) };
  }

  /** The claims of the token that this approval released a moment ago; undefined later. */
  async released(zone: string, id: string, now: number): Promise<JsonObject | undefined> {
    const sealed = await this.parts.database.readZone(zone, (tx) => sealedToken(tx, id, now));
    if (!sealed) return undefined;
    try {
      const claims = parseJsonStrict(this.parts.envelope.open(sealed, contextOf(zone, id)).toString('utf8'));
      return isJsonObject(claims) ? claims : undefined;
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  }

  private seal(zone: string, id: string, token: JsonObject, now: number): SealedToken {
    const sealed = this.parts.envelope.seal(Buffer.from(JSON.stringify(token), 'utf8'), contextOf(zone, id));
    return { sealed, until: now + REDELIVERY_MS };
  }
}

function contextOf(zone: string, row: string) {
  return { purpose: 'redelivery', zone, table: 'approvals', row, column: 'token_sealed', version: 1 };
}
