import { callBudgets, type CallLedger } from '../call-ledger.js';
import type { CallNotes } from '../call-notes.js';
import type { BatchVerdict, RefusedMember } from './batch-calls.js';
import type { McpOperation } from './mcp-operation.js';

/** The ledger entries of a batch besides the one of its first allowed message. */
export interface BatchEntries {
  /** Of the other allowed messages; each gets an outcome of its own. */
  readonly allowed: readonly CallNotes[];
  readonly receiptOf: (member: RefusedMember) => string | undefined;
}

/** Records every other decision on a batch before anything of it leaves: each message has its entry, allowed or not. */
export async function recordBatch(
  ledger: Pick<CallLedger, 'intent' | 'refusal'>,
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
    await ledger.intent(forked, permission, callBudgets(permission.edges));
    return forked;
  });
  const refusals = refused.map(async (one) => {
    const forked = forkFor(one.member.operation);
    await ledger.refusal(forked, one.refusal);
    if (forked.receipt) receipts.set(one, `${forked.receipt.zone}/${forked.receipt.index}`);
  });
  const settled = await Promise.allSettled([...intents, ...refusals]);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return { allowed: await Promise.all(intents), receiptOf: (member) => receipts.get(member) };
}
