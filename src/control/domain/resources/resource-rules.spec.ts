import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultIdentifier, identifierFault } from './identifier.js';
import { anyOperation, operationFaults } from './operations.js';
import { templateFault, templateShape } from '../../../kernel/paths/path-template.js';
import type { ResourceOperation } from './resource.js';
import { resourceFaults, type ResourceDraft } from './resource-draft.js';
import { declaredScopeFaults } from './scope-names.js';

const BASE = 'https://caracal.example';

describe('resource identifiers (RFC 8707 §2)', () => {
  it.each([
    'https://api.example/v1',
    'https://api.example',
    'urn:example:billing',
    'http://api.example:8080/a?b=c',
    'https://api.example/a%20b',
  ])('accepts %s', (text) => {
    expect(identifierFault(text, BASE)).toBeUndefined();
  });

  it.each([
    '',
    'api',
    '/api',
    'https://api.example/#a',
    'https://api.example/a b',
    'https://api.example/%zz',
    'https://api.example/ä',
    'https:',
    'HTTPS://x',
    `urn:${'a'.repeat(1_100)}`,
  ])('refuses %s', (text) => {
    expect(identifierFault(text, BASE)).toBeDefined();
  });

  it.each([
    'https://caracal.example',
    'https://caracal.example/z/acme',
    'https://caracal.example:443/g/acme/x',
    'https://CARACAL.example/control/v1/invoke'.replace('CARACAL', 'caracal'),
  ])('[T2] refuses %s, which is an audience of ours', (text) => {
    expect(identifierFault(text, BASE)).toContain("this server's own address");
  });

  it('makes one that follows its own rules', () => {
    expect(identifierFault(defaultIdentifier('acme', 'billing-api'), BASE)).toBeUndefined();
  });
});

describe('path templates', () => {
  it.each([
    '/',
    '/a',
    '/a/',
    '/{id}',
    '/repos/{owner}/{repo}/issues/**',
    '/**',
    '/a//b',
    '/a%20b',
    '/v1:run',
    "/~user/(a)'b!",
  ])('accepts %s', (path) => {
    expect(templateFault(path)).toBeUndefined();
  });

  it.each([
    '',
    'a',
    '/a?b',
    '/a#b',
    '/*',
    '/**/a',
    '/a**',
    '/{}',
    '/{a',
    '/a{b}',
    '/{a}/{a}',
    '/{1a}',
    '/a b',
    '/%zz',
    '/ä',
    `/${'a'.repeat(1_024)}`,
  ])('refuses %s', (path) => {
    expect(templateFault(path)).toBeDefined();
  });

  it.each(['/a/../b', '/.', '/%2e%2e/a', '/a/.%2E', '/..;x/a', '/a%2fb', '/a%5Cb', '/a%00', '/a%0d%0a'])(
    '[T3] refuses %s, which the gateway never forwards',
    (path) => {
      expect(templateFault(path)).toBeDefined();
    },
  );

  it('gives one shape to templates that match the same calls', () => {
    expect(templateShape('/a/{id}/%7Eb')).toBe(templateShape('/a/{name}/~b'));
    expect(templateShape('/a%c3')).toBe(templateShape('/a%C3'));
    expect(templateShape('/a')).not.toBe(templateShape('/a/'));
  });
});

