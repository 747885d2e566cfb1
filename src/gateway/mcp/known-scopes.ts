import type { Binding } from '../bindings.js';
import { type MatchedOperation, operationsFor as declaredFor } from '../domain/operation.js';
import type { RawHeaders } from '../domain/upstream-request.js';
import { decodeMirrored, foldedValues } from './domain/mcp-headers.js';
import { operationsFor, usesOf } from './domain/mcp-rules.js';

/** A request to an MCP server, as far as it is known before its body is read. */
export interface UnreadRequest {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: RawHeaders;
}

type Rules = Pick<Binding, 'resource' | 'operations' | 'mcp'>;

/**
 * The scopes that a challenge may name when no token was accepted (RFC 6750 §3; MCP 2026-07-28, “Protected Resource Metadata Discovery”): those of
 * the operation that the header fields mirror, or of the one on the path where the server is not told apart further. Undefined when it would have to be
 * guessed: clients ask for exactly what is named.
 */
export function knownScopes(rules: Rules, request: UnreadRequest): string | undefined {
  if (!rules.resource.mcp) return undefined;
  const declared = declaredFor(rules.operations, request.method, request.path);
  const [first, ...others] = mirrored(rules, request, declared[0]) ?? onPath(rules, declared);
  const scopes = first && textOf(first);
  return others.every((other) => textOf(other) === scopes) ? scopes : undefined;
}

function textOf({ scopes }: MatchedOperation): string {
  return [...scopes].sort().join(' ');
}

/** The operations of what `Mcp-Method` and `Mcp-Name` say; undefined when they say nothing. */
function mirrored(
  { mcp }: Rules,
  { rawHeaders }: UnreadRequest,
  fallback: MatchedOperation | undefined,
): readonly MatchedOperation[] | undefined {
  const [method] = foldedValues(rawHeaders, 'mcp-method');
  const [name = ''] = foldedValues(rawHeaders, 'mcp-name');
  if (method === undefined) return undefined;
  const kind = usesOf(method);
  return kind === undefined ? [] : operationsFor(mcp, kind, decodeMirrored(name) ?? '', fallback);
}

function onPath({ mcp }: Rules, declared: readonly MatchedOperation[]): readonly MatchedOperation[] {
  const isToldApart = [mcp.tool, mcp.prompt, mcp.resource].some((rules) => rules.length > 0);
  return isToldApart ? [] : declared;
}
