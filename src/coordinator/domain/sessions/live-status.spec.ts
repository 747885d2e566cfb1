import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOW, serviceRecord, sessionRecord, statusFacts } from '../../../../test/support/runtime-records.js';
import { hasMissedLease, liveStatus } from './live-status.js';
import { isOpen, LEASE_MISSED, type SessionRecord, type SessionStatus } from './session.js';

const root = sessionRecord('ses_root');

describe('what a session is by itself', () => {
  const cases: [string, SessionRecord, SessionStatus, string | undefined][] = [
    ['runs', sessionRecord('s'), 'active', undefined],
    ['was terminated', sessionRecord('s', { status: 'terminated', endReason: 'requested' }), 'terminated', 'requested'],
    ['has expired in its row', sessionRecord('s', { status: 'expired', endReason: 'ttl' }), 'expired', 'ttl'],
    ['is past its TTL, whatever the row says', sessionRecord('s', { expiresAt: NOW }), 'expired', 'ttl'],
    [
      'is past its TTL while suspended',
      sessionRecord('s', { status: 'suspended', expiresAt: NOW - 1 }),
      'expired',
      'ttl',
    ],
    ['is suspended', sessionRecord('s', { status: 'suspended', suspendReason: 'requested' }), 'suspended', undefined],
    ['holds its lease', serviceRecord('s'), 'active', undefined],
    ['has missed its lease', serviceRecord('s', { leaseExpiresAt: NOW }), 'suspended', undefined],
    [
      'has missed its lease for the whole grace period',
      serviceRecord('s', { leaseExpiresAt: NOW - 600_000 }),
      'terminated',
      'lease_lost',
    ],
    [
      'was marked as having missed its lease, and the grace period is over',
      serviceRecord('s', { status: 'suspended', suspendReason: LEASE_MISSED, leaseExpiresAt: NOW - 600_000 }),
      'terminated',
      'lease_lost',
    ],
    [
      'is a service suspended on purpose: it has no lease to lose',
      serviceRecord('s', { status: 'suspended', leaseExpiresAt: undefined }),
      'suspended',
      undefined,
    ],
  ];
  it.each(cases)('%s', (_name, session, status, reason) => {
    const view = liveStatus([session], statusFacts());
    expect({ status: view.status, reason: view.endReason }).toEqual({ status, reason });
  });

  it.each(['zone', 'application', 'credential', 'subject'] as const)('ends when its %s was revoked', (anchor) => {
    const view = liveStatus([root], statusFacts({ endedBy: () => anchor }));
    expect(view).toMatchObject({ status: 'terminated', endReason: `${anchor}_revoked` });
  });
});

describe('what a session is under its ancestors', () => {
  it('is terminated as soon as an ancestor has ended, at the time the ancestor did', () => {
    const dead = sessionRecord('ses_dead', { status: 'terminated', endedAt: NOW - 5 }, root);
    const child = sessionRecord('ses_child', {}, dead);
    expect(liveStatus([root, dead, child], statusFacts())).toMatchObject({
      status: 'terminated',
      endedAt: NOW - 5,
      endReason: 'ancestor_ended',
    });
  });

  it('is suspended while an ancestor is', () => {
    const held = { ...root, status: 'suspended' as const, suspendReason: 'requested' };
    const child = sessionRecord('ses_child', {}, held);
    expect(liveStatus([held, child], statusFacts())).toMatchObject({
      status: 'suspended',
      suspendReason: 'ancestor_suspended',
    });
  });

  it('keeps its own end when it ended before its ancestor', () => {
    const dead = { ...root, status: 'terminated' as const };
    const child = sessionRecord('ses_child', { status: 'expired', endReason: 'ttl' }, dead);
    expect(liveStatus([dead, child], statusFacts())).toMatchObject({ status: 'expired', endReason: 'ttl' });
  });

  it('[T4] never reports more life than any session above it has', () => {
    const state = fc.record({
      status: fc.constantFrom<SessionStatus>('active', 'suspended', 'terminated', 'expired'),
      expiresAt: fc.option(fc.integer({ min: NOW - 10, max: NOW + 10 }), { nil: undefined }),
      service: fc.boolean(),
      lease: fc.integer({ min: NOW - 700_000, max: NOW + 10 }),
    });
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 6 }), (states) => {
        const path: SessionRecord[] = [];
        for (const [at, { status, expiresAt, service, lease }] of states.entries()) {
          const own = service
            ? serviceRecord(`s${at}`, { status, expiresAt, leaseExpiresAt: lease }, path.at(-1))
            : sessionRecord(`s${at}`, { status, expiresAt }, path.at(-1));
          path.push(own);
        }
        const facts = statusFacts();
        const life = (members: SessionRecord[]): number => {
          const { status } = liveStatus(members, facts);
          return status === 'active' ? 2 : isOpen(status) ? 1 : 0;
        };
        const lives = path.map((_, at) => life(path.slice(0, at + 1)));
        for (const [at, above] of lives.slice(0, -1).entries()) expect(lives[at + 1]).toBeLessThanOrEqual(above);
      }),
    );
  });
});

describe('a missed lease', () => {
  it('counts only for a service that lives by it', () => {
    expect(hasMissedLease(serviceRecord('s', { leaseExpiresAt: NOW }), NOW)).toBe(true);
    expect(hasMissedLease(serviceRecord('s'), NOW)).toBe(false);
    expect(hasMissedLease(sessionRecord('s', { leaseExpiresAt: NOW - 1 }), NOW)).toBe(false);
  });
});
