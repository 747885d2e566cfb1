import type { OnceClaim } from '../../audit/index.js';
import type { CallLedger } from '../call-ledger.js';
import type { CallNotes } from '../call-notes.js';
import type { BatchVerdict, RefusedMember } from './batch-calls.js';
import type { McpOperation } from './mcp-operation.js';

/** The ledger entries of a batch besides the one of its first allowed message. */
export interface BatchEntries {
  /** Of the other allowed messages; each gets an outcome of its own. */
  readonly allowed: readonly CallNotes[];
  readonly receiptOf: (member: RefusedMember) => string | undefined;
  /** What they spent. */
  readonly taken: readonly OnceClaim[];
}

/**
 * Records every other decision on a batch before anything of it leaves: each message has its entry, allowed or not. When one of them cannot be
 * recorded nothing leaves, and what the others spent is given back.
 */
export async function recordBatch(
  ledger: Pick<CallLedger, 'intent' | 'refusal' | 'release'>,
  notes: CallNotes,
  asked: { readonly method: string; readonly path: string },
  { allowed, refused }: BatchVerdict,
): Promise<BatchEntries> {
  const receipts = new Map<RefusedMember, string>();
  const [, ...others] = allowed;
  const forkFor = ({ template, mcp }: McpOperation): CallNotes => {
    const forked = notes.fork();
    forked.operation({ ...asked, template, mcp });
    return forked;
  };
  const intents = others.map(async ({ member, permission }) => {
    const forked = forkFor(member.operation);
    return { forked, taken: await ledger.intent(forked, permission, []) };
  });
  const refusals = refused.map(async (one) => {
    const forked = forkFor(one.member.operation);
    await ledger.refusal(forked, one.refusal);
    if (forked.receipt) receipts.set(one, `${forked.receipt.zone}/${forked.receipt.index}`);
  });
  const [recorded, answered] = await Promise.all([Promise.allSettled(intents), Promise.allSettled(refusals)]);
  const sent = recorded.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const taken = sent.flatMap((one) => one.taken);
  const failed = [...recorded, ...answered].find((one) => one.status === 'rejected');
  if (failed) {
    await ledger.release(notes.zone, taken);
    throw failed.reason;
  }
  return { allowed: sent.map(({ forked }) => forked), receiptOf: (member) => receipts.get(member), taken };
}
