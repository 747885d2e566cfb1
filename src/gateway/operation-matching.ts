import type { IncomingMessage } from 'node:http';
import type { Binding } from './bindings.js';
import { GatewayError } from './domain/gateway-error.js';
import { type McpCall, readMcpCall } from './domain/mcp-call.js';
import { type MatchedOperation, matchOperation } from './domain/operation.js';
import { hasBody, type Incoming, openBody } from './http/incoming.js';

/** What a call does, as far as the gateway tells operations apart. */
export interface CallOperation {
  readonly template: string;
  /** Every scope it needs; undefined when any held scope will do. */
  readonly scopes: ReadonlySet<string> | undefined;
  readonly mcp?: { readonly method: string; readonly tool?: string } | undefined;
  /** The body, when it had to be read to know; these very bytes are forwarded. */
  readonly body?: Buffer | undefined;
}

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
/** An MCP message that is decided on is held in memory. */
const LONGEST_MESSAGE = 4_194_304;

/** Matches a request to a declared operation; nothing declared means `operation_not_permitted`. */
export async function matchCall(binding: Binding, incoming: Incoming, path: string): Promise<CallOperation> {
  const { request } = incoming;
  const method = request.method ?? '';
  const declared = matchOperation(binding.operations, method, path);
  const operation = binding.resource.mcp ? await matchMcp(binding, incoming, declared) : fromDeclared(declared);
  if (!operation) throw new GatewayError('operation_not_permitted', { detail: `${method} ${path}` });
  return operation;
}

async function matchMcp(
  binding: Binding,
  incoming: Incoming,
  declared: MatchedOperation | undefined,
): Promise<CallOperation | undefined> {
  const { request } = incoming;
  if (request.method === 'GET' || request.method === 'DELETE')
    return fromDeclared(declared) ?? anyScope(`session ${request.method}`);
  if (request.method !== 'POST' || !isPlainJson(request) || !hasBody(request)) return fromDeclared(declared);
  const body = await readMessage(incoming, Math.min(LONGEST_MESSAGE, binding.limits.maxBodyBytes));
  const operation = matchMessage(binding, readMcpCall(decode(body)), declared);
  return operation && { ...operation, body };
}

function matchMessage(
  binding: Binding,
  call: McpCall,
  declared: MatchedOperation | undefined,
): CallOperation | undefined {
  switch (call.kind) {
    case 'malformed':
      throw new GatewayError('invalid_request', { detail: call.reason });
    case 'common':
      return anyScope(call.method);
    case 'tool': {
      const operation = fromDeclared(binding.tools.get(call.tool) ?? declared);
      return operation && { ...operation, mcp: { method: 'tools/call', tool: call.tool } };
    }
    case 'other': {
      const operation = fromDeclared(declared);
      return operation && { ...operation, mcp: { method: call.method } };
    }
  }
}

function fromDeclared(operation: MatchedOperation | undefined): CallOperation | undefined {
  return operation && { template: operation.template, scopes: new Set(operation.scopes) };
}

function anyScope(method: string): CallOperation {
  return { template: `mcp:${method}`, scopes: undefined, mcp: { method } };
}

function isPlainJson({ headers }: IncomingMessage): boolean {
  return JSON_TYPE.test(headers['content-type'] ?? '') && headers['content-encoding'] === undefined;
}

async function readMessage(incoming: Incoming, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of openBody(incoming, maxBytes)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new GatewayError('invalid_request', { detail: 'not UTF-8', cause });
  }
}
