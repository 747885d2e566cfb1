import { describe, expect, it } from '@jest/globals';
import { digestOf, isPayload } from './new-invocation.js';

describe('a payload', () => {
  it('is any JSON of at most 64 KiB that can be stored', () => {
    for (const value of [null, 0, '', [], {}, { a: [1, 'x'] }, 'x'.repeat(65_534)]) expect(isPayload(value)).toBe(true);
    for (const value of [undefined, 'x'.repeat(65_535), { a: 'nul \0' }, { 'nul \0': 1 }, ['\ud800']])
      expect(isPayload(value)).toBe(false);
  });

  it('has one digest, however its members are ordered (RFC 8785)', () => {
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }));
    expect(digestOf(null)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digestOf(undefined)).toBeUndefined();
  });
});
