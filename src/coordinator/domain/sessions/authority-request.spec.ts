import { describe, expect, it } from '@jest/globals';
import { parseAuthority } from './authority-request.js';
import { isMetadata } from './metadata.js';

const RESOURCES = [{ resource: 'https://mail.example', scopes: ['read'] }];

describe('the authority of a new session', () => {
  it.each(['inherit', 'none'])('%s is itself', (value) => expect(parseAuthority(value)).toBe(value));

  it('narrow is taken with its members', () => {
    expect(parseAuthority({ narrow: { resources: RESOURCES, ttl_seconds: 60, hops: 2 } })).toEqual({
      narrow: { resources: RESOURCES, ttlSeconds: 60, hops: 2 },
    });
    expect(parseAuthority({ narrow: { resources: RESOURCES } })).toMatchObject({ narrow: { resources: RESOURCES } });
  });

  it.each([
    'all',
    null,
    7,
    [],
    {},
    { narrow: null },
    { narrow: {} },
    { narrow: { resources: [] } },
    { narrow: { resources: {} } },
    { narrow: { resources: RESOURCES, more: 1 } },
    { narrow: { resources: RESOURCES }, also: 1 },
    { narrow: { resources: RESOURCES, hops: -1 } },
    { narrow: { resources: RESOURCES, hops: 11 } },
    { narrow: { resources: RESOURCES, hops: '1' } },
    { narrow: { resources: RESOURCES, ttl_seconds: 0 } },
    { narrow: { resources: RESOURCES, ttl_seconds: 1.5 } },
    { narrow: { resources: [{ resource: 'https://mail.example', scopes: [] }] } },
    { narrow: { resources: [{ resource: 'https://mail.example', scopes: ['a b'] }] } },
    { narrow: { resources: [{ resource: 'https://mail.example', scopes: 'read' }] } },
    { narrow: { resources: [{ resource: 'https://mail.example', scopes: [1] }] } },
    { narrow: { resources: [{ resource: '', scopes: ['read'] }] } },
    { narrow: { resources: [{ resource: 'x', scopes: ['read'], extra: true }] } },
    { narrow: { resources: [null] } },
  ])('refuses %j', (value) => expect(parseAuthority(value)).toBeUndefined());
});

describe('metadata', () => {
  it('is a JSON object of at most 16 KiB', () => {
    const filler = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
    expect(isMetadata({})).toBe(true);
    expect(isMetadata(filler(16 * 1024))).toBe(true);
    expect(isMetadata(filler(16 * 1024 + 1))).toBe(false);
    expect(isMetadata({ a: [{ b: 'x\0' }] })).toBe(false);
    expect(isMetadata({ 'a\0': 1 })).toBe(false);
    expect(isMetadata({ a: '\\u0000' })).toBe(true);
    expect(isMetadata({ a: 'é'.repeat(8 * 1024) })).toBe(false);
    for (const value of [null, [], 'x', 1]) expect(isMetadata(value)).toBe(false);
  });
});
