import { describe, expect, it } from '@jest/globals';
import { authorizeAdmin, type AdminRoute, type AdminVerdict } from './admin-authorization.js';

type Capability = AdminRoute['capability'];

const zoneRoute = (capability: Capability, rest = '/applications', more: Partial<AdminRoute> = {}): AdminRoute => ({
  capability,
  zoneBound: false,
  reading: capability === 'read',
  pattern: `/v1/zones/:zone${rest}`,
  zone: { slug: 'a', status: 'active' },
  ...more,
});
const globalRoute = (capability: Capability, more: Partial<AdminRoute> = {}): AdminRoute => ({
  capability,
  zoneBound: false,
  reading: true,
  pattern: '/v1/admin-tokens',
  ...more,
});
const held = (...capabilities: Capability[]) => new Set<string>(capabilities);

describe('authorizeAdmin: capabilities', () => {
  const MATRIX: [Capability, Capability[]][] = [
    ['read', ['read', 'write', 'bootstrap']],
    ['write', ['write', 'bootstrap']],
    ['approve', ['approve', 'bootstrap']],
    ['audit', ['audit', 'bootstrap']],
    ['bootstrap', ['bootstrap']],
  ];
  const ALL: Capability[] = ['read', 'write', 'approve', 'audit', 'bootstrap'];

  it.each(
    MATRIX.flatMap(([asked, enough]) =>
      ALL.map((capability) => [asked, capability, enough.includes(capability)] as const),
    ),
  )('[T12] a route for %s called with %s: %p', (asked, capability, allowed) => {
    const verdict = authorizeAdmin({ capabilities: held(capability) }, zoneRoute(asked));
    expect(verdict).toBe(allowed ? 'allowed' : 'insufficient_capability');
  });

  it.each<[Capability, string, AdminVerdict]>([
    ['approve', '/approvals', 'allowed'],
    ['approve', '/approvals/:id', 'allowed'],
    ['approve', '', 'allowed'],
    ['approve', '/applications', 'insufficient_capability'],
    ['audit', '/audit/events', 'allowed'],
    ['audit', '', 'allowed'],
    ['audit', '/approvals', 'insufficient_capability'],
    ['write', '/approvals', 'allowed'],
  ])('%s reads %s: %s', (capability, rest, verdict) => {
    expect(authorizeAdmin({ capabilities: held(capability) }, zoneRoute('read', rest))).toBe(verdict);
  });

  it('[T12] nothing is allowed to a token without capabilities', () => {
    expect(authorizeAdmin({ capabilities: held() }, zoneRoute('read'))).toBe('insufficient_capability');
  });
});

describe('authorizeAdmin: zones', () => {
  const bound = { capabilities: held('bootstrap'), zones: new Set(['a']) };

  it.each<[string, AdminRoute, AdminVerdict]>([
    ['its own zone', zoneRoute('write'), 'allowed'],
    ['a foreign zone', zoneRoute('read', '', { zone: { slug: 'b', status: 'active' } }), 'not_found'],
    ['a zone that is not there', zoneRoute('read', '', { zone: { slug: 'c', status: undefined } }), 'not_found'],
    [
      'the system zone',
      zoneRoute('audit', '/audit/events', { zone: { slug: '_system', status: 'active' } }),
      'not_found',
    ],
    ['a global route', globalRoute('read'), 'insufficient_capability'],
    ['a global route that shows only its own', globalRoute('read', { zoneBound: true }), 'allowed'],
  ])('[T12] a bound token and %s', (_name, route, verdict) => {
    expect(authorizeAdmin(bound, route)).toBe(verdict);
  });

  it.each<[string, Partial<AdminRoute>, AdminVerdict]>([
    ['itself', { pattern: '/v1/zones/:zone', reading: true, capability: 'read' }, 'allowed'],
    ['its ledger', { pattern: '/v1/zones/:zone/audit/verify', reading: false, capability: 'audit' }, 'allowed'],
    ['an update of itself', { pattern: '/v1/zones/:zone', reading: false, capability: 'write' }, 'not_found'],
    ['applications', { pattern: '/v1/zones/:zone/applications', reading: true, capability: 'read' }, 'not_found'],
  ])('the system zone answers a global token for %s', (_name, more, verdict) => {
    const route = zoneRoute('read', '', { zone: { slug: '_system', status: 'active' }, ...more });
    expect(authorizeAdmin({ capabilities: held('bootstrap') }, route)).toBe(verdict);
  });

  it.each<[string, Capability, boolean, AdminVerdict]>([
    ['is read', 'read', true, 'allowed'],
    ['is not written', 'write', false, 'archived'],
    ['is not approved in', 'approve', false, 'archived'],
    ['is simulated in', 'read', false, 'allowed'],
    ['is audited', 'audit', false, 'allowed'],
  ])('an archived zone %s', (_name, capability, reading, verdict) => {
    const route = zoneRoute(capability, '/x', { reading, zone: { slug: 'a', status: 'archived' } });
    expect(authorizeAdmin({ capabilities: held('bootstrap') }, route)).toBe(verdict);
  });
});