describe('operations of a resource', () => {
  const context = { declared: new Set(['read', 'write']), mcp: false };
  const fieldsOf = (operations: readonly ResourceOperation[], mcp = false) =>
    operationFaults(operations, { ...context, mcp }).map((fault) => fault.field);

  it('accepts methods on paths, any operation, several scopes at once, and tools of an MCP server', () => {
    expect(
      fieldsOf([
        { method: 'GET', path: '/a', scope: 'read' },
        { method: 'POST', path: '/a', scope: 'read write' },
        ...anyOperation('write'),
      ]),
    ).toEqual([]);
    expect(fieldsOf([{ mcp_tool: 'create_issue', scope: 'write' }], true)).toEqual([]);
  });

  it.each<[string, readonly ResourceOperation[], string]>([
    ['a scope that is not declared', [{ method: 'GET', path: '/a', scope: 'admin' }], 'operations.0.scope'],
    ['a scope that is no scope', [{ method: 'GET', path: '/a', scope: 'read  write' }], 'operations.0.scope'],
    ['a bad path', [{ method: 'GET', path: 'a', scope: 'read' }], 'operations.0.path'],
    ['a tool without MCP', [{ mcp_tool: 'echo', scope: 'read' }], 'operations.0.mcp_tool'],
    [
      'two that match the same calls',
      [
        { method: 'GET', path: '/{a}', scope: 'read' },
        { method: 'GET', path: '/{b}', scope: 'write' },
      ],
      'operations.1',
    ],
  ])('refuses %s', (_, operations, field) => {
    expect(fieldsOf(operations)).toEqual([field]);
  });

  it('refuses one tool twice', () => {
    expect(
      fieldsOf(
        [
          { mcp_tool: 'echo', scope: 'read' },
          { mcp_tool: 'echo', scope: 'write' },
        ],
        true,
      ),
    ).toEqual(['operations.1']);
  });

  it('judges any list without throwing', () => {
    const operation = fc.oneof(
      fc.record({ method: fc.string(), path: fc.string(), scope: fc.string() }),
      fc.record({ mcp_tool: fc.string(), scope: fc.string() }),
    );
    fc.assert(fc.property(fc.array(operation), (operations) => Array.isArray(operationFaults(operations, context))));
  });
});

describe('declared scopes', () => {
  it('refuses one scope twice and what is no scope-token (RFC 6749 §3.3)', () => {
    expect(declaredScopeFaults([{ name: 'a' }, { name: 'b' }, { name: 'a' }]).map((fault) => fault.field)).toEqual([
      'scopes.2.name',
    ]);
    expect(declaredScopeFaults([{ name: 'a b' }, { name: '' }, { name: 'a"' }]).length).toBe(3);
  });
});

describe('a resource as it would be stored', () => {
  const sound: ResourceDraft = {
    identifier: 'https://api.example',
    name: 'API',
    upstreamUrl: 'https://api.example/v1',
    enforcement: 'gateway',
    scopes: [{ name: 'read' }],
    operations: [{ method: 'GET', path: '/**', scope: 'read' }],
    provider: null,
    egress: {},
    limits: {},
    authorizationDetailsTypes: [],
    options: {},
    serverApplication: null,
  };

  it('accepts one behind the gateway and one of its own', () => {
    expect(resourceFaults(sound, BASE)).toEqual([]);
    expect(
      resourceFaults({ ...sound, enforcement: 'direct', upstreamUrl: null, serverApplication: 'app_1' }, BASE),
    ).toEqual([]);
  });

  it.each<[string, Partial<ResourceDraft>, string]>([
    ['a gateway without upstream', { upstreamUrl: null }, 'upstream_url'],
    ['an upstream with a query', { upstreamUrl: 'https://api.example/?a=b' }, 'upstream_url'],
    ['a server application behind the gateway', { serverApplication: 'app_1' }, 'server_application'],
    ['a withdrawn scope that an operation needs', { scopes: [{ name: 'write' }] }, 'operations.0.scope'],
    ['tools once MCP is off', { operations: [{ mcp_tool: 'echo', scope: 'read' }] }, 'operations.0.mcp_tool'],
    [
      'a total time below the time to the headers',
      { limits: { timeout_ms: 10, total_timeout_ms: 5 } },
      'limits.total_timeout_ms',
    ],
    ['single use without the gateway', { enforcement: 'direct', options: { single_use: true } }, 'single_use'],
  ])('refuses %s', (_, change, field) => {
    expect(resourceFaults({ ...sound, ...change }, BASE).map((fault) => fault.field)).toEqual([field]);
  });
});
