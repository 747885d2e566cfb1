import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';

const TEXT = { type: 'String' } as const;
const OPTIONAL_TEXT = { type: 'String', required: false } as const;

/** An argument of operations as it was declared. */
export interface DeclaredArgument {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
}

const ARGUMENT_TYPES = { string: 'String', integer: 'Long', boolean: 'Boolean' } as const;

/** Everything a policy may read of a request. `operation` and its parts, `address` and `issuer` are optional: an unguarded access is refused. */
const contextType = (args: readonly DeclaredArgument[]) => ({
  type: 'Record' as const,
  attributes: {
    subject: { type: 'Record', attributes: { type: TEXT, sub: TEXT, issuer: OPTIONAL_TEXT } },
    depth: { type: 'Long' },
    chain: { type: 'Set', element: TEXT },
    approved: { type: 'Boolean' },
    operation: {
      type: 'Record',
      required: false,
      attributes: {
        method: OPTIONAL_TEXT,
        path: OPTIONAL_TEXT,
        template: OPTIONAL_TEXT,
        mcp_method: OPTIONAL_TEXT,
        mcp_tool: OPTIONAL_TEXT,
        args: { type: 'Record' as const, required: false, attributes: argumentTypes(args) },
      },
    },
    address: { type: 'Extension', name: 'ipaddr', required: false },
    time: { type: 'Record', attributes: { hour: { type: 'Long' }, weekday: { type: 'Long' } } },
  },
});

/** An argument that has had several types has none that a policy could rely on, so it cannot be read. */
function argumentTypes(args: readonly DeclaredArgument[]) {
  const types = new Map<string, Set<DeclaredArgument['type']>>();
  for (const { name, type } of args) types.set(name, (types.get(name) ?? new Set()).add(type));
  const readable = [...types].flatMap(([name, [type, ...others]]) =>
    type === undefined || others.length > 0 ? [] : [[name, { type: ARGUMENT_TYPES[type], required: false }] as const],
  );
  return Object.fromEntries(readable);
}

/**
 * The Cedar schema of a zone: one action per scope that was ever declared there, on `Resource`, by a `Session` (in its `Application` and
 * its `Label`s) or by an `Application` without a session. Scopes and arguments are never taken out, so withdrawing one invalidates no policy.
 */
export function cedarSchema(scopes: Iterable<string>, args: readonly DeclaredArgument[] = []): SchemaJson<string> {
  const context = contextType(args);
  const appliesTo = { principalTypes: ['Session', 'Application'], resourceTypes: ['Resource'], context };
  const actions = Object.fromEntries([...new Set(scopes)].sort().map((scope) => [scope, { appliesTo }]));
  const entityTypes = {
    Application: {},
    Label: {},
    User: {},
    Resource: {},
    Session: { memberOfTypes: ['Application', 'Label'] },
  };
  return { '': { entityTypes, actions } };
}
