import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import {
  configFaults,
  holdsSecret,
  injectsCredential,
  kindFault,
  PROVIDER_KINDS,
  secretFaults,
  type ProviderKind,
} from './provider-kinds.js';
import { providerBody, type ProviderRow } from './provider.js';

describe('provider kinds', () => {
  it('makes every kind of the contract and no other', () => {
    expect(PROVIDER_KINDS.filter((kind) => kindFault(kind) !== undefined)).toEqual([]);
    expect(kindFault('ldap')).toContain('must be one of');
    expect(kindFault('constructor')).toContain('must be one of');
  });

  it('[T5] takes every kind it cannot judge for one with a secret', () => {
    expect(['none', 'mandate'].map(holdsSecret)).toEqual([false, false]);
    expect(['api_key', 'bearer', 'basic', 'mtls', 'unheard'].map(holdsSecret)).toEqual([true, true, true, true, true]);
    expect(PROVIDER_KINDS.filter((kind) => !injectsCredential(kind))).toEqual(['none']);
  });
});

describe('configuration and secret of a provider', () => {
  it.each<[string, ProviderKind, JsonObject, JsonObject]>([
    ['none', 'none', {}, {}],
    ['mandate', 'mandate', {}, {}],
    ['a key in a header', 'api_key', { in: 'header', name: 'X-Api-Key' }, { value: 's3cret' }],
    ['a key with a prefix', 'api_key', { in: 'header', name: 'Authorization', prefix: 'Token ' }, { value: 's3cret' }],
    ['a key in the query', 'api_key', { in: 'query', name: 'api_key' }, { value: 's3cret' }],
    ['a bearer token', 'bearer', {}, { token: 'abc.def-ghi' }],
    ['a bearer token of another scheme', 'bearer', { header: 'X-Auth', scheme: '' }, { token: 'abc' }],
    ['a user and a password', 'basic', { username: 'user' }, { password: 'p:w ä' }],
  ])('accepts %s', (_, kind, config, secret) => {
    expect([...configFaults(kind, config), ...secretFaults(kind, secret)]).toEqual([]);
  });

  it.each<[string, ProviderKind, JsonObject, string]>([
    ['a place of its own', 'api_key', { in: 'body', name: 'k' }, 'config.in'],
    ['no name', 'api_key', { in: 'header' }, 'config.name'],
    ['[T3] a header that frames the message', 'api_key', { in: 'header', name: 'Content-Length' }, 'config.name'],
    ['[T3] a header that names the upstream', 'api_key', { in: 'header', name: 'host' }, 'config.name'],
    ['[T3] a header that folds to one of those', 'api_key', { in: 'header', name: 'X_Forwarded_For' }, 'config.name'],
    ['[T3] a header with a line break', 'api_key', { in: 'header', name: 'X\r\nY' }, 'config.name'],
    ['[T3] a query name that opens another parameter', 'api_key', { in: 'query', name: 'a&b' }, 'config.name'],
    ['a prefix with a line break', 'api_key', { in: 'header', name: 'X-K', prefix: 'a\n' }, 'config.prefix'],
    ['an unknown member', 'bearer', { realm: 'x' }, 'config.realm'],
    ['a scheme with a space', 'bearer', { scheme: 'a b' }, 'config.scheme'],
    ['a number', 'bearer', { header: 1 }, 'config.header'],
    ['a user with a colon (RFC 7617 §2)', 'basic', { username: 'a:b' }, 'config.username'],
    ['members of a kind that has none', 'none', { in: 'header' }, 'config.in'],
  ])('refuses %s', (_, kind, config, field) => {
    expect(configFaults(kind, config).map((fault) => fault.field)).toContain(field);
  });

  it.each<[string, ProviderKind, JsonObject, string]>([
    ['no secret', 'bearer', {}, 'secret.token'],
    ['an empty secret', 'bearer', { token: '' }, 'secret.token'],
    ['a secret with a line break', 'bearer', { token: 'canary\r\nX: y' }, 'secret.token'],
    ['a secret with spaces around it', 'api_key', { value: ' canary ' }, 'secret.value'],
    ['a secret beyond any header', 'api_key', { value: 'c'.repeat(8_193) }, 'secret.value'],
    ['a secret for a kind without one', 'none', { token: 'canary' }, 'secret.token'],
    ['a member of another kind', 'basic', { password: 'canary', token: 'canary' }, 'secret.token'],
  ])('[T5] refuses %s and does not repeat it', (_, kind, secret, field) => {
    const faults = secretFaults(kind, secret);
    expect(faults.map((fault) => fault.field)).toContain(field);
    expect(JSON.stringify(faults)).not.toContain('canary');
  });
});

it('[T5] a provider as administrators see it holds no secret, sealed or not', () => {
  const row: ProviderRow = {
    id: 'prv_1',
    name: 'P',
    kind: 'bearer',
    config: {},
    secretSealed: Buffer.from('sealed'),
    secretVersion: 3,
    boundOrigin: 'https://x.example',
    status: 'active',
    createdAt: new Date(0),
    updatedAt: new Date(0),
    archivedAt: null,
    version: 1,
  };
  const body = providerBody(row);
  expect(body).toMatchObject({ id: 'prv_1', kind: 'bearer', secret_version: 3, bound_origin: 'https://x.example' });
  expect(JSON.stringify(body)).not.toMatch(/sealed|c2VhbGVk/);
  expect(Object.keys(body)).not.toContain('secret');
});
