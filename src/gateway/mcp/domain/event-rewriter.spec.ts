import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventRewriter, EventTooLongError } from './event-rewriter.js';

const upper = (text: string): string => text.toUpperCase();

const LONGEST = 100;

function rewrite(pieces: readonly Uint8Array[], change = upper, longest = LONGEST): string {
  const rewriter = new EventRewriter(change, longest);
  return pieces.map((piece) => rewriter.push(piece)).join('');
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((one, other) => one - other);
  return [0, ...places].map((start, index) => bytes.subarray(start, places[index] ?? bytes.length));
}

describe('[T3] EventRewriter (HTML, “Server-sent events”)', () => {
  it.each([
    ['data: a\n\n', 'data: A\n\n'],
    ['data:a\n\n', 'data: A\n\n'],
    ['data:  a\n\n', 'data:  A\n\n'],
    ['data: a\ndata: b\n\n', 'data: A\ndata: B\n\n'],
    ['data: a\r\n\r\ndata: b\r\rdata: c\n\n', 'data: A\n\ndata: B\n\ndata: C\n\n'],
    ['\ufeffdata: a\n\n', 'data: A\n\n'],
    ['id: 1\nevent: x\nretry: 5\ndata: a\n\n', 'id: 1\nevent: x\nretry: 5\ndata: A\n\n'],
    ['data\n\n', 'data: \n\n'],
    [': ping\ndata: a\n\n', ': ping\ndata: A\n\n'],
    ['event: x\n\n', 'event: x\n\n'],
    ['data: é\u2028\n\n', 'data: É\u2028\n\n'],
  ])('%j becomes %j', (text, expected) => {
    expect(rewrite([Buffer.from(text)])).toBe(expected);
  });

  it('whatever the pieces, the same comes out', () => {
    const line = fc.constantFrom('data: é', 'data: {"a":1}', 'id: 1', ': c', '', 'event: message', 'data', 'x');
    const end = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end), { maxLength: 12 }), fc.array(fc.nat()), (lines, places) => {
        const bytes = Buffer.from(`${lines.flat().join('')}\n\n`);
        // Line ends that melt together in the text are none of our business: both ways read the same text.
        const whole = bytes.length;
        expect(rewrite(cut(bytes, places), upper, whole)).toBe(rewrite([bytes], upper, whole));
      }),
    );
  });

  it('a comment leaves at once, an event when it is complete, half of one never', () => {
    const rewriter = new EventRewriter(upper, 100);
    expect(rewriter.push(Buffer.from(': alive\ndata: a\n'))).toBe(': alive\n');
    expect(rewriter.push(Buffer.from('\r'))).toBe('data: A\n\n');
    expect(rewriter.push(Buffer.from('\ndata: secret'))).toBe('');
  });

  it('tells the type of the event', () => {
    const types: string[] = [];
    rewrite([Buffer.from('event: endpoint\ndata: a\n\ndata: b\n\nevent:\ndata: c\n\n')], ((
      text: string,
      type: string,
    ) => {
      types.push(type);
      return text;
    }) as typeof upper);
    expect(types).toEqual(['endpoint', 'message', 'message']);
  });

  it('[T8] holds no event that is longer than the limit', () => {
    expect(() => rewrite([Buffer.from(`data: ${'x'.repeat(200)}`)])).toThrow(EventTooLongError);
    expect(() => rewrite([Buffer.from('data: 1234567890\n'.repeat(20))])).toThrow(EventTooLongError);
  });
});
