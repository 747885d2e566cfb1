import type { McpKind } from './mcp-rules.js';

/** Tells whether the caller may use what a list names; `template` is a URI template of resources. */
export type Visible = (kind: McpKind | 'template', name: string) => boolean;

type JsonRecord = Readonly<Record<string, unknown>>;

/** The members of list results, and what names their items. */
const LISTS = [
  { member: 'tools', kind: 'tool', named: 'name' },
  { member: 'prompts', kind: 'prompt', named: 'name' },
  { member: 'resources', kind: 'resource', named: 'uri' },
  { member: 'resourceTemplates', kind: 'template', named: 'uriTemplate' },
] as const;

/**
 * A message of the server, or several, with every list result reduced to what the caller may use and marked as its own
 * (`cacheScope: "private"`, MCP 2026-07-28, “Caching”). A list is known by its shape, not by the id it answers: ids are the server's to mix up, and a
 * resumed stream repeats answers of earlier requests. Other messages stay as they are, the very same value.
 */
export function withVisibleLists(message: unknown, visible: Visible): unknown {
  if (isList(message)) {
    const filtered = message.map((member) => withVisibleLists(member, visible));
    return filtered.every((member, at) => member === message[at]) ? message : filtered;
  }
  if (!isRecord(message) || !isRecord(message['result'])) return message;
  const result = visibleResult(message['result'], visible);
  return result === message['result'] ? message : { ...message, result };
}

function visibleResult(result: JsonRecord, visible: Visible): JsonRecord {
  const listed = LISTS.filter(({ member }) => Array.isArray(result[member]));
  if (listed.length === 0) return result;
  const kept = listed.map(({ member, kind, named }): [string, unknown[]] => [
    member,
    (result[member] as unknown[]).filter(
      (item) => isRecord(item) && typeof item[named] === 'string' && visible(kind, item[named]),
    ),
  ]);
  return { ...result, ...Object.fromEntries<unknown>(kept), cacheScope: 'private' };
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
