import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../../kernel/json.js';
import { type DetailedTarget, detailsEnd, grantDetails, isWithin, readDetails } from './requested-details.js';

const target = (name: string, ...types: string[]): DetailedTarget => ({
  identifier: `https://${name}.example`,
  gatewayUrl: `http://gw/${name}`,
  enforcement: 'gateway',
  detailTypes: new Map(types.map((type) => [type, (detail: JsonObject) => detail['bad'] === undefined])),
});
const A = target('a', 'x', 'y');
const B = target('b', 'x');
const refused = { code: 'invalid_authorization_details', status: 400 };

describe('readDetails (RFC 9396 §2)', () => {
  it.each([
    '{',
    '{}',
    '[]',
    'null',
    '["x"]',
    '[{}]',
    '[{"type":7}]',
    '[{"type":"x","type":"y"}]',
    `[${'{"type":"x"},'.repeat(20)}{"type":"x"}]`,
  ])('refuses %s', (text) => {
    expect(() => readDetails(text)).toThrow(expect.objectContaining(refused));
  });

  it('refuses what is too long or too deep', () => {
    expect(() => readDetails(`[{"type":"${'x'.repeat(17_000)}"}]`)).toThrow();
    expect(() => readDetails(`[{"type":"x","a":${'['.repeat(20)}${']'.repeat(20)}}]`)).toThrow();
  });
});

describe('grantDetails (RFC 9396 §5–§7)', () => {
  it('grants what the targets know, as it was asked for', () => {
    const asked = [
      { type: 'x', locations: ['https://b.example'] },
      { type: 'y', locations: ['http://gw/a'] },
    ];
    expect(grantDetails(asked, [A, B], [])).toEqual(asked);
    expect(grantDetails(undefined, [A, B], [undefined])).toBeUndefined();
  });

  it.each<[string, JsonObject]>([
    ['a type nobody knows', { type: 'z' }],
    ['a type that one of its targets does not know', { type: 'y' }],
    ['an object that is not as its type wants it', { type: 'x', bad: 1 }],
    ['a location elsewhere', { type: 'x', locations: ['https://c.example'] }],
    ['no location', { type: 'x', locations: [] }],
    ['locations that are a text', { type: 'x', locations: 'https://a.example' }],
    ['an end that is no time', { type: 'x', valid_until: 'tomorrow' }],
    ['no call at all', { type: 'x', max_calls: 0 }],
    ['more calls than are counted', { type: 'x', max_calls: 1_001 }],
  ])('[T2] refuses %s', (_name, detail) => {
    expect(() => grantDetails([{ type: 'x' }, detail], [A, B], [])).toThrow(expect.objectContaining(refused));
  });

  it('[T2] never goes beyond the details of a token that was presented, and carries them on when none is asked for', () => {
    const held = [{ type: 'x', actions: ['read', 'list'], amount: 5 }];
    expect(grantDetails([{ type: 'x', actions: ['read'], amount: 5 }], [A], [held])).toHaveLength(1);
    for (const wider of [
      { type: 'x', amount: 5 },
      { type: 'x', actions: ['write'], amount: 5 },
      { type: 'x', actions: ['read'], amount: 6 },
      { type: 'y' },
    ])
      expect(() => grantDetails([wider as JsonObject], [A], [held])).toThrow(expect.objectContaining(refused));
    expect(grantDetails(undefined, [A], [held, undefined])).toEqual(held);
    expect(grantDetails(undefined, [B], [[{ type: 'y' }]])).toBeUndefined();
    expect(() => grantDetails(undefined, [A], [held, [{ type: 'x', actions: ['other'], amount: 5 }]])).toThrow();
  });

  it('ends with the earliest of them', () => {
    const end = '2030-01-01T00:00:00Z';
    expect(detailsEnd([{ type: 'x' }, { type: 'x', valid_until: end }])).toBe(Date.parse(end));
    expect(detailsEnd(undefined)).toBe(Infinity);
  });
});

describe('isWithin', () => {
  const detail = fc.record(
    {
      type: fc.constantFrom('x', 'y'),
      actions: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
      locations: fc.uniqueArray(fc.constantFrom('1', '2'), { minLength: 1 }),
      amount: fc.integer({ min: 0, max: 2 }),
      max_calls: fc.integer({ min: 1, max: 3 }),
      valid_until: fc.constantFrom('2030-01-01T00:00:00Z', '2031-01-01T00:00:00Z'),
    },
    { requiredKeys: ['type'] },
  ) as fc.Arbitrary<JsonObject>;

  it('[T2] is an order: nothing gains by being narrowed twice', () => {
    fc.assert(
      fc.property(detail, detail, detail, (a, b, c) => {
        expect(isWithin(a, a)).toBe(true);
        if (isWithin(a, b) && isWithin(b, c)) expect(isWithin(a, c)).toBe(true);
        if (isWithin(a, b) && b['actions']) expect(a['actions']).toBeDefined();
      }),
    );
  });
});
