import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lp } from './length-prefixed.js';

describe('lp', () => {
  it('writes 4-byte big-endian lengths, UTF-8 text and unsigned 64-bit integers', () => {
    expect(lp('é', 258, 1n, Buffer.from([7])).toString('hex')).toBe(
      ['00000002c3a9', '00000008', '0000000000000102', '00000008', '0000000000000001', '0000000107'].join(''),
    );
  });

  it('of nothing is empty', () => {
    expect(lp()).toHaveLength(0);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n])('refuses the integer %p', (value) => {
    expect(() => lp(value)).toThrow(RangeError);
  });

  it('[T6] two different lists of texts never give the same bytes', () => {
    const list = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        const same = a.length === b.length && a.every((text, index) => text === b[index]);
        expect(lp(...a).equals(lp(...b))).toBe(same);
      }),
    );
  });
});
