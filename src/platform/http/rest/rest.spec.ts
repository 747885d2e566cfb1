import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../kernel/app-error.js';
import { parseIdempotencyKey } from '../idempotency/idempotency-key.js';
import { traceIdOf } from '../request/trace-context.js';
import { listAnswer, page } from './pagination.js';

const codeOf = (run: () => unknown) => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return error instanceof AppError ? error.code : error;
  }
};

describe('page', () => {
  it.each([
    [{}, { limit: 50 }],
    [{ limit: '1' }, { limit: 1 }],
    [{ limit: '200' }, { limit: 200 }],
  ])('%p asks for %p', (query, asked) => {
    expect(page(query)).toEqual(asked);
  });

  it.each([
    [{ limit: '0' }],
    [{ limit: '201' }],
    [{ limit: '-1' }],
    [{ limit: '1.5' }],
    [{ limit: '1e2' }],
    [{ limit: '' }],
    [{ limit: ['1', '2'] }],
    [{ cursor: '' }],
    [{ cursor: '*' }],
    [{ cursor: 'YQ==' }],
    [{ cursor: 'YR' }],
    [{ cursor: Buffer.from([0xff]).toString('base64url') }],
    [{ cursor: Buffer.from('a\0').toString('base64url') }],
    [{ cursor: ['YQ'] }],
    [{ cursor: 'a'.repeat(1025) }],
  ])('%p is refused', (query) => {
    expect(codeOf(() => page(query))).toBe('invalid_request');
  });
});

describe('listAnswer', () => {
  const identity = (key: string) => key;

  it('says that there is more only when there is', () => {
    expect(listAnswer(['a', 'b'], { limit: 2 }, identity, identity)).toEqual({ items: ['a', 'b'], next_cursor: null });
    const first = listAnswer(['a', 'b', 'c'], { limit: 2 }, identity, identity);
    expect(first.items).toEqual(['a', 'b']);
    expect(page({ cursor: first.next_cursor })).toEqual({ limit: 50, cursor: 'b' });
    expect(listAnswer([], { limit: 2 }, identity, identity)).toEqual({ items: [], next_cursor: null });
  });

  it('shows every row once, whatever the page size', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { maxLength: 30 }), fc.integer({ min: 1, max: 10 }), (ids, limit) => {
        const rows = [...ids].sort();
        const seen: string[] = [];
        for (let cursor: string | null | undefined; cursor !== null;) {
          const asked = page({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
          const from = rows.filter((row) => asked.cursor === undefined || row > asked.cursor).slice(0, limit + 1);
          const answer = listAnswer(from, asked, identity, identity);
          seen.push(...answer.items);
          cursor = answer.next_cursor;
        }
        expect(seen).toEqual(rows);
      }),
    );
  });
});

describe('parseIdempotencyKey', () => {
  it.each([
    [undefined, undefined],
    ['"a"', 'a'],
    [' "a b" ', 'a b'],
    ['"a\\"b\\\\"', 'a"b\\'],
  ])('%p is the key %p (RFC 8941 §3.3.3)', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key);
  });

  it.each(['', 'a', '""', '"a', 'a"', '"a"b', '"a\\n"', '"é"', '"a";p=1', '"a", "b"', `"${'x'.repeat(256)}"`])(
    '%p is none',
    (header) => {
      expect(codeOf(() => parseIdempotencyKey(header))).toBe('invalid_request');
    },
  );
});

describe('traceIdOf', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

  it.each([
    [`00-${trace}-00f067aa0ba902b7-01`, trace],
    [`01-${trace}-00f067aa0ba902b7-01-more`, trace],
    [undefined, undefined],
    ['', undefined],
    [`00-${trace}-00f067aa0ba902b7-01-more`, undefined],
    [`ff-${trace}-00f067aa0ba902b7-01`, undefined],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, undefined],
    [`00-${trace}-0000000000000000-01`, undefined],
    [`00-${trace.toUpperCase()}-00f067aa0ba902b7-01`, undefined],
    [`00-${trace}-00f067aa0ba902b7`, undefined],
  ])('of %p is %p (W3C Trace Context §3.2)', (header, id) => {
    expect(traceIdOf(header)).toBe(id);
  });
});
