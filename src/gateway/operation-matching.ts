import type { JsonObject } from '../kernel/json.js';
import type { Binding } from './bindings.js';
import { GatewayError } from './domain/gateway-error.js';
import { type DeclaredOperation, matchDeclared, readBody } from './declared-operations.js';
import type { MatchedOperation } from './domain/operation.js';
import type { GatewayTarget } from './domain/target.js';
import { hasBody, type Incoming } from './http/incoming.js';
import { foldedValues } from './mcp/domain/mcp-headers.js';
import { anyScope, type McpMember, readMcpMembers } from './mcp/mcp-operation.js';

/** What a call does, as far as the gateway tells operations apart. */
export interface CallOperation {
  readonly template: string;
  /** Every scope it needs; undefined when any held scope will do. */
  readonly scopes: ReadonlySet<string> | undefined;
  readonly mcp?: JsonObject | undefined;
  readonly mcpMethod?: string | undefined;
  readonly tool?: string | undefined;
  readonly args?: JsonObject | undefined;
  /** The body, when it had to be read to know; these very bytes are forwarded. */
  readonly body?: Buffer | undefined;
  /** The messages of a batch; each is decided on by itself. */
  readonly batch?: readonly McpMember[] | undefined;
  /** The answer may hold lists, which are reduced to what the caller may use. */
  readonly lists?: boolean | undefined;
}

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/** Matches a request to a declared operation; nothing declared means `operation_not_permitted`. */
export async function matchCall(binding: Binding, incoming: Incoming, target: GatewayTarget): Promise<CallOperation> {
  const { request } = incoming;
  const method = request.method ?? '';
  const declared = await matchDeclared(binding, incoming, target);
  // Messages inside a WebSocket are not looked at, so tools could be called there that the mandate does not cover.
  if (binding.resource.mcp && incoming.upgrade)
    throw new GatewayError('operation_not_permitted', { detail: 'a WebSocket to an MCP server' });
  const operation = binding.resource.mcp
    ? await matchMcpCall(binding, incoming, declared)
    : fromDeclared(declared.operation, declared.body);
  if (!operation) throw new GatewayError('operation_not_permitted', { detail: `${method} ${target.path}` });
  return operation;
}

/** A server reads messages from POST bodies only; what it might read otherwise than we do is refused. */
async function matchMcpCall(
  binding: Binding,
  incoming: Incoming,
  declared: DeclaredOperation,
): Promise<CallOperation | undefined> {
  const { request } = incoming;
  if (request.method === 'POST') return matchMessages(binding, incoming, declared);
  if (hasBody(request)) throw new GatewayError('invalid_request', { detail: `a ${request.method} with a body` });
  if (request.method !== 'GET' && request.method !== 'DELETE') return fromDeclared(declared.operation);
  const operation = fromDeclared(declared.operation) ?? anyScope(`session ${request.method}`);
  return { ...operation, lists: request.method === 'GET' };
}

async function matchMessages(
  binding: Binding,
  incoming: Incoming,
  declared: DeclaredOperation,
): Promise<CallOperation> {
  const { rawHeaders } = incoming.request;
  requirePlainJson(rawHeaders);
  if (!hasBody(incoming.request)) throw new GatewayError('invalid_request', { detail: 'no message' });
  const body = declared.body ?? (await readBody(binding, incoming));
  const { members, isBatch } = readMcpMembers(binding, body, rawHeaders, declared.operation);
  requireSessionForAnswers(members, rawHeaders);
  const lists = members.some(({ message }) => message.method.endsWith('/list'));
  const [first] = members;
  if (isBatch || !first) return { ...anyScope('batch'), body, lists, batch: members };
  if (first.refusal) throw first.refusal;
  return { ...first.operation, body, lists };
}

function fromDeclared(operation: MatchedOperation | undefined, body?: Buffer): CallOperation | undefined {
  return operation && { template: operation.template, scopes: new Set(operation.scopes), body };
}

function requirePlainJson(rawHeaders: readonly string[]): void {
  const [type, ...others] = foldedValues(rawHeaders, 'content-type');
  const encodings = foldedValues(rawHeaders, 'content-encoding').filter((value) => value.trim() !== 'identity');
  if (type === undefined || others.length > 0 || !JSON_TYPE.test(type))
    throw new GatewayError('invalid_request', { detail: 'a message must be application/json in UTF-8' });
  if (encodings.length > 0) throw new GatewayError('invalid_request', { detail: 'a message must not be compressed' });
}

/** Without a session nobody can tell whose question an answer is for. */
function requireSessionForAnswers(members: readonly McpMember[], rawHeaders: readonly string[]): void {
  if (!members.some(({ message }) => message.kind === 'response')) return;
  if (foldedValues(rawHeaders, 'mcp-session-id').length === 0)
    throw new GatewayError('invalid_request', { detail: 'an answer outside of a session' });
}
