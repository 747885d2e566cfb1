import type { JsonObject } from '../../kernel/json.js';
import type { Binding } from '../bindings.js';
import { GatewayError } from '../domain/gateway-error.js';
import type { MatchedOperation } from '../domain/operation.js';
import { headerMismatch } from './domain/mcp-headers.js';
import { type McpMessage, readMcpBody } from './domain/mcp-message.js';
import { matchMcp, type McpUse, needOf } from './domain/mcp-rules.js';
import { argumentsDigest, declaredArguments } from './recorded-arguments.js';

/** The code of “HeaderMismatch” (MCP 2026-07-28, “Server Validation”). */
const HEADER_MISMATCH = -32_020;
const LONGEST_NAME = 1_024;

/** What one message does, as far as operations are told apart. */
export interface McpOperation {
  readonly template: string;
  /** Every scope it needs; undefined when any held scope will do. */
  readonly scopes: ReadonlySet<string> | undefined;
  /** `operation.mcp` of the ledger entry. */
  readonly mcp: JsonObject;
  readonly mcpMethod: string;
  readonly tool?: string | undefined;
  /** The arguments that the operation declares. */
  readonly args?: JsonObject | undefined;
}

/** A message and the operation that covers it, or why none does. */
export interface McpMember {
  readonly message: McpMessage;
  readonly operation: McpOperation;
  readonly refusal?: GatewayError;
}

/** Reads the body of a POST to an MCP server; refuses what could be read in two ways and what its header fields describe otherwise. */
export function readMcpMembers(
  binding: Binding,
  body: Buffer,
  rawHeaders: readonly string[],
  declared: MatchedOperation | undefined,
): { readonly members: readonly McpMember[]; readonly isBatch: boolean } {
  const read = readMcpBody(decode(body));
  if (read.kind === 'malformed') throw new GatewayError('invalid_request', { detail: read.reason });
  const messages = read.kind === 'batch' ? read.messages : [read.message];
  const mismatch = headerMismatch(rawHeaders, messages);
  if (mismatch !== undefined) throw headersDisagree(mismatch, messages);
  return { members: messages.map((message) => memberOf(binding, message, declared)), isBatch: read.kind === 'batch' };
}

function headersDisagree(message: string, [only, ...others]: readonly McpMessage[]): GatewayError {
  const id = others.length === 0 ? only?.id : undefined;
  return new GatewayError('invalid_request', {
    detail: message,
    reasons: ['header_mismatch'],
    rpc: { id: id ?? null, code: HEADER_MISMATCH, message: `Header mismatch: ${message}` },
  });
}

function memberOf(binding: Binding, message: McpMessage, declared: MatchedOperation | undefined): McpMember {
  const { method } = message;
  const need = needOf(message);
  if (typeof need === 'string') throw new GatewayError('invalid_request', { detail: need });
  if (need.kind === 'common') return { message, operation: anyScope(method) };
  if (need.kind === 'other') return covered(message, declared ? [declared] : [], { method });
  return memberOfUses(binding, message, need.uses, declared);
}

function memberOfUses(
  binding: Binding,
  message: McpMessage,
  uses: readonly [McpUse, ...McpUse[]],
  declared: MatchedOperation | undefined,
): McpMember {
  const [{ kind, args }] = uses;
  const names = uses.map(({ name }) => name).join(' ');
  const matched = uses.map((use) => matchMcp(binding.mcp, use, declared)).filter((match) => match !== undefined);
  const { operation, ...rest } = covered(message, matched.length === uses.length ? matched : [], {
    method: message.method,
    [kind]: names.slice(0, LONGEST_NAME),
  });
  const mcp = message.params['arguments'] === undefined ? {} : { arguments: argumentsDigest(args) };
  return {
    ...rest,
    operation: { ...operation, mcp: { ...operation.mcp, ...mcp }, args: declaredArguments(args, matched[0]?.declared) },
  };
}

type Recorded = Readonly<Record<string, string>>;

/** The operation of a message that needs the scopes of all that it names. */
function covered(message: McpMessage, matched: readonly MatchedOperation[], mcp: Recorded): McpMember {
  const [first] = matched;
  const tool = mcp['tool'];
  if (first) {
    const scopes = new Set(matched.flatMap((match) => match.scopes));
    return { message, operation: { template: first.template, scopes, mcp, mcpMethod: message.method, tool } };
  }
  const detail = Object.values(mcp).join(' ');
  return {
    message,
    operation: { ...anyScope(message.method), mcp, tool },
    refusal: new GatewayError('operation_not_permitted', { detail }),
  };
}

/** Open to whoever holds any scope of the resource. */
export function anyScope(method: string): McpOperation {
  return { template: `mcp:${method}`, scopes: undefined, mcp: { method }, mcpMethod: method };
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new GatewayError('invalid_request', { detail: 'not UTF-8', cause });
  }
}
