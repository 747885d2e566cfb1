import { describe, expect, it } from '@jest/globals';
import { LoopDelay } from './loop-delay.js';

/** What lasts after each of these calls of a timer of 50 ms. */
function lasting(...calls: readonly number[]): number[] {
  const delay = new LoopDelay(50, 0);
  return calls.map((now) => {
    delay.called(now);
    return delay.lasting;
  });
}

describe('[T8] the delay of the event loop', () => {
  it('is nothing while the timer is called in time, or early', () => {
    expect(lasting(50, 100, 149, 200)).toEqual([0, 0, 0, 0]);
  });

  it('lasts from the second late call on, as the lower of the two, until one is in time', () => {
    expect(lasting(350, 600, 1_650, 1_700, 1_750)).toEqual([0, 200, 200, 0, 0]);
  });

  it('one pause, however long, does not last', () => {
    expect(lasting(50, 60_000, 60_050)).toEqual([0, 0, 0]);
  });
});
