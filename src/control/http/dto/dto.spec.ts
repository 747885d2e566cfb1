import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import { CreateApplicationDto } from './application.dto.js';
import { CreateGrantDto, PatchGrantDto } from './grant.dto.js';
import { CreateResourceDto } from './resource.dto.js';
import { CreateZoneDto, PatchZoneDto } from './zone.dto.js';

/** As the edge validates: unknown members are faults and nothing is converted. */
async function faultsOf(dto: new () => object, body: object): Promise<readonly string[]> {
  const value = plainToInstance(dto, body, { exposeUnsetFields: false });
  return flatten(await validate(value, { whitelist: true, forbidNonWhitelisted: true, stopAtFirstError: true }), '');
}

function flatten(errors: readonly ValidationError[], parent: string): string[] {
  return errors.flatMap(({ property, constraints, children }) => {
    const field = `${parent}${property}`;
    return [
      ...Object.values(constraints ?? {}).map((message) => `${field}: ${message}`),
      ...flatten(children ?? [], `${field}.`),
    ];
  });
}

const resource = {
  slug: 'r',
  upstream_url: 'https://x.example',
  scopes: [{ name: 'a' }],
  operations: [{ method: 'GET', path: '/', scope: 'a' }],
};

describe('shapes of administration requests', () => {
  it.each([
    ['a zone', CreateZoneDto, { slug: 'acme', name: 'Acme' }],
    [
      'a zone with settings',
      CreateZoneDto,
      { slug: 'a', name: 'A', limits: { depth: 3 }, dpop_nonce: 'required', grace_seconds: 5, public_log: true },
    ],
    ['settings that go back to their default', PatchZoneDto, { limits: null, hold_ttl_seconds: null }],
    [
      'an application',
      CreateApplicationDto,
      { name: 'Agent', allowed_labels: ['tier:gold'], expires_at: '2040-01-01T00:00:00Z' },
    ],
    ['a resource', CreateResourceDto, resource],
    ['a resource of any operation', CreateResourceDto, { ...resource, operations: 'any', scope: 'a' }],
    ['an MCP operation', CreateResourceDto, { ...resource, mcp: true, operations: [{ mcp_tool: 'echo', scope: 'a' }] }],
    ['a grant', CreateGrantDto, { application: 'app_1', resource: 'res_1', scopes: ['a'], label: 'x' }],
    ['a grant that loses its label', PatchGrantDto, { label: null }],
  ])('accepts %s', async (_, dto, body) => {
    expect(await faultsOf(dto, body)).toEqual([]);
  });

  it.each([
    ['a missing member', CreateZoneDto, { slug: 'acme' }, 'name: '],
    ['null for a member that cannot be taken away', CreateZoneDto, { slug: 'acme', name: null }, 'name: '],
    ['an unknown member', CreateZoneDto, { slug: 'acme', name: 'A', colour: 'red' }, 'colour: '],
    ['an unknown limit', PatchZoneDto, { limits: { width: 3 } }, 'limits.width: '],
    [
      'a slug in capitals',
      CreateZoneDto,
      { slug: 'Acme', name: 'A' },
      'slug: must be 1–63 of a–z, 0–9 and -, not at either end, like billing-api',
    ],
    ['a name of spaces', CreateZoneDto, { slug: 'acme', name: '  ' }, 'name: must be 1–200'],
    ['a name that turns its surroundings', CreateZoneDto, { slug: 'acme', name: 'a\u202eb' }, 'name: must be 1–200'],
    ['a number as text', PatchZoneDto, { grace_seconds: '5' }, 'grace_seconds: '],
    ['a fraction', PatchZoneDto, { grace_seconds: 1.5 }, 'grace_seconds: '],
    ['a limit beyond the deepest', PatchZoneDto, { limits: { depth: 11 } }, 'limits.depth: '],
    [
      'a bad label',
      CreateApplicationDto,
      { name: 'A', allowed_labels: ['a b'] },
      'allowed_labels: each item must be 1–64',
    ],
    ['labels that are no list', CreateApplicationDto, { name: 'A', allowed_labels: 'x' }, 'allowed_labels: '],
    [
      'a limit of the zone on an application',
      CreateApplicationDto,
      { name: 'A', limits: { sessions_per_zone: 1 } },
      'limits.sessions_per_zone: ',
    ],
    [
      'a time without offset',
      CreateApplicationDto,
      { name: 'A', expires_at: '2040-01-01T00:00:00' },
      'expires_at: must be an RFC 3339 time',
    ],
    ['no scopes in a grant', CreateGrantDto, { application: 'a', resource: 'r', scopes: [] }, 'scopes: '],
    [
      'a scope with a space',
      CreateGrantDto,
      { application: 'a', resource: 'r', scopes: ['a b'] },
      'scopes: each item must be a scope name',
    ],
    ['a scope as text', CreateGrantDto, { application: 'a', resource: 'r', scopes: 'a' }, 'scopes: '],
    ['operations that are a text', CreateResourceDto, { ...resource, operations: 'all' }, 'operations: '],
    [
      'an operation without path',
      CreateResourceDto,
      { ...resource, operations: [{ method: 'GET', scope: 'a' }] },
      'operations.0.path: ',
    ],
    [
      'an operation of another method',
      CreateResourceDto,
      { ...resource, operations: [{ method: 'TRACE', path: '/', scope: 'a' }] },
      'operations.0.method: must be one of GET',
    ],
    [
      'an unknown member of an operation',
      CreateResourceDto,
      { ...resource, operations: [{ method: 'GET', path: '/', scope: 'a', x: 1 }] },
      'operations.0.x: ',
    ],
    ['operations that are no objects', CreateResourceDto, { ...resource, operations: ['GET /'] }, 'operations'],
    [
      'a port as text',
      CreateResourceDto,
      { ...resource, egress: { allow: [{ cidr: '10.0.0.0/8', port: '443' }] } },
      'egress.allow.0.port: ',
    ],
    ['an enforcement of its own', CreateResourceDto, { ...resource, enforcement: 'none' }, 'enforcement: '],
  ])('refuses %s and says where', async (_, dto, body, expected) => {
    const faults = await faultsOf(dto, body);
    expect(faults.filter((fault) => fault.startsWith(expected)).length).toBeGreaterThan(0);
  });
});
