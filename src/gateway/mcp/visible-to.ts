import type { Binding } from '../bindings.js';
import type { CallAuthority, CallQuestion, Judgement } from '../call-authority.js';
import { type MatchedOperation, matchOperation } from '../domain/operation.js';
import { type McpKind, operationsFor, operationsForTemplate } from './domain/mcp-rules.js';
import type { Visible } from './domain/visible-lists.js';

type Kind = McpKind | 'template';

const USED_BY: Readonly<Record<Kind, string>> = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'resources/read',
};

/**
 * Tells what the caller may use, by the decision that a use would get. What needs an approval may be used, after it. What cannot be decided
 * is not shown.
 */
export async function visibleTo(
  authority: Pick<CallAuthority, 'judge'>,
  question: CallQuestion,
  binding: Pick<Binding, 'operations' | 'mcp'>,
  now: number,
): Promise<Visible> {
  const judge = await authority.judge(question, now);
  const { path } = question.operation;
  const fallback = matchOperation(binding.operations, 'POST', path);
  const may = (kind: Kind, name: string, { template, scopes }: MatchedOperation): boolean => {
    const mcpTool = kind === 'tool' ? name : undefined;
    const operation = { method: 'POST', path, template, mcpMethod: USED_BY[kind], mcpTool };
    return isOpen(() => judge({ operation, scopes: new Set(scopes) }));
  };
  return (kind, name) => {
    const operations =
      kind === 'template'
        ? operationsForTemplate(binding.mcp, name, fallback)
        : operationsFor(binding.mcp, kind, name, fallback);
    return operations.some((operation) => may(kind, name, operation));
  };
}

function isOpen(judge: () => Judgement): boolean {
  try {
    const { outcome } = judge().decision;
    return outcome === 'allow' || outcome === 'hold';
  } catch {
    return false;
  }
}
