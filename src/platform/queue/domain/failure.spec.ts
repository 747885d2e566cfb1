import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../kernel/app-error.js';
import { classifyFailure, failureCode, retryDelay } from './failure.js';
import { RefusedMessageError } from './message.js';

const coded = (code: string) => Object.assign(new Error('x'), { code });

describe('what is done with a failed message', () => {
  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOSPC', '08006', '40001', '40P01', '53300', '57P01', '57014', '58030'])(
    '%s is tried again without limit',
    (code) => {
      expect(classifyFailure(coded(code))).toEqual({ kind: 'infrastructure', code });
      expect(classifyFailure(new Error('wrapped', { cause: coded(code) }))).toEqual({ kind: 'infrastructure', code });
      expect(classifyFailure({ driverError: coded(code) })).toEqual({ kind: 'infrastructure', code });
    },
  );

  it('a dependency that is down is infrastructure, by the detail of our own error', () => {
    const down = new AppError('temporarily_unavailable', 'x', { detail: 'database_unreachable' });
    expect(classifyFailure(down)).toEqual({ kind: 'infrastructure', code: 'database_unreachable' });
    expect(classifyFailure(new Error('Connection terminated unexpectedly'))).toEqual({
      kind: 'infrastructure',
      code: 'connection_lost',
    });
  });

  it('a refusal of ours is proven bad, with its reason', () => {
    expect(classifyFailure(new RefusedMessageError('unknown_zone'))).toEqual({
      kind: 'refused',
      reason: 'unknown_zone',
    });
    expect(classifyFailure(new AppError('not_found', 'x'))).toEqual({ kind: 'refused', reason: 'not_found' });
  });

  it.each([new TypeError('bug'), coded('42501'), coded('23505'), new AppError('server_error', 'x'), 'text', undefined])(
    '%s is unexpected: neither proven bad nor an outage',
    (error) => {
      expect(classifyFailure(error).kind).toBe('unexpected');
    },
  );

  it('never puts a message into the code', () => {
    expect(failureCode(new Error('secret text'))).toBe('Error');
    expect(failureCode(new AppError('not_found', 'secret text'))).toBe('not_found');
  });

  it('waits longer each time, never longer than 30 s and never less than half of what it should', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, jitter) => {
          const delay = retryDelay(attempts, jitter);
          const full = Math.min(30_000, 250 * 2 ** Math.min(attempts - 1, 20));
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});
