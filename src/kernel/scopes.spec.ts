import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { difference, EMPTY_SCOPE, formatScope, intersect, isSubset, parseScope, union } from './scopes.js';

const token = fc.stringMatching(/^[!#-[\]-~]{1,6}$/);
const scopes = fc.uniqueArray(token, { maxLength: 8 }).map((list) => new Set(list));

describe('parseScope (RFC 6749 §3.3)', () => {
  it.each([
    ['read', ['read']],
    ['read write', ['read', 'write']],
    ['read read', ['read']],
    ["control:zones:list !#$%&'()*+,-./:;<=>?@[]^_`{|}~", ['control:zones:list', "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"]],
  ])('reads %p', (text, expected) => {
    expect([...(parseScope(text) ?? [])]).toEqual(expected);
  });

  it.each([
    '',
    ' ',
    ' read',
    'read ',
    'read  write',
    'read\twrite',
    'read\nwrite',
    'a"b',
    'a\\b',
    'é',
    'a\u0000',
    'a\u007f',
    '\ud83d\ude00',
  ])('refuses %p', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });

  it('is undone by formatScope', () => {
    fc.assert(
      fc.property(scopes, (set) => {
        fc.pre(set.size > 0);
        expect(parseScope(formatScope(set))).toEqual(set);
      }),
    );
  });
});

describe('scope sets', () => {
  it('formatScope gives one text per set, whatever the order', () => {
    expect(formatScope(new Set(['b', 'a']))).toBe('a b');
    expect(formatScope(EMPTY_SCOPE)).toBe('');
  });

  it('intersect of nothing is nothing', () => {
    expect(intersect()).toEqual(EMPTY_SCOPE);
  });

  it('intersect is within each set, commutes and is idempotent', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        const met = intersect(a, b, c);
        expect([a, b, c].every((set) => isSubset(met, set))).toBe(true);
        expect(intersect(c, a, b)).toEqual(met);
        expect(intersect(met, a, b, c)).toEqual(met);
      }),
    );
  });

  it('difference and intersect split a set; union holds both parts', () => {
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        expect(union(difference(a, b), intersect(a, b))).toEqual(a);
        expect(isSubset(a, union(a, b)) && isSubset(b, union(a, b))).toBe(true);
        expect(isSubset(difference(a, b), b)).toBe(difference(a, b).size === 0);
      }),
    );
  });
});
