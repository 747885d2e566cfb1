import type { McpId, McpMessage } from './mcp-message.js';

/** The error code of a request in a batch that may not be made. */
export const REFUSED = -32_001;

/** A JSON-RPC error (JSON-RPC 2.0 §5.1). */
export interface RpcError {
  readonly jsonrpc: '2.0';
  readonly id: McpId | null;
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export function rpcError(id: McpId | undefined, code: number, message: string, data: unknown): RpcError {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message, data } };
}

/**
 * The answers of a batch in the order of its requests: the server's for what was forwarded, ours in place of what was not. What the server says besides
 * comes last, so that nothing it said is lost; a request that it left without an answer stays without one (JSON-RPC 2.0 §6).
 */
export function assembleBatch(
  requests: readonly McpMessage[],
  answered: unknown,
  refused: ReadonlyMap<McpId, RpcError>,
): readonly unknown[] {
  const given = answered === undefined ? [] : Array.isArray(answered) ? [...(answered as unknown[])] : [answered];
  const placed = requests.flatMap(({ kind, id }) => {
    if (kind !== 'request') return [];
    const own = refused.get(id as McpId);
    if (own) return [own];
    const at = given.findIndex((answer) => idOf(answer) === id);
    return at < 0 ? [] : given.splice(at, 1);
  });
  return [...placed, ...given.filter((answer) => !refused.has(idOf(answer) as McpId))];
}

function idOf(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null && 'id' in answer ? answer.id : undefined;
}
