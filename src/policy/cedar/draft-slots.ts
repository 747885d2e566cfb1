import { CompiledPolicySet, type PolicySource } from './compiled-policy-set.js';

/** Drafts that may be compiled at the same time in one process; the engine never forgets a slot, so there are few. */
const SLOTS = 4;

const free = Array.from({ length: SLOTS }, (_, at) => `draft/${at}`);
const waiting: ((slot: string) => void)[] = [];

/** Compiles policies that are not in force for as long as `work` runs. Throws PolicyTextError; waits while too many drafts are open. */
export async function withDraft<T>(
  draft: { readonly version: number; readonly sources: readonly PolicySource[] },
  work: (set: CompiledPolicySet) => T | Promise<T>,
): Promise<T> {
  const slot = free.pop() ?? (await new Promise<string>((resolve) => waiting.push(resolve)));
  try {
    return await work(new CompiledPolicySet(draft.version, draft.sources, slot));
  } finally {
    const next = waiting.shift();
    if (next) next(slot);
    else free.push(slot);
  }
}
