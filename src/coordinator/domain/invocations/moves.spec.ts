import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOW } from '../../../../test/support/runtime-records.js';
import type { Invocation, InvocationStatus } from './invocation.js';
import { INVOCATION_STATUSES, isUnfinished, liveInvocation } from './invocation.js';
import { type Move, moveInvocation } from './moves.js';

const invocation = (members: Partial<Invocation> = {}): Invocation => ({
  id: 'inv_1',
  source: 'ses_a',
  target: 'ses_b',
  sourceApplication: 'app_a',
  targetApplication: 'app_b',
  txn: 'txn',
  status: 'pending',
  attempts: 0,
  maxAttempts: 2,
  backoffSeconds: 0,
  deadlineAt: NOW + 60_000,
  availableAt: NOW,
  createdAt: NOW,
  ...members,
});

const MOVES: Readonly<Record<Move['kind'], Move>> = {
  start: { kind: 'start', generation: 1 },
  progress: { kind: 'progress', percent: 10 },
  complete: { kind: 'complete' },
  fail: { kind: 'fail', reason: 'r' },
  abandon: { kind: 'abandon', reason: 'r' },
  retry: { kind: 'retry' },
  cancel: { kind: 'cancel', reason: 'r' },
  time_out: { kind: 'time_out' },
};

/** From → move → to; everything else is illegal. */
const LEGAL: Readonly<Partial<Record<InvocationStatus, Partial<Record<Move['kind'], InvocationStatus>>>>> = {
  pending: { start: 'running', abandon: 'failed', cancel: 'cancelled' },
  running: { progress: 'running', complete: 'succeeded', fail: 'failed', abandon: 'failed', cancel: 'cancelled' },
  failed: { retry: 'pending' },
};

describe('a move', () => {
  for (const status of INVOCATION_STATUSES) {
    for (const move of Object.values(MOVES)) {
      const to = LEGAL[status]?.[move.kind];
      it(`${to === undefined ? 'refuses' : 'makes'} ${move.kind} of ${status}`, () => {
        const act = () => moveInvocation(invocation({ status }), move, NOW + 1);
        if (to === undefined) expect(act).toThrow(expect.objectContaining({ code: 'invalid_transition' }));
        else expect(act().invocation.status).toBe(to);
      });
    }
  }

  it('is none but the time-out once the deadline has passed', () => {
    const late = NOW + 60_000;
    for (const status of ['pending', 'running', 'failed'] as const)
      for (const move of Object.values(MOVES)) {
        const act = () => moveInvocation(invocation({ status, attempts: 1 }), move, late);
        if (move.kind === 'time_out' && status !== 'failed')
          expect(act()).toMatchObject({
            invocation: { status: 'timed_out', endedAt: late, reason: 'deadline' },
            event: { type: 'timed_out', at: late },
          });
        else expect(act).toThrow(expect.objectContaining({ code: 'invalid_transition' }));
      }
  });

  it('[T4] never begins more attempts than there are, and whatever is over stays over', () => {
    const history = fc.array(fc.tuple(fc.constantFrom(...Object.values(MOVES)), fc.nat(20_000)), { maxLength: 40 });
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 4 }), fc.nat(10), (moves, maxAttempts, backoffSeconds) => {
        let at = NOW;
        let state = invocation({ maxAttempts, backoffSeconds });
        for (const [move, ms] of moves) {
          at += ms;
          const before = liveInvocation(state, at);
          try {
            state = moveInvocation(state, move, at).invocation;
          } catch {
            continue;
          }
          expect(state.attempts).toBeLessThanOrEqual(maxAttempts);
          expect(state.attempts).toBe(before.attempts + (move.kind === 'start' ? 1 : 0));
          if (['succeeded', 'cancelled'].includes(before.status)) throw new Error('it was over');
          expect(isUnfinished(state.status)).toBe(state.endedAt === undefined);
        }
      }),
    );
  });

  it('waits twice as long before each further attempt, at most an hour', () => {
    const wait = (attempts: number) =>
      moveInvocation(
        invocation({ status: 'failed', attempts, maxAttempts: 100, backoffSeconds: 10, endedAt: NOW }),
        MOVES.retry,
        NOW,
      ).invocation.availableAt - NOW;
    expect([1, 2, 3, 50].map(wait)).toEqual([10_000, 20_000, 40_000, 3_600_000]);
  });
});
