import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { upstreamTarget } from './upstream-target.js';

describe('upstreamTarget', () => {
  it.each([
    ['/', '', '', '/'],
    ['/', '/x', '', '/x'],
    ['/v1', '', '', '/v1'],
    ['/v1', '', '?a', '/v1?a'],
    ['/v1', '/', '', '/v1/'],
    ['/v1/', '', '', '/v1/'],
    ['/v1/', '/x', '', '/v1/x'],
    ['/v1', '/x//y/', '?q=1&q=%20', '/v1/x//y/?q=1&q=%20'],
    ['/v1', '/x', '?', '/v1/x?'],
  ])('joins %s + %s%s', (base, path, query, expected) => {
    expect(upstreamTarget(base, path, query)).toBe(expected);
  });

  it.each([
    ['', '?key=S'],
    ['?', '?key=S'],
    ['?a=1', '?a=1&key=S'],
    ['?key=mine', '?key=S'],
    ['?a=1&key=mine&b=2', '?a=1&b=2&key=S'],
    ['?key', '?key=S'],
    ['?k%65y=mine&%6B%65%79=x', '?key=S'],
    ['?Key=1', '?Key=1&key=S'],
    ['?a=1&&b', '?a=1&&b&key=S'],
    ['?a=key=1', '?a=key=1&key=S'],
    ['?a=%zz&b=+%2b', '?a=%zz&b=+%2b&key=S'],
  ])('[T3] replaces the caller’s own key in %p', (query, expected) => {
    expect(upstreamTarget('/', '', query, { name: 'key', value: 'S' })).toBe(`/${expected}`);
  });

  it('escapes name and value, and finds a name with spaces however it is written', () => {
    expect(upstreamTarget('/', '', '?my+key=1&my%20key=2', { name: 'my key', value: 'a&b=c' })).toBe(
      '/?my%20key=a%26b%3Dc',
    );
  });

  it('leaves exactly one member of the name, last, and no other byte changed', () => {
    const member = fc
      .tuple(fc.constantFrom('key', 'k%65y', 'a', 'ke', 'keys'), fc.stringMatching(/^[a-z0-9%+=]{0,5}$/))
      .map(([name, value]) => `${name}=${value}`);
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const kept = members.filter((one) => !/^(key|k%65y)=/.test(one));
        expect(upstreamTarget('/', '', `?${members.join('&')}`, { name: 'key', value: 's' })).toBe(
          `/?${[...kept, 'key=s'].join('&')}`,
        );
      }),
    );
  });
});
