import { describe, expect, it } from '@jest/globals';
import { backOff, isFresh, judgeRow, stillWorks, type TokenRow } from './token-row.js';

const NOW = 1_000_000;
const NOTHING: TokenRow = {
  basis: 'b',
  accessSealed: undefined,
  generation: 0,
  expiresAt: undefined,
  leaseUntil: undefined,
  failures: 0,
  fault: undefined,
  retryAt: undefined,
};
const row = (members: Partial<TokenRow>): TokenRow => ({ ...NOTHING, ...members });
const held = (leftMs: number, members: Partial<TokenRow> = {}): TokenRow =>
  row({ accessSealed: Buffer.from('x'), expiresAt: NOW + leftMs, ...members });

describe('what is done about a stored token', () => {
  it.each<[string, TokenRow, string, string]>([
    ['nothing there', NOTHING, 'b', 'renew'],
    ['a token with time left', held(31_000), 'b', 'use'],
    ['a token in its last 30 seconds', held(30_000), 'b', 'renew'],
    ['an expired token', held(-1), 'b', 'renew'],
    ['a token without an end', held(0, { expiresAt: undefined }), 'b', 'use'],
    ['[T5] a token of another configuration, secret or connection', held(3_600_000), 'other', 'renew'],
    ['somebody renews it', held(1_000, { leaseUntil: NOW + 1 }), 'b', 'wait'],
    ['[T4] whoever renewed it is dead', held(1_000, { leaseUntil: NOW }), 'b', 'renew'],
    ['somebody renews it under another configuration', held(1, { leaseUntil: NOW + 1 }), 'other', 'wait'],
    ['it was just tried in vain', row({ retryAt: NOW + 500, failures: 2, fault: 'status_500' }), 'b', 'back_off'],
    ['it was tried in vain long enough ago', row({ retryAt: NOW, failures: 2 }), 'b', 'renew'],
    ['it was tried in vain under another configuration', row({ retryAt: NOW + 500 }), 'other', 'renew'],
  ])('%s', (_, stored, basis, verdict) => {
    expect(judgeRow(stored, basis, NOW).do).toBe(verdict);
  });

  it('a token that could not be renewed works until its last second', () => {
    expect([held(1_001), held(1_000), NOTHING].map((one) => stillWorks(one, 'b', NOW))).toEqual([true, false, false]);
    expect(stillWorks(held(9_000), 'other', NOW)).toBe(false);
    expect([isFresh(undefined, NOW), isFresh(NOW + 30_001, NOW), isFresh(NOW + 30_000, NOW)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('back-off', () => {
  it('lets the first transient failure pass, then doubles up to a minute', () => {
    const delays = [1, 2, 3, 4, 5, 12, 40].map((failures) => backOff('transient', failures));
    expect(delays).toEqual([0, 250, 500, 1_000, 2_000, 60_000, 60_000]);
  });

  it('waits longer where only somebody’s doing mends it, and as long as the upstream asks, within bounds', () => {
    expect([1, 2, 6, 50].map((failures) => backOff('permanent', failures))).toEqual([1_000, 2_000, 30_000, 30_000]);
    expect([backOff('transient', 1, 7_000), backOff('transient', 1, 9e9)]).toEqual([7_000, 60_000]);
  });
});
