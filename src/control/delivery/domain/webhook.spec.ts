import { describe, expect, it } from '@jest/globals';
import { eventFaults, wants } from './webhook.js';

describe('events of webhooks', () => {
  it.each([
    '*',
    'exchange',
    'session.terminated',
    'admin.zones.create',
    'admin.policy_sets.activate',
    'ledger.finding',
  ])('may be %s', (event) => expect(eventFaults([event])).toEqual([]));

  it.each(['', 'sessions.terminated', 'session.', 'Session.started', 'session.*', '**', 'session terminated'])(
    'may not be %j, which would be silent for good',
    (event) => expect(eventFaults(['exchange', event])).toMatchObject([{ field: 'events.1' }]),
  );

  it('match exactly, or all', () => {
    expect(wants(['session.started'], 'session.started')).toBe(true);
    expect(wants(['session.started'], 'session.terminated')).toBe(false);
    expect(wants(['*'], 'anything.at_all')).toBe(true);
  });
});
