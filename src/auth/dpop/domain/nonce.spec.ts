import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isFreshNonce, nonceAt } from './nonce.js';

const KEY = Buffer.alloc(32, 1);
const NOW = 1_700_000_000;

describe('a nonce for proofs (RFC 9449 §8)', () => {
  it('is recognised by every holder of the key for the minutes that follow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 * 60 }), fc.integer({ min: 0, max: 4e9 }), (age, made) => {
        const nonce = nonceAt(KEY, 'a', made);
        return isFreshNonce(nonce, Buffer.from(KEY), 'a', made + age);
      }),
    );
  });

  it('[T2] is old after five minutes', () => {
    expect(isFreshNonce(nonceAt(KEY, 'a', NOW), KEY, 'a', NOW + 301)).toBe(false);
  });

  it.each<[string, string | undefined]>([
    ['none', undefined],
    ['nothing', ''],
    ['anything', 'x'],
    ['another zone’s', nonceAt(KEY, 'b', NOW)],
    ['one by another key', nonceAt(Buffer.alloc(32, 2), 'a', NOW)],
    [
      'one that claims another minute',
      nonceAt(KEY, 'a', NOW - 60).replace(/^[^.]+/, nonceAt(KEY, 'a', NOW).split('.')[0] ?? ''),
    ],
    ['one from far ahead', nonceAt(KEY, 'a', NOW + 600)],
    ['one with a longer MAC', `${nonceAt(KEY, 'a', NOW)}A`],
  ])('[T2] is not %s', (_name, nonce) => {
    expect(isFreshNonce(nonce, KEY, 'a', NOW)).toBe(false);
  });
});
