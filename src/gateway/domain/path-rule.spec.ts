import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { refusalOfPath } from './path-rule.js';

function encodeAll(text: string, times: number): string {
  let encoded = text;
  for (let round = 0; round < times; round += 1) {
    encoded =
      round === 0
        ? [...encoded].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
        : encoded.replaceAll('%', '%25');
  }
  return encoded;
}

describe('[T3] refusalOfPath', () => {
  const dangerous: [string, string][] = [
    ['/..', 'dot_segment'],
    ['/../x', 'dot_segment'],
    ['/a/../b', 'dot_segment'],
    ['/a/./b', 'dot_segment'],
    ['/a/.', 'dot_segment'],
    ['/..;/x', 'dot_segment'],
    ['/.;a=b/x', 'dot_segment'],
    ['/%2e%2e/x', 'dot_segment'],
    ['/%2E./x', 'dot_segment'],
    ['/.%2e', 'dot_segment'],
    ['/%2e', 'dot_segment'],
    ['/..%3bx/y', 'dot_segment'],
    ['/%252e%252e/x', 'dot_segment'],
    ['/a%2fb', 'encoded_separator'],
    ['/a%2Fb', 'encoded_separator'],
    ['/a%252fb', 'encoded_separator'],
    ['/..%2f..%2fx', 'encoded_separator'],
    ['/a%5cb', 'encoded_separator'],
    ['/a\\b', 'control_or_backslash'],
    ['/a%00', 'encoded_separator'],
    ['/a%2500', 'encoded_separator'],
    ['/a%0d%0ax', 'control_or_backslash'],
    ['/a%09', 'control_or_backslash'],
    ['/a%7f', 'control_or_backslash'],
    ['/a%250a', 'control_or_backslash'],
    ['/a\u0001', 'control_or_backslash'],
    ['/%', 'percent_encoding'],
    ['/%2', 'percent_encoding'],
    ['/%zz', 'percent_encoding'],
    ['/a%2', 'percent_encoding'],
    ['/%c0%ae%c0%ae/x', 'overlong_encoding'],
    ['/a%c0%afb', 'overlong_encoding'],
    ['/%e0%80%ae', 'overlong_encoding'],
  ];
  it.each(dangerous)('refuses %s: %s', (path, reason) => {
    expect(refusalOfPath(path)).toBe(reason);
  });

  it.each(['.', '..', '..;x', '/', '\\', '\u0000', '\n', '\u007f'])(
    'refuses a segment %p encoded one to five times',
    (text) => {
      for (let times = 1; times <= 5; times += 1) {
        expect([times, refusalOfPath(`/a/${encodeAll(text, times)}`)]).not.toEqual([times, undefined]);
      }
    },
  );

  it.each([
    '',
    '/',
    '//',
    '/a//b/',
    '/a/',
    '/...',
    '/.a',
    '/a.',
    '/a..b',
    '/..a',
    '/a;v=1/b',
    '/a;..',
    '/%20',
    '/%25',
    '/100%25',
    '/%2541',
    '/%3F%23',
    '/caf%C3%A9',
    '/%ff',
    '/a+b',
    "/~!$&'()*,:@=",
    '/%7Ex',
    '/é',
  ])('forwards %p as it is', (path) => {
    expect(refusalOfPath(path)).toBeUndefined();
  });

  it('an accepted path has no dot segment and no separator after up to five decodings', () => {
    const piece = fc.oneof(
      fc.constantFrom('.', '..', '/', '%2e', '%2f', '%25', '2e', '2f', '5c', ';', 'a', '\\', '%00', '%c0%ae'),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        fc.pre(refusalOfPath(path) === undefined);
        const slashes = path.split('/').length;
        let text = path;
        for (let depth = 0; depth <= 5; depth += 1) {
          expect(text).not.toMatch(/\\|\0/);
          expect(text.split('/').length).toBe(slashes);
          expect(text.split('/').map((segment) => segment.split(';')[0])).not.toEqual(
            expect.arrayContaining([expect.stringMatching(/^\.\.?$/)]),
          );
          text = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
