import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import { detailMatcher, detailTypeFaults } from './detail-types.js';

const PAYMENT: JsonObject = {
  properties: { amount: { type: 'number', maximum: 100 }, currency: { enum: ['EUR', 'USD'] } },
  required: ['amount', 'currency'],
};
const matches = (schema: JsonObject, detail: JsonObject, enforced = true): boolean =>
  detailMatcher({ type: 'payment', schema }, enforced)({ type: 'payment', ...detail });

describe('types of authorization details (RFC 9396 §5)', () => {
  it.each<[string, JsonObject, boolean]>([
    ['as the schema says', { amount: 5, currency: 'EUR' }, true],
    ['a missing member', { amount: 5 }, false],
    ['a member of the wrong type', { amount: '5', currency: 'EUR' }, false],
    ['a bad value', { amount: 500, currency: 'EUR' }, false],
    ['an unknown member', { amount: 5, currency: 'EUR', note: 'x' }, false],
    ['another type', { type: 'other', amount: 5, currency: 'EUR' }, false],
    ['locations', { amount: 5, currency: 'EUR', locations: ['https://a'] }, true],
    ['locations that are a text', { amount: 5, currency: 'EUR', locations: 'https://a' }, false],
    [
      'limits that the gateway enforces',
      { amount: 5, currency: 'EUR', method: 'GET', path: '/x', actions: ['read'] },
      true,
    ],
  ])('%s', (_name, detail, expected) => {
    expect(matches(PAYMENT, detail)).toBe(expected);
  });

  it('a direct resource takes only limits that its schema names', () => {
    expect(matches(PAYMENT, { amount: 5, currency: 'EUR', method: 'GET' }, false)).toBe(false);
  });

  it('a schema that says what it does with the rest is taken at its word', () => {
    expect(matches({ additionalProperties: { type: 'string' } }, { note: 'x' })).toBe(true);
    expect(matches({ additionalProperties: false }, { note: 'x' })).toBe(false);
    expect(matches({ additionalProperties: false }, {})).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['no schema', { type: 'nonsense' }],
    ['a schema of a list', { type: 'array' }],
    ['an unknown keyword', { propertis: {} }],
    ['a reference elsewhere', { properties: { a: { $ref: 'https://evil.example/schema.json' } } }],
    ['an unknown format', { properties: { a: { format: 'iban' } } }],
    ['an asynchronous schema', { $async: true }],
    ['an id of its own', { $id: 'https://a.example/s' }],
    ['patterns for names', { patternProperties: { '(a+)+': {} } }],
    ['a reference to itself', { properties: { a: { $ref: '#' } } }],
    ['a look-ahead', { properties: { a: { pattern: '(?=a)a' } } }],
    ['a back reference', { properties: { a: { pattern: '(a)\\1' } } }],
    ['a pattern that is none', { properties: { a: { pattern: '[' } } }],
    ['a long text', { description: 'x'.repeat(17_000) }],
  ])('[T8] %s is refused when it is registered', (_name, schema) => {
    expect(detailTypeFaults([{ type: 'payment', schema }])).toHaveLength(1);
  });

  it('[T8] a pattern that would never end elsewhere ends, and a text that is too long to be judged does not fit', () => {
    const schema: JsonObject = { properties: { a: { pattern: '^(a+)+$' } } };
    expect(detailTypeFaults([{ type: 'payment', schema }])).toEqual([]);
    expect(matches(schema, { a: 'a'.repeat(60_000) })).toBe(true);
    expect(matches(schema, { a: `${'a'.repeat(60_000)}!` })).toBe(false);
    expect(matches({ properties: { a: { not: { pattern: 'b' } } } }, { a: 'a'.repeat(70_000) })).toBe(false);
  });

  it('names each type once, in visible characters', () => {
    const good = { type: 'https://a.example/payment', schema: PAYMENT };
    expect(detailTypeFaults([good])).toEqual([]);
    expect(detailTypeFaults([good, good])).toHaveLength(1);
    expect(
      detailTypeFaults([
        { ...good, type: 'a b' },
        { ...good, type: '' },
      ]),
    ).toHaveLength(2);
  });
});
