import { type BatchVerdict, refusedAnswers, type RefusedMember } from './batch-calls.js';
import { assembleBatch } from './domain/batch-answer.js';
import { type Visible, withVisibleLists } from './domain/visible-lists.js';
import type { AnswerPlan } from './mcp-answer.js';

export interface AnswerFacts {
  /** What may be shown of lists; undefined when the answer holds none. */
  readonly visible: Visible | undefined;
  readonly bindSession: (id: string) => Promise<void>;
  readonly batch: BatchVerdict | undefined;
  readonly receiptOf: ((member: RefusedMember) => string | undefined) | undefined;
}

/** How the answer to one call is treated. */
export function answerPlan({ visible, bindSession, batch, receiptOf }: AnswerFacts): AnswerPlan {
  const reduce = visible && ((messages: unknown) => withVisibleLists(messages, visible));
  if (!batch || batch.refused.length === 0) return { reduce, bindSession };
  const refused = refusedAnswers(batch.refused, receiptOf ?? (() => undefined));
  return {
    reduce,
    bindSession,
    assemble: (answered) => assembleBatch(batch.messages, answered, refused),
    ownMessages: [...refused.values()],
  };
}
