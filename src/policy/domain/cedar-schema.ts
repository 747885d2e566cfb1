import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs';

const TEXT = { type: 'String' } as const;
const OPTIONAL_TEXT = { type: 'String', required: false } as const;

/** Everything a policy may read of a request. `operation` and its parts, `address` and `issuer` are optional: an unguarded access is refused. */
const CONTEXT = {
  type: 'Record',
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
        args: { type: 'Record', required: false, attributes: {} },
      },
    },
    address: { type: 'Extension', name: 'ipaddr', required: false },
    time: { type: 'Record', attributes: { hour: { type: 'Long' }, weekday: { type: 'Long' } } },
  },
} as const;

/**
 * The Cedar schema of a zone: one action per scope that was ever declared there, on `Resource`, by a `Session` (in its `Application` and
 * its `Label`s) or by an `Application` without a session. Scopes are never taken out, so withdrawing one invalidates no policy.
 */
export function cedarSchema(scopes: Iterable<string>): SchemaJson<string> {
  const appliesTo = { principalTypes: ['Session', 'Application'], resourceTypes: ['Resource'], context: CONTEXT };
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
