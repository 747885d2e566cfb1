import { describe, expect, it } from '@jest/globals';
import { byteRange } from './byte-range.js';

describe('a range of bytes (RFC 9110 §14.1.2)', () => {
  it.each([
    ['bytes=0-9', { start: 0, end: 10 }],
    ['bytes=90-', { start: 90, end: 100 }],
    ['BYTES=99-99', { start: 99, end: 100 }],
    ['bytes=50-1000', { start: 50, end: 100 }],
    ['bytes=-30', { start: 70, end: 100 }],
    ['bytes=-1000', { start: 0, end: 100 }],
  ])('reads %s', (field, range) => expect(byteRange(field, 100)).toEqual(range));

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('has nothing for %s', (field) =>
    expect(byteRange(field, 100)).toBe('unsatisfiable'),
  );

  it.each([
    undefined,
    '',
    'bytes=-',
    'bytes=9-3',
    'bytes=0-1,5-6',
    'lines=0-1',
    'bytes=a-b',
    'bytes=0x1-',
    'bytes= 0-1',
    'bytes=1234567890123456-',
  ])('ignores %s (§14.2)', (field) => expect(byteRange(field, 100)).toBeUndefined());

  it('has nothing of nothing', () => expect(byteRange('bytes=-5', 0)).toBe('unsatisfiable'));
});
