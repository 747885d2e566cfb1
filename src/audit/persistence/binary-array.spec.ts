import { describe, expect, it } from '@jest/globals';
import { binaryArray, ELEMENT, textArray, timeElement, uuidArray } from './binary-array.js';

describe('binary arrays', () => {
  it('are what array_recv reads: dimensions, null flag, element type, length, lower bound, elements', () => {
    expect(textArray(['a', null]).toString('hex')).toBe(
      ['00000001', '00000001', '00000019', '00000002', '00000001', '00000001', '61', 'ffffffff'].join(''),
    );
  });

  it('an empty array has no dimension', () => {
    expect(binaryArray(ELEMENT.bytea, []).toString('hex')).toBe('000000000000000000000011');
  });

  it('carry UUIDs as 16 bytes and times as microseconds since 2000', () => {
    expect(uuidArray(['01900000-0000-7000-8000-00000000ffff']).subarray(24).toString('hex')).toBe(
      '0190000000007000800000000000ffff',
    );
    expect(timeElement(946_684_800_001).readBigInt64BE()).toBe(1_000n);
    expect(timeElement(0).readBigInt64BE()).toBe(-946_684_800_000_000n);
  });

  it('copy elements that are views of a larger buffer exactly', () => {
    const whole = Buffer.from('xxabcyy');
    expect(
      binaryArray(ELEMENT.bytea, [whole.subarray(2, 5)])
        .subarray(24)
        .toString(),
    ).toBe('abc');
  });
});
