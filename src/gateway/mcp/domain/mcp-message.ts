import { isJsonObject, type JsonObject, type JsonValue, parseJsonStrict } from '../../../kernel/json.js';

/** The id of a JSON-RPC request (JSON-RPC 2.0 §4); undefined for what wants no answer. */
export type McpId = string | number;

/** One JSON-RPC message of the Model Context Protocol as it will be decided on. */
export interface McpMessage {
  readonly kind: 'request' | 'notification' | 'response';
  readonly id: McpId | undefined;
  /** `response` for an answer to a request of the server. */
  readonly method: string;
  readonly params: JsonObject;
  /** The message as it was received, byte for byte. */
  readonly text: string;
}

export type McpBody =
  | { readonly kind: 'single'; readonly message: McpMessage }
  | { readonly kind: 'batch'; readonly messages: readonly McpMessage[] }
  | { readonly kind: 'malformed'; readonly reason: string };

const DEEPEST = 64;
const MOST_MEMBERS = 100;
const LONGEST_ID = 1_024;
const METHOD = /^[A-Za-z$][A-Za-z0-9_.$/-]{0,127}$/;
/** Methods that are told apart here; another spelling of one of them is read by nobody in the same way. */
const KNOWN = [
  'initialize',
  'ping',
  'server/discover',
  'tools/call',
  'tools/list',
  'resources/read',
  'resources/list',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/get',
  'prompts/list',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
];
const EXACT: ReadonlyMap<string, string> = new Map(KNOWN.map((name) => [name.toLowerCase(), name]));

/**
 * Reads an MCP body so that a decision can be made on what the server will see. Malformed is everything that two parsers could read differently:
 * duplicate members, odd ids, a method in another case, a message that is request and answer at once, nested batches, two requests of one id.
 */
export function readMcpBody(text: string): McpBody {
  const value = parsed(text);
  if (value instanceof Error) return malformed(value.message);
  if (!Array.isArray(value)) return readSingle(value, text);
  return readBatch(value, text);
}

function readSingle(value: JsonValue, text: string): McpBody {
  const message = readMessage(value, text);
  return typeof message === 'string' ? malformed(message) : { kind: 'single', message };
}

function readBatch(values: readonly JsonValue[], text: string): McpBody {
  if (values.length === 0) return malformed('an empty batch');
  if (values.length > MOST_MEMBERS) return malformed('too many messages');
  const texts = elementTexts(text);
  const messages: McpMessage[] = [];
  const ids = new Set<McpId>();
  for (const [at, value] of values.entries()) {
    const message = readMessage(value, texts[at] ?? '');
    if (typeof message === 'string') return malformed(message);
    if (message.kind === 'request' && ids.has(message.id as McpId)) return malformed('two requests of one id');
    if (message.kind === 'request') ids.add(message.id as McpId);
    messages.push(message);
  }
  return { kind: 'batch', messages };
}

function malformed(reason: string): McpBody {
  return { kind: 'malformed', reason };
}

function parsed(text: string): JsonValue | Error {
  try {
    return parseJsonStrict(text, { maxDepth: DEEPEST });
  } catch (error) {
    return error instanceof Error ? error : new Error('not JSON');
  }
}

function readMessage(value: JsonValue, text: string): McpMessage | string {
  if (!isJsonObject(value)) return Array.isArray(value) ? 'a batch in a batch' : 'not an object';
  if (value['jsonrpc'] !== undefined && value['jsonrpc'] !== '2.0') return 'not JSON-RPC 2.0';
  if (!isId(value['id'])) return 'an id that is neither a string nor an integer';
  return 'result' in value || 'error' in value
    ? readAnswer(value, value['id'], text)
    : readCall(value, value['id'], text);
}

/** A message without a method answers a request of the server (JSON-RPC 2.0 §5). */
function readAnswer(value: JsonObject, id: McpId | undefined, text: string): McpMessage | string {
  if (value['method'] !== undefined) return 'a request and an answer at once';
  return { kind: 'response', id, method: 'response', params: {}, text };
}

function readCall({ method, params }: JsonObject, id: McpId | undefined, text: string): McpMessage | string {
  if (typeof method !== 'string' || !isUnambiguous(method)) return 'not the name of a method';
  if (params !== undefined && !isJsonObject(params)) return 'params is no object';
  return { kind: id === undefined ? 'notification' : 'request', id, method, params: params ?? {}, text };
}

function isId(id: JsonValue | undefined): id is McpId | undefined {
  if (id === undefined) return true;
  return typeof id === 'string' ? id.length <= LONGEST_ID : typeof id === 'number' && Number.isSafeInteger(id);
}

function isUnambiguous(method: string): boolean {
  if (!METHOD.test(method)) return false;
  const exact = EXACT.get(method.toLowerCase());
  return exact === undefined || exact === method;
}

/** The texts of an array's elements; `text` is known to be a valid JSON array. */
export function elementTexts(text: string): readonly string[] {
  const texts: string[] = [];
  let depth = 0;
  let start = text.indexOf('[') + 1;
  for (let at = start; depth >= 0; at += 1) {
    const character = text[at] as string;
    if (character === '"') at = endOfString(text, at);
    depth += STEPS[character] ?? 0;
    if (depth >= 0 && (depth > 0 || character !== ',')) continue;
    texts.push(text.slice(start, at).trim());
    start = at + 1;
  }
  return texts;
}

const STEPS: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 };

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
