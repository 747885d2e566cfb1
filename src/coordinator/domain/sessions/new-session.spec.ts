import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../kernel/app-error.js';
import { NOW, sessionRecord } from '../../../../test/support/runtime-records.js';
import { type Birth, newSession, requireMeaningful, type StartRequest } from './new-session.js';

const ASKED: StartRequest = { lifecycle: 'task', labels: [], metadata: {}, authority: 'inherit' };

function birth(members: Partial<Birth> = {}): Birth {
  return {
    id: 'ses_new',
    application: 'app_a',
    credential: 'crd_a',
    life: { expiresAt: NOW + 1 },
    epochs: { z: 3, a: 2 },
    subjectEpoch: (subject) => (subject === 'app:app_a' ? 7 : 9),
    now: NOW,
    txn: 'txn_fresh',
    ...members,
  };
}

describe('a new session', () => {
  it('at the root works for its application', () => {
    expect(newSession(ASKED, birth())).toMatchObject({
      root: 'ses_new',
      path: ['ses_new'],
      depth: 0,
      subject: 'app:app_a',
      subjectType: 'application',
      txn: 'txn_fresh',
      epochs: { z: 3, a: 2, s: 7 },
      generation: 1,
      status: 'active',
    });
  });

  it('[T2] below another one keeps its subject, its root and its correlation id', () => {
    const parent = sessionRecord(
      'ses_p',
      { subject: 'user:sis_1:ann', subjectType: 'user', txn: 'txn_root' },
      sessionRecord('ses_root'),
    );
    expect(newSession(ASKED, birth({ parent }))).toMatchObject({
      parent: 'ses_p',
      root: 'ses_root',
      path: ['ses_root', 'ses_p', 'ses_new'],
      depth: 2,
      subject: 'user:sis_1:ann',
      subjectType: 'user',
      txn: 'txn_root',
      epochs: { z: 3, a: 2, s: 9 },
    });
  });

  it('of narrowed authority names its edge', () => {
    const asked: StartRequest = { ...ASKED, authority: { narrow: { resources: [] } } };
    expect(newSession(asked, birth({ delegation: 'del_1' }))).toMatchObject({
      authority: 'narrowed',
      delegation: 'del_1',
    });
  });
});

describe('what no session can be', () => {
  it.each([
    ['a narrowed root', { authority: { narrow: { resources: [] } } }, 'authority'],
    ['a service with a TTL', { lifecycle: 'service', ttlSeconds: 60 }, 'ttl_seconds'],
    ['a task with a lease', { leaseSeconds: 60 }, 'lease_seconds'],
  ] as const)('%s', (_name, members, field) => {
    const run = () => requireMeaningful({ ...ASKED, ...members }, false);
    expect(run).toThrow(AppError);
    try {
      run();
    } catch (error) {
      expect((error as AppError).errors?.[0]?.field).toBe(field);
    }
  });
});
