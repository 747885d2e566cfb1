import { describe, expect, it } from '@jest/globals';
import { commandOf, type CommandSource, isCommandRoute } from './command.js';

const source: CommandSource = {
  handler: 'AdminPolicySetsController.activate',
  path: '/v1/zones/:z/policy-sets/:version/activate',
  capability: 'write',
  conditional: false,
  pages: false,
  definitions: {},
};
const text = { type: 'string' };

describe('commands', () => {
  it.each([
    ['AdminPolicySetsController.activate', 'control:policy-sets:activate'],
    ['ApplicationsController.create', 'control:applications:create'],
    ['SubjectIssuersController.listAll', 'control:subject-issuers:list-all'],
    ['AdministrationController.read', 'control:administration:read'],
  ])('%s is called %s', (handler, scope) => {
    expect(commandOf({ ...source, handler }).scope).toBe(scope);
  });

  it('with a zone in the path acts in the token’s zone, and the zone is no argument', () => {
    const command = commandOf(source);
    expect(command).toMatchObject({ zone: 'bound', inputs: { path: ['version'], zoneName: 'z' } });
    expect(command.schema).toEqual({
      type: 'object',
      additionalProperties: false,
      properties: { version: text },
      required: ['version'],
    });
    expect(commandOf({ ...source, path: '/v1/zones' })).toMatchObject({ zone: 'global', inputs: { path: [] } });
  });

  it('takes path, query, body and condition as one flat object', () => {
    const { schema, inputs } = commandOf({
      ...source,
      conditional: true,
      pages: true,
      query: { properties: { status: text } },
      body: { properties: { reason: text }, required: ['reason'] },
    });
    expect(Object.keys(schema['properties'] as object)).toEqual([
      'version',
      'status',
      'limit',
      'cursor',
      'reason',
      'if_match',
    ]);
    expect(schema['required']).toEqual(['version', 'reason', 'if_match']);
    expect(inputs).toMatchObject({ query: ['status', 'limit', 'cursor'], body: ['reason'], conditional: true });
  });

  it('refuses to exist when an argument would mean two things', () => {
    expect(() => commandOf({ ...source, body: { properties: { version: text } } })).toThrow(/version/);
  });

  it.each([
    ['/v1/zones', 'read', true],
    ['/v1/zones/:zone/audit/events', 'audit', true],
    ['/v1/admin-tokens', 'bootstrap', false],
    ['/v1/zones/:zone/approvals/:id/approve', 'approve', false],
    ['/health/ready', 'read', false],
  ] as const)('[T9] %s with %s is a command: %s', (path, capability, expected) => {
    expect(isCommandRoute(path, capability)).toBe(expected);
  });
});
