import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import { costFault } from './bounded-schema.js';

/** Each definition asks for the next one twice. */
function doubling(levels: number): JsonObject {
  const twice = (to: number): JsonObject => ({ allOf: [{ $ref: `#/$defs/d${to}` }, { $ref: `#/$defs/d${to}` }] });
  const defs = Array.from({ length: levels }, (_, at) => [`d${at}`, twice(at + 1)] as const);
  return { $defs: { ...Object.fromEntries(defs), [`d${levels}`]: { type: 'string' } }, ...twice(0) };
}

describe('[T8] costFault', () => {
  it.each<[string, JsonObject]>([
    ['refers to itself', { anyOf: [{ properties: { a: { $ref: '#' } } }, { type: 'string' }] }],
    [
      'has definitions that refer to each other',
      { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' },
    ],
    ['doubles with every level', doubling(40)],
    ['compares each item with each other', { properties: { a: { type: 'array', uniqueItems: true } } }],
    ['compares too many items', { type: 'array', uniqueItems: true, maxItems: 100_000 }],
  ])('refuses a schema that %s', (_name, schema) => {
    expect(costFault(schema)).toMatch(/\w/);
  });

  it.each<[string, JsonObject]>([
    ['is plain', { properties: { a: { type: 'string', pattern: '^a' } }, required: ['a'] }],
    [
      'refers to a definition more than once',
      { $defs: { m: { type: 'integer' } }, properties: { a: { $ref: '#/$defs/m' }, b: { $ref: '#/$defs/m' } } },
    ],
    ['escapes a pointer', { $defs: { 'a/b~c%': { type: 'integer' } }, $ref: '#/$defs/a~1b~0c%25' }],
    ['compares few items', { type: 'array', uniqueItems: true, maxItems: 100 }],
    ['doubles a few times', doubling(5)],
  ])('accepts one that %s', (_name, schema) => {
    expect(costFault(schema)).toBeUndefined();
  });
});
