import { foldName } from '../../domain/header-names.js';
import type { RawHeaders } from '../../domain/upstream-request.js';
import type { McpMessage } from './mcp-message.js';

/** The first revision that wants the body's method and name in header fields. */
const MIRRORING_REVISION = '2026-07-28';
const REVISION = /^\d{4}-\d{2}-\d{2}$/;
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const NAMED_BY: Readonly<Record<string, 'name' | 'uri'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};
const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;
const PLAIN = /^[\x20-\x7e\t]*$/;

/** The values of a header field in every spelling that a server may take for it. `name` as {@link foldName} writes it. */
export function foldedValues(headers: RawHeaders, name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (foldName(headers[at] as string) === name) values.push(headers[at + 1] as string);
  }
  return values;
}

/**
 * What is wrong between the header fields and the body (MCP 2026-07-28, Streamable HTTP, “Server Validation”), or undefined. A field that is
 * there must agree whatever the revision; from the revision on that introduced them, requests must have them. A batch agrees with none.
 */
export function headerMismatch(headers: RawHeaders, messages: readonly McpMessage[]): string | undefined {
  const [version, method, name] = ['mcp-protocol-version', 'mcp-method', 'mcp-name'].map((field) =>
    foldedValues(headers, field),
  ) as [readonly string[], readonly string[], readonly string[]];
  if (version.length > 1 || method.length > 1 || name.length > 1) return 'a header field is repeated';
  const [message, ...others] = messages;
  if (!message) return undefined;
  if (others.length > 0)
    return method.length + name.length > 0 ? 'Mcp-Method and Mcp-Name cannot describe a batch' : undefined;
  return (
    versionMismatch(version[0], message) ??
    methodMismatch(method[0], version[0], message) ??
    nameMismatch(name[0], version[0], message)
  );
}

function mirrors(version: string | undefined): boolean {
  return version !== undefined && REVISION.test(version) && version >= MIRRORING_REVISION;
}

function versionMismatch(header: string | undefined, { params, kind }: McpMessage): string | undefined {
  const meta = params['_meta'];
  const inBody = typeof meta === 'object' && meta !== null ? (meta as Record<string, unknown>)[VERSION_KEY] : undefined;
  if (inBody === undefined || kind === 'response') return undefined;
  if (header === undefined) return 'MCP-Protocol-Version is missing';
  return inBody === header ? undefined : 'MCP-Protocol-Version does not match the body';
}

function methodMismatch(
  header: string | undefined,
  version: string | undefined,
  message: McpMessage,
): string | undefined {
  if (header === undefined) return mirrors(version) && message.kind === 'request' ? 'Mcp-Method is missing' : undefined;
  return message.kind !== 'response' && header === message.method ? undefined : 'Mcp-Method does not match the body';
}

function nameMismatch(
  header: string | undefined,
  version: string | undefined,
  { kind, method, params }: McpMessage,
): string | undefined {
  const member = NAMED_BY[method];
  if (header === undefined)
    return member !== undefined && mirrors(version) && kind === 'request' ? 'Mcp-Name is missing' : undefined;
  const named = decodeMirrored(header);
  if (named === undefined) return 'Mcp-Name holds invalid characters';
  const candidates = member === undefined ? ['name', 'uri', 'taskId'] : [member];
  return candidates.some((candidate) => params[candidate] === named) ? undefined : 'Mcp-Name does not match the body';
}

/** The value behind a mirrored header field (“Value Encoding”); undefined when it is none. */
export function decodeMirrored(value: string): string | undefined {
  if (!PLAIN.test(value)) return undefined;
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value;
  const base64 = ENCODED.exec(value)?.[1];
  if (base64 === undefined || base64.length % 4 !== 0) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
