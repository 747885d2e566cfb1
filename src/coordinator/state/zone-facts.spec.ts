import { describe, expect, it } from '@jest/globals';
import type { ApplicationView, CredentialView, ZoneView } from '../../control/index.js';
import { NOW, sessionRecord } from '../../../test/support/runtime-records.js';
import { anchorFacts } from './zone-facts.js';

const APPLICATION = { id: 'app_a', status: 'active', epoch: 2 } as ApplicationView;
const CREDENTIAL = { id: 'crd_a', application: 'app_a' } as CredentialView;

function facts(
  zone: Partial<ZoneView> = {},
  application: Partial<ApplicationView> = {},
  credential: Partial<CredentialView> | null = {},
) {
  const view = {
    status: 'active',
    epoch: 5,
    settings: { grace_seconds: 600 },
    application: (id: string) => (id === 'app_a' ? { ...APPLICATION, ...application } : undefined),
    credential: (id: string) => (id === 'crd_a' && credential ? { ...CREDENTIAL, ...credential } : undefined),
    ...zone,
  } as ZoneView;
  return anchorFacts(view, (subject) => (subject === 'app:app_a' ? 1 : 0), NOW);
}

const session = sessionRecord('ses_1', { epochs: { z: 5, a: 2, s: 1 } });

describe('what ends a session from outside its tree', () => {
  it.each([
    ['nothing', facts(), session, undefined],
    ['a killed zone', facts({ status: 'killed' }), session, 'zone'],
    ['[T2] a kill that was taken back since', facts({ epoch: 6 }), session, 'zone'],
    ['a revoked application', facts({}, { status: 'revoked' }), session, 'application'],
    ['an archived application', facts({}, { status: 'archived' }), session, 'application'],
    ['an application that has expired', facts({}, { expiresAt: NOW }), session, 'application'],
    ['[T2] a revocation of the application that was taken back since', facts({}, { epoch: 3 }), session, 'application'],
    ['an application that is gone', facts(), { ...session, application: 'app_x' }, 'application'],
    ['a revoked credential', facts({}, {}, { revokedAt: NOW }), session, 'credential'],
    ['a credential that is gone', facts({}, {}, null), session, 'credential'],
    ['another application’s credential', facts({}, {}, { application: 'app_b' }), session, 'credential'],
    ['a revoked subject', facts(), { ...session, epochs: { z: 5, a: 2, s: 0 } }, 'subject'],
    ['no credential at all', facts({}, {}, null), { ...session, credential: undefined }, undefined],
  ])('%s', (_name, known, given, anchor) => {
    expect(known.endedBy(given)).toBe(anchor);
    if (anchor === undefined) expect(known.current('app_a', 'app:app_a', given.epochs)).toBe(true);
    else if (anchor !== 'credential') expect(known.current(given.application, given.subject, given.epochs)).toBe(false);
  });

  it('grants the zone’s grace period', () => expect(facts().graceMs).toBe(600_000));
});
