import { describe, expect, it } from '@jest/globals';
import { QueryRunnerAlreadyReleasedError } from 'typeorm';
import { translateFault } from './database-errors.js';

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

  it('that refused something is passed on as it is', () => {
    const refused = Object.assign(new Error('x'), { code: '23505' });
    expect(translateFault(refused)).toBe(refused);
  });
});
