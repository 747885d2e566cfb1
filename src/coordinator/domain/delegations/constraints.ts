import { isJsonObject, type JsonValue } from '../../../kernel/json.js';
import { templateFault } from '../../../kernel/paths/path-template.js';
import { parseTime } from '../../../kernel/times.js';
import type { DelegationEdge } from '../../../policy/index.js';

/** What every use of a delegation is held to, beyond its resources, scopes and life. */
export type EdgeConstraints = Pick<DelegationEdge, 'notBefore' | 'operations' | 'maxCalls'>;

type EdgeOperation = NonNullable<DelegationEdge['operations']>[number];

export const MOST_EDGE_OPERATIONS = 64;
export const MOST_CALLS = 1_000_000_000;

const METHOD = /^(?:\*|[A-Z]{1,16})$/;
/** Tool names as MCP servers use them: printable, without spaces. */
const TOOL = /^[\x21-\x7e]{1,128}$/;

/**
 * The constraints of a delegation as they are enforced, or undefined when they are none: a constraint that nobody would check must not look as
 * if it held, so unknown members and malformed values are faults.
 */
export function parseConstraints(value: unknown): EdgeConstraints | undefined {
  if (!isJsonObject(value)) return undefined;
  const { not_before: notBefore, operations, max_calls: maxCalls, ...unknown } = value;
  const parsed = {
    notBefore: typeof notBefore === 'string' ? parseTime(notBefore) : undefined,
    operations: parseOperations(operations),
    maxCalls: isCount(maxCalls) ? maxCalls : undefined,
  };
  const given = { notBefore, operations, maxCalls };
  const sound = (Object.keys(given) as (keyof EdgeConstraints)[]).every(
    (name) => given[name] === undefined || parsed[name] !== undefined,
  );
  if (!sound || Object.keys(unknown).length > 0) return undefined;
  return Object.fromEntries(Object.entries(parsed).filter(([, one]) => one !== undefined));
}

/** True for constraints that every use of a delegation is held to. */
export function areConstraints(value: unknown): boolean {
  return parseConstraints(value) !== undefined;
}

function parseOperations(value: JsonValue | undefined): readonly EdgeOperation[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_EDGE_OPERATIONS) return undefined;
  const operations = (value as readonly JsonValue[]).map(parseOperation);
  return operations.every((one) => one !== undefined) ? operations : undefined;
}

function parseOperation(value: JsonValue): EdgeOperation | undefined {
  if (!isJsonObject(value)) return undefined;
  const names = Object.keys(value).sort().join(' ');
  const { method, path, mcp_tool: tool } = value;
  if (names === 'mcp_tool') return typeof tool === 'string' && TOOL.test(tool) ? { mcpTool: tool } : undefined;
  if (names !== 'method path' || typeof method !== 'string' || typeof path !== 'string') return undefined;
  return METHOD.test(method) && templateFault(path) === undefined ? { method, path } : undefined;
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST_CALLS;
}
