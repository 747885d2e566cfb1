import type { FieldFault } from '../../../kernel/app-error.js';
import { parseScope, type ScopeSet } from '../../../kernel/scopes.js';
import { templateFault, templateShape } from '../../../kernel/paths/path-template.js';
import { argumentFaults } from './argument-schemas.js';
import { PREDICATE_PARTS, predicateFaults } from './predicates.js';
import type { McpOperation, PathOperation, ResourceOperation } from './resource.js';

export const OPERATION_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '*'] as const;
export const MOST_OPERATIONS = 2_000;

/** Names as MCP servers use them, and URIs: printable, without spaces. A last `*` stands for anything. */
const NAMES = {
  mcp_tool: {
    form: /^[\x21-\x7e]{1,128}$/,
    message: 'must be the name of a tool: 1–128 printable ASCII characters, like create_issue',
  },
  mcp_prompt: {
    form: /^[\x21-\x7e]{1,128}$/,
    message: 'must be the name of a prompt: 1–128 printable ASCII characters',
  },
  mcp_resource: {
    form: /^[\x21-\x7e]{1,1024}$/,
    message: 'must be a URI in printable ASCII characters, like file:///docs/*',
  },
} as const;
type McpMember = keyof typeof NAMES;

/** `operations: "any"` in full: every method and path, for one explicit scope. */
export function anyOperation(scope: string): readonly ResourceOperation[] {
  return [{ method: '*', path: '/**', scope }];
}

export interface OperationContext {
  /** The scopes the resource declares. */
  readonly declared: ScopeSet;
  readonly mcp: boolean;
}

/**
 * What is wrong with a resource's operations: each names a method and a path template, or a tool, prompt or resource of an MCP server, needs only
 * scopes that the resource declares, and no two match the same calls.
 */
export function operationFaults(
  operations: readonly ResourceOperation[],
  context: OperationContext,
): readonly FieldFault[] {
  const seen = new Map<string, number>();
  return operations.flatMap((operation, at) => {
    const faults = 'path' in operation ? pathFaults(operation) : mcpFaults(operation, context);
    const scope = scopeFault(operation.scope, context.declared);
    if (scope !== undefined) faults.push({ field: 'scope', message: scope });
    const twin = seen.get(keyOf(operation));
    if (twin !== undefined) faults.push({ field: '', message: `matches the same calls as operations.${twin}` });
    else seen.set(keyOf(operation), at);
    return faults.map(({ field, message }) => ({
      field: field === '' ? `operations.${at}` : `operations.${at}.${field}`,
      message,
    }));
  });
}

function mcpFaults(operation: McpOperation, { mcp }: OperationContext): FieldFault[] {
  const [member, name] = namedBy(operation);
  if (!mcp) return [{ field: member, message: 'needs mcp: true on the resource' }];
  const { form, message } = NAMES[member];
  const args = 'args' in operation && operation.args !== undefined ? argumentFaults(operation.args) : [];
  return [...(form.test(name) ? [] : [{ field: member, message }]), ...args];
}

function namedBy(operation: McpOperation): readonly [McpMember, string] {
  if ('mcp_tool' in operation) return ['mcp_tool', operation.mcp_tool];
  return 'mcp_prompt' in operation ? ['mcp_prompt', operation.mcp_prompt] : ['mcp_resource', operation.mcp_resource];
}

function pathFaults(operation: PathOperation): FieldFault[] {
  const message = templateFault(operation.path);
  return [...(message === undefined ? [] : [{ field: 'path', message }]), ...predicateFaults(operation)];
}

function scopeFault(scope: string, declared: ScopeSet): string | undefined {
  const needed = parseScope(scope);
  if (!needed) return 'must be one or more scope names separated by single spaces (RFC 6749 §3.3)';
  const unknown = [...needed].filter((name) => !declared.has(name));
  return unknown.length === 0 ? undefined : `names ${unknown.join(', ')}, which scopes does not declare`;
}

function keyOf(operation: ResourceOperation): string {
  if (!('path' in operation))
    return [...namedBy(operation), JSON.stringify(('args' in operation && operation.args) || null)].join(' ');
  const predicates = PREDICATE_PARTS.map((part) => JSON.stringify(operation[part] ?? null));
  return [operation.method, templateShape(operation.path), ...predicates].join(' ');
}
