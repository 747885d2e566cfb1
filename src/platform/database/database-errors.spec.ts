import { describe, expect, it } from '@jest/globals';
import { QueryRunnerAlreadyReleasedError } from 'typeorm';
import { isSilence, translateFault } from './database-errors.js';

describe('[T8] a fault of the database', () => {
  it.each<[string, Error]>([
    ['whose connection went between two statements', new QueryRunnerAlreadyReleasedError()],
    ['whose connection ended', new Error('Connection terminated unexpectedly')],
    ['that ended a statement which took too long', Object.assign(new Error('x'), { code: '57014' })],
    ['whose connection was given up', Object.assign(new Error('x'), { code: 'ETIMEDOUT' })],
    ['that is shutting down', Object.assign(new Error('x'), { driverError: { code: '57P01' } })],
  ])('%s is said as temporary', (_name, fault) => {
    expect(translateFault(fault)).toMatchObject({ code: 'temporarily_unavailable', detail: 'database_unreachable' });
  });

  it.each<[string, Error, boolean]>([
    ['an answer that did not come', Object.assign(new Error('x'), { driverError: { code: 'ETIMEDOUT' } }), true],
    ['a login that was not answered', new Error('Connection terminated due to connection timeout'), true],
    ['a pool that is busy', new Error('timeout exceeded when trying to connect'), false],
    ['a statement that the server ended', Object.assign(new Error('x'), { code: '57014' }), false],
  ])('tells silence from what is said: %s', (_name, fault, silent) => {
    expect(isSilence(fault)).toBe(silent);
  });

  it('that refused something is passed on as it is', () => {
    const refused = Object.assign(new Error('x'), { code: '23505' });
    expect(translateFault(refused)).toBe(refused);
  });
});
