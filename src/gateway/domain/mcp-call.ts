import { isJsonObject, type JsonObject, type JsonValue, parseJsonStrict } from '../../kernel/json.js';

/** What a JSON-RPC message of the Model Context Protocol asks for. */
export type McpCall =
  | { readonly kind: 'tool'; readonly tool: string }
  /** Open to whoever holds any scope of the resource: handshake, liveness, lists, notifications, answers. */
  | { readonly kind: 'common'; readonly method: string }
  | { readonly kind: 'other'; readonly method: string }
  | { readonly kind: 'malformed'; readonly reason: string };

const COMMON: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
]);

/**
 * Reads one MCP message so that a decision can be made on what the server will see: duplicate members and other forms that parsers read
 * differently are malformed. Batches are malformed here; the caller must refuse them.
 */
export function readMcpCall(body: string): McpCall {
  const message = parsed(body);
  if (message instanceof Error) return { kind: 'malformed', reason: message.message };
  if (!isJsonObject(message)) return { kind: 'malformed', reason: Array.isArray(message) ? 'batch' : 'not an object' };
  const { method, params } = message;
  if (method === undefined) return answerOrNothing(message);
  if (typeof method !== 'string') return { kind: 'malformed', reason: 'method is no string' };
  if (method === 'tools/call') return toolCall(params);
  return COMMON.has(method) || method.startsWith('notifications/')
    ? { kind: 'common', method }
    : { kind: 'other', method };
}

function parsed(body: string): JsonValue | Error {
  try {
    return parseJsonStrict(body, { maxDepth: 64 });
  } catch (error) {
    return error instanceof Error ? error : new Error('not JSON');
  }
}

/** A message without a method answers a request of the server (JSON-RPC 2.0 §5). */
function answerOrNothing(message: JsonObject): McpCall {
  return 'result' in message || 'error' in message
    ? { kind: 'common', method: 'response' }
    : { kind: 'malformed', reason: 'no method' };
}

function toolCall(params: JsonValue | undefined): McpCall {
  const name = params !== undefined && isJsonObject(params) ? params['name'] : undefined;
  return typeof name === 'string' && name !== ''
    ? { kind: 'tool', tool: name }
    : { kind: 'malformed', reason: 'tools/call without a name' };
}
