import { createHash } from 'node:crypto';
import { canonicalize } from '../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue, parseJsonStrict } from '../../kernel/json.js';

/** A call as its approval binds it. */
export interface BoundCall {
  readonly method: string;
  readonly path: string;
  readonly template: string;
  readonly mcpMethod?: string | undefined;
  readonly mcpTool?: string | undefined;
  /** Those that policies can read. */
  readonly args?: JsonObject | undefined;
  /** With its `?`; empty without one. */
  readonly query: string;
  /** Only where the resource binds bodies. */
  readonly body?: Buffer | undefined;
}

/**
 * The operation that people approve. The query and the body are bound by their digests: what is in them is nobody's business but the upstream's.
 * Of an MCP message the name and the arguments count, since its id is another one each time. Arguments that policies can read are bound, and shown, as they are.
 */
export function heldOperation(call: BoundCall): JsonObject {
  const { method, path, template, query, body } = call;
  return {
    method,
    path,
    template,
    ...mcpOf(call),
    ...(query === '' ? {} : { query_digest: digest(query) }),
    ...(body === undefined ? {} : { body_digest: digest(boundBytes(body, call.mcpMethod !== undefined)) }),
  };
}

function mcpOf({ mcpMethod: method, mcpTool: tool, args }: BoundCall): JsonObject {
  if (method === undefined) return {};
  return { mcp: { method, ...(tool === undefined ? {} : { tool }), ...(args === undefined ? {} : { args }) } };
}

function boundBytes(body: Buffer, mcp: boolean): Buffer | string {
  if (!mcp) return body;
  const message = parseJsonStrict(body.toString('utf8'), { maxDepth: 64 });
  const params: JsonValue | undefined = isJsonObject(message) ? message['params'] : undefined;
  if (!params || !isJsonObject(params)) return canonicalize(null);
  const { _meta: _perCall, ...asked } = params;
  return canonicalize(asked);
}

function digest(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
