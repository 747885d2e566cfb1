import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { argumentFaults, compileArguments, readableArguments } from './argument-schemas.js';

describe('arguments of an operation', () => {
  it('are JSON Schemas by name', () => {
    expect(
      argumentFaults({
        amount: { type: 'integer', minimum: 0, maximum: 100 },
        to: { type: 'string', enum: ['a', 'b'], maxLength: 10 },
        tags: { type: 'array', items: { $ref: '#/$defs/tag' }, $defs: { tag: { type: 'string' } } },
        dry_run: { type: 'boolean', optional: true },
      }),
    ).toEqual([]);
  });

  it.each<[Readonly<Record<string, JsonValue>>, string]>([
    [{}, 'args'],
    [Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a${at}`, { type: 'string' }])), 'args'],
    [{ 'a b': { type: 'string' } }, 'args.a b'],
    [{ __x: { type: 'string' } }, 'args.__x'],
    [{ a: null }, 'args.a'],
    [{ a: true }, 'args.a'],
    [{ a: { type: 'text' } }, 'args.a'],
    [{ a: { type: 'string', max_length: 5 } }, 'args.a'],
    [{ a: { $id: 'https://example.com' } }, 'args.a'],
    [{ a: { type: 'boolean', optional: 'yes' } }, 'args.a'],
  ])('refuses %j', (schemas, field) => {
    expect(argumentFaults(schemas).map((fault) => fault.field)).toEqual([field]);
  });

  it('are read by policies when their type is one that policies know', () => {
    const schemas = { a: { type: 'integer' }, b: { type: 'number' }, c: {}, d: { type: ['string', 'null'] } };
    expect(readableArguments({ ...schemas, e: { type: 'string' }, f: { type: 'boolean' } })).toEqual(['a', 'e', 'f']);
  });
});

describe('[T3] compileArguments', () => {
  const accepts = compileArguments({
    amount: { type: 'integer', minimum: 0, maximum: 100 },
    to: { type: 'string', enum: ['a', 'b'] },
    note: { type: 'string', maxLength: 3, optional: true },
    dry: { const: true, optional: true },
  });
  const fine = { amount: 5, to: 'a' };

  it.each<JsonObject>([
    fine,
    { ...fine, amount: 0 },
    { ...fine, amount: 100 },
    { ...fine, note: 'abc' },
    { ...fine, dry: true },
  ])('accepts %j, and whatever is not named', (args) => {
    expect(accepts({ ...args, other: { deep: [1] } })).toBe(true);
  });

  it.each<JsonObject>([
    {},
    { amount: 5 },
    { ...fine, amount: 101 },
    { ...fine, amount: -1 },
    { ...fine, amount: '5' },
    { ...fine, amount: 5.5 },
    { ...fine, amount: null },
    { ...fine, amount: [5] },
    { ...fine, to: 'c' },
    { ...fine, to: 'A' },
    { ...fine, to: ['a'] },
    { ...fine, note: 'abcd' },
    { ...fine, note: null },
    { ...fine, dry: false },
    Object.create({ amount: 5, to: 'a' }) as JsonObject,
  ])('does not accept %j', (args) => {
    expect(accepts(args)).toBe(false);
  });

  it('accepts of what policies read only what is exact, and of bounded length', () => {
    const integer = compileArguments({ a: { type: 'integer' } });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(integer({ a: value as JsonValue })).toBe(Number.isSafeInteger(value));
      }),
    );
    expect(integer({ a: 2 ** 53 })).toBe(false);
    expect(compileArguments({ a: { type: 'string' } })({ a: 'x'.repeat(4_097) })).toBe(false);
  });
});
