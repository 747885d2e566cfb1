import { describe, expect, it } from '@jest/globals';
import { NOW, serviceRecord, sessionRecord } from '../../../../test/support/runtime-records.js';
import type { Invocation } from './invocation.js';
import { overtaken } from './overtaken.js';

const source = sessionRecord('ses_a');
const target = serviceRecord('ses_b', { generation: 2 });
const running: Invocation = {
  id: 'inv_1',
  source: 'ses_a',
  target: 'ses_b',
  sourceApplication: 'app_a',
  targetApplication: 'app_a',
  txn: 'txn',
  status: 'running',
  attempts: 1,
  maxAttempts: 2,
  backoffSeconds: 0,
  generation: 2,
  deadlineAt: NOW + 1,
  availableAt: NOW - 5,
  createdAt: NOW - 10,
};
const kinds = (invocation: Partial<Invocation>, parties = {}, now = NOW) =>
  overtaken({ ...running, ...invocation }, { source, target, ...parties }, now).map((move) => move.kind);

describe('what overtakes an invocation', () => {
  it('[T4] is time first, then its parties, then the loss of its attempt', () => {
    const dead = sessionRecord('ses_x', { status: 'terminated' });
    expect(kinds({})).toEqual([]);
    expect(kinds({}, {}, NOW + 1)).toEqual(['time_out']);
    expect(kinds({}, { source: dead, target: dead })).toEqual(['cancel']);
    expect(kinds({}, { source: undefined })).toEqual(['cancel']);
    expect(kinds({ status: 'pending' }, { target: dead })).toEqual(['abandon']);
    expect(kinds({ generation: 1 })).toEqual(['fail', 'retry']);
    expect(kinds({ generation: 1, attempts: 2 })).toEqual(['fail']);
    expect(kinds({ status: 'pending', generation: undefined })).toEqual([]);
  });

  it('is nothing once it is over, and a suspended target keeps its work', () => {
    for (const status of ['succeeded', 'failed', 'timed_out', 'cancelled'] as const)
      expect(kinds({ status }, { source: undefined }, NOW + 9)).toEqual([]);
    expect(kinds({}, { target: { ...target, status: 'suspended' } })).toEqual([]);
  });
});
