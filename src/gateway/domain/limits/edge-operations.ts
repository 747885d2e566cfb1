import type { DelegationEdge } from '../../../policy/index.js';
import { compileOperations, matchOperation, type OperationTable } from '../operation.js';

type EdgeOperations = NonNullable<DelegationEdge['operations']>;

/** A call, as far as the operations of a delegation tell calls apart. */
export interface EdgeCall {
  readonly method: string;
  readonly path: string;
  readonly mcpTool?: string | undefined;
  /** What every MCP client does before it calls a tool: handshake, liveness, lists. */
  readonly common: boolean;
}

interface Compiled {
  readonly table: OperationTable;
  readonly tools: ReadonlySet<string>;
}

/** Made once per edge as it was read. */
const known = new WeakMap<EdgeOperations, Compiled>();

/**
 * True when each edge that the authority came through allows this call: one without `operations` allows whatever its scopes do, one with some
 * allows what one of them matches — a method and path as a resource's operations match, or a tool by its name. Who may call a tool may
 * also do what every MCP client does before. What is no call of an upstream (undefined) is none of anybody's operations.
 */
export function edgesPermit(edges: readonly Pick<DelegationEdge, 'operations'>[], call: EdgeCall | undefined): boolean {
  return edges.every(({ operations }) => operations === undefined || (call && permits(compiled(operations), call)));
}

function permits({ table, tools }: Compiled, { method, path, mcpTool, common }: EdgeCall): boolean {
  if (mcpTool !== undefined && tools.has(mcpTool)) return true;
  if (common && tools.size > 0) return true;
  return matchOperation(table, method, path) !== undefined;
}

function compiled(operations: EdgeOperations): Compiled {
  const made = known.get(operations) ?? compile(operations);
  known.set(operations, made);
  return made;
}

function compile(operations: EdgeOperations): Compiled {
  const rules = operations.flatMap((one) => ('mcpTool' in one ? [] : [{ ...one, scopes: [] }]));
  const tools = operations.flatMap((one) => ('mcpTool' in one ? [one.mcpTool] : []));
  return { table: compileOperations(rules), tools: new Set(tools) };
}
