import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pathParameters, queryMembers } from './operation-facts.js';

describe('[T3] queryMembers', () => {
  it.each([
    ['', {}],
    ['?', {}],
    ['?a=1&b=&c', { a: '1', b: '', c: '' }],
    ['?a=1&a=2', { a: ['1', '2'] }],
    ['?a=1&%61=2&a=3', { a: ['1', '2', '3'] }],
    ['?q=a+b%20c&x=%C3%A9', { q: 'a b c', x: 'é' }],
    ['?a=b=c', { a: 'b=c' }],
    ['?__proto__=1', JSON.parse('{"__proto__":"1"}')],
  ])('%j is %j', (query, expected) => {
    expect({ ...queryMembers(query) }).toEqual({ ...(expected as object) });
    expect(Object.keys(queryMembers(query) ?? {})).toEqual(Object.keys(expected as object));
  });

  it.each(['?a=1;b=2', '?a=%', '?a=%zz', '?a=%ff', '?%c0%ae=1'])('%s can be read in two ways', (query) => {
    expect(queryMembers(query)).toBeUndefined();
  });

  it('reads what the URL standard reads', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([name]) => name }), (pairs) => {
        const query = new URLSearchParams(pairs).toString();
        expect(Object.entries(queryMembers(`?${query}`) ?? {}).sort()).toEqual([...new URLSearchParams(query)].sort());
      }),
    );
  });
});

describe('pathParameters', () => {
  it('are the named segments, decoded', () => {
    expect({ ...pathParameters([undefined, 'owner', undefined, 'n'], ['repos', 'caf%C3%A9', 'issues', '7']) }).toEqual({
      owner: 'café',
      n: '7',
    });
    expect(pathParameters(['x'], ['%ff'])).toBeUndefined();
  });
});
