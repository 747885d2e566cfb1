import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { echoForms } from '../domain/echo-forms.js';
import { EchoWatch, isBomb } from './echo-watch.js';

describe('[T5] a watch for a secret', () => {
  it('sees it wherever the bytes are cut, and calls nothing clear that belongs to it', () => {
    const lower = fc.stringMatching(/^[a-zS]{0,20}$/);
    fc.assert(
      fc.property(
        fc.stringMatching(/^S[A-R]{3,11}$/),
        fc.tuple(lower, lower),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
        (secret, [before, after], sizes) => {
          const watch = new EchoWatch(echoForms([secret]));
          const whole = Buffer.from(before + secret + after);
          let found = false;
          for (let at = 0, turn = 0; at < whole.length && !found; turn += 1) {
            const size = sizes[turn % sizes.length] as number;
            found = watch.see(whole.subarray(at, at + size));
            at += size;
          }
          expect(found).toBe(true);
          expect(watch.clearTo).toBeLessThanOrEqual(before.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('calls everything clear that cannot be the beginning of one', () => {
    const watch = new EchoWatch(echoForms(['secret']));
    expect([watch.see(Buffer.from('abd')), watch.clearTo]).toEqual([false, 3]);
    expect([watch.see(Buffer.from('sec')), watch.clearTo]).toEqual([false, 3]);
    expect([watch.see(Buffer.from('tor')), watch.clearTo, watch.seen]).toEqual([false, 9, 9]);
  });

  it.each([
    [1, 67_108_864, false],
    [1, 67_108_865, true],
    [1_000_000, 200_000_000, false],
    [1_000_000, 200_000_001, true],
  ])('%d bytes that become %d are a bomb: %s', (encoded, decoded, expected) => {
    expect(isBomb(encoded, decoded)).toBe(expected);
  });
});
