import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sessionRecord } from '../../../../test/support/runtime-records.js';
import { type Act, refuseAct, requireReach } from './reach.js';

const root = sessionRecord('ses_root');
const child = sessionRecord('ses_child', {}, root);
const sibling = sessionRecord('ses_sibling', {}, root);
const grandchild = sessionRecord('ses_grand', {}, child);
const ACTS: readonly Act[] = ['own', 'start_child', 'read', 'terminate'];

describe('who may do what to a session', () => {
  it.each(ACTS)('an application may %s any of its sessions', (act) => {
    for (const session of [root, child, grandchild])
      expect(refuseAct({ application: 'app_a' }, session, act)).toBeUndefined();
  });

  it.each(ACTS)('[T2] to another application’s session it may not %s: it does not exist', (act) => {
    expect(refuseAct({ application: 'app_b' }, root, act)).toBe('not_found');
    expect(refuseAct({ application: 'app_b', session: 'ses_root' }, root, act)).toBe('not_found');
  });

  it.each([
    ['itself', child, [undefined, undefined, undefined, undefined]],
    ['a descendant', grandchild, ['access_denied', 'access_denied', undefined, undefined]],
    ['an ancestor', root, ['access_denied', 'access_denied', 'access_denied', 'access_denied']],
    ['a sibling', sibling, ['access_denied', 'access_denied', 'access_denied', 'access_denied']],
  ])('a session to %s', (_name, session, refusals) => {
    expect(ACTS.map((act) => refuseAct({ application: 'app_a', session: 'ses_child' }, session, act))).toEqual(
      refusals,
    );
  });

  it('[T2] a session reaches nothing outside its own subtree', () => {
    const all = [root, child, sibling, grandchild];
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.constantFrom(...all),
        fc.constantFrom(...ACTS),
        (caller, session, act) => {
          const allowed = refuseAct({ application: 'app_a', session: caller.id }, session, act) === undefined;
          if (allowed) expect(session.path).toContain(caller.id);
        },
      ),
    );
  });

  it('refuses an unknown session like a foreign one', () => {
    expect(() => requireReach({ application: 'app_b' }, undefined, 'read')).toThrow('There is no such session.');
    expect(() => requireReach({ application: 'app_b' }, root, 'read')).toThrow('There is no such session.');
    expect(requireReach({ application: 'app_a' }, root, 'read')).toBe(root);
  });
});
