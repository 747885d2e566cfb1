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
  /** With its `?`; empty without one. */
  readonly query: string;
  /** Only where the resource binds bodies. */
  readonly body?: Buffer | undefined;
}

/**
 * The operation that people approve. The query and the body are bound by their digests: what is in them is nobody's business but the upstream's.
 * Of an MCP message the name and the arguments count, since its id is another one each time.
 */
export function heldOperation(call: BoundCall): JsonObject {
  const { method, path, template, mcpMethod, mcpTool, query, body } = call;
  return {
    method,
    path,
    template,
    ...(mcpMethod === undefined
      ? {}
      : { mcp: { method: mcpMethod, ...(mcpTool === undefined ? {} : { tool: mcpTool }) } }),
    ...(query === '' ? {} : { query_digest: digest(query) }),
    ...(body === undefined ? {} : { body_digest: digest(boundBytes(body, mcpMethod !== undefined)) }),
  };
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
