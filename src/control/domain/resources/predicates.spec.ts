import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import { compilePredicate, predicateFaults } from './predicates.js';

describe('[T3] compilePredicate', () => {
  it('reads texts as the type that the schema names, and only where texts are all there can be', () => {
    const whole: JsonObject = { type: 'object', properties: { n: { type: 'integer', maximum: 100 } }, required: ['n'] };
    const params = compilePredicate('params', whole);
    expect([params({ n: '7' }), params({ n: '101' }), params({ n: '7x' }), params({})]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const body = compilePredicate('body', whole);
    expect([body({ n: 7 }), body({ n: '7' }), body([]), body('x')]).toEqual([true, false, false, false]);
  });

  it('a name that comes more than once is no text', () => {
    const query = compilePredicate('query', {
      type: 'object',
      properties: { q: { type: 'string', enum: ['a', 'b'] } },
    });
    expect([query({ q: 'a' }), query({ q: ['a', 'b'] }), query({ q: ['a'] })]).toEqual([true, false, false]);
  });

  it('members of the prototype are no members', () => {
    const schema: JsonObject = { type: 'object', required: ['toString'] };
    expect([compilePredicate('body', schema)({}), compilePredicate('body', schema)({ toString: 1 })]).toEqual([
      false,
      true,
    ]);
  });
});

describe('[T8] time', () => {
  const evil: JsonObject = { properties: { a: { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' } } };

  it.each(['params', 'query', 'body', 'args'] as const)(
    '%s: a pattern that explodes elsewhere is linear here',
    (part) => {
      const predicate = compilePredicate(part, evil);
      expect([predicate({ a: 'a'.repeat(60_000) }), predicate({ a: 'abXyz' })]).toEqual([false, true]);
    },
  );

  it('what is too long to be judged never fits, under a negation neither', () => {
    const long = 'b'.repeat(65_537);
    for (const schema of [{ pattern: 'b' }, { not: { pattern: 'a' } }] as JsonObject[])
      expect(compilePredicate('body', { properties: { a: schema } })({ a: long })).toBe(false);
    const names: JsonObject = { patternProperties: { '^x': { type: 'integer' } } };
    expect(compilePredicate('body', names)({ [long]: 1 })).toBe(false);
  });
});

describe('predicateFaults', () => {
  it.each([
    ['a keyword that is not known', { properties: { a: { maxLenght: 3 } } }],
    ['a type that is none', { type: 'text' }],
    ['a reference that leads elsewhere', { $ref: 'https://schemas.example/x.json' }],
    ['an identity of its own', { $id: 'urn:x', type: 'object' }],
    ['another dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }],
    ['a pattern that is none', { properties: { a: { pattern: '(' } } }],
    ['a pattern that no automaton can match', { properties: { a: { pattern: '(a)\\1' } } }],
    ['a schema that refers to itself', { properties: { a: { $ref: '#' } } }],
    ['pairs of any number of items', { type: 'array', uniqueItems: true }],
    ['a format, which nobody would check', { properties: { a: { type: 'string', format: 'email' } } }],
    ['too much text', { enum: ['x'.repeat(20_000)] }],
  ])('refuses %s', (_, body) => {
    expect(predicateFaults({ body: body }).map(({ field }) => field)).toEqual(['body']);
  });

  it('accepts a schema that stands by itself', () => {
    const schema: JsonObject = {
      $defs: { amount: { type: 'integer' } },
      properties: { a: { $ref: '#/$defs/amount' } },
    };
    expect(predicateFaults({ params: schema, query: schema, body: schema })).toEqual([]);
  });
});
