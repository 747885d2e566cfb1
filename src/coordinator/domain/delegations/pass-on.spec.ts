import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../kernel/app-error.js';
import { isSubset, type ScopeSet } from '../../../kernel/scopes.js';
import type { Lineage } from '../../../policy/index.js';
import { delegationRecord, NOW, sessionRecord } from '../../../../test/support/runtime-records.js';
import { covers, passOn, type PassedOn, type PassOnFacts, type PassOnRequest } from './pass-on.js';

const MAIL = 'https://mail.example';
const source = sessionRecord('ses_s');
const spawned = delegationRecord('del_up', ['ses_root', 'ses_s'], { hopsRemaining: 2, path: ['del_0', 'del_up'] });

function lineage(members: Partial<Lineage> = {}): Lineage {
  return {
    current: source,
    root: source,
    ceilings: [],
    edges: [],
    actors: [source],
    sessions: [source],
    gatewayOnly: false,
    endsAt: Infinity,
    ...members,
  };
}

function facts(members: Partial<PassOnFacts> = {}): PassOnFacts {
  return {
    now: NOW,
    lineage: lineage(),
    held: (resource) => new Set(resource === MAIL ? ['read', 'write'] : []),
    sourceEnds: NOW + 100,
    targetEnds: NOW + 100,
    outgoing: () => [],
    ...members,
  };
}

function request(members: Partial<PassOnRequest> = {}): PassOnRequest {
  return {
    source: 'ses_s',
    target: 'ses_t',
    resources: [{ resource: MAIL, scopes: new Set(['read']) }],
    expiresAt: NOW + 50,
    ...members,
  };
}

function outcome(asked: PassOnRequest, known: PassOnFacts): PassedOn | string {
  try {
    return passOn(asked, known);
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

describe('where a new edge stands', () => {
  it('of own authority it is the first edge', () => {
    expect(outcome(request({ hops: 3 }), facts())).toEqual({ above: [], hopsRemaining: 3 });
  });

  it('continues the edge that ends at its source', () => {
    const known = facts({ lineage: lineage({ edges: [spawned] }) });
    expect(outcome(request({ hops: 1 }), known)).toEqual({
      parent: 'del_up',
      above: ['del_0', 'del_up'],
      hopsRemaining: 1,
    });
  });

  it('names the edges above an inheriting source, so that it is revoked with them', () => {
    const known = facts({ lineage: lineage({ edges: [{ ...spawned, target: 'ses_above' }] }) });
    expect(outcome(request(), known)).toEqual({ above: ['del_0', 'del_up'], hopsRemaining: 0 });
  });
});

describe('[T2] a new edge is refused', () => {
  it.each([
    [
      'for a scope that is not held',
      { resources: [{ resource: MAIL, scopes: new Set(['delete']) }] },
      {},
      'authority_exceeded',
    ],
    [
      'for a resource at which nothing is held',
      { resources: [{ resource: 'https://x.example', scopes: new Set(['read']) }] },
      {},
      'authority_exceeded',
    ],
    ['beyond the source', { expiresAt: NOW + 101 }, { targetEnds: Infinity }, 'authority_exceeded'],
    ['beyond the target', { expiresAt: NOW + 101 }, { sourceEnds: Infinity }, 'authority_exceeded'],
    [
      'with as many hops as the edge above has left',
      { hops: 2 },
      { lineage: lineage({ edges: [spawned] }) },
      'authority_exceeded',
    ],
    [
      'below an edge without hops, also from a session that only inherits it',
      {},
      { lineage: lineage({ edges: [{ ...spawned, target: 'ses_above', hopsRemaining: 0 }] }) },
      'authority_exceeded',
    ],
    [
      'beyond the edge above',
      { expiresAt: NOW + 51 },
      { lineage: lineage({ edges: [{ ...spawned, expiresAt: NOW + 50 }] }) },
      'authority_exceeded',
    ],
    ['to the source itself', { target: 'ses_s' }, {}, 'delegation_cycle'],
    [
      'to a session that leads back to the source',
      {},
      { outgoing: (id: string) => (id === 'ses_t' ? ['ses_s'] : []) },
      'delegation_cycle',
    ],
    [
      'to a session the authority came from',
      { target: 'ses_up' },
      { lineage: lineage({ sessions: [source, sessionRecord('ses_up')] }) },
      'delegation_cycle',
    ],
  ] as [string, Partial<PassOnRequest>, Partial<PassOnFacts>, string][])('%s', (_name, asked, known, code) => {
    expect(outcome(request(asked), facts(known))).toBe(code);
  });
});

describe('[T2] narrowing', () => {
  it('never widens scopes, hops or life', () => {
    const scopes = fc.subarray(['a', 'b', 'c']).map((list): ScopeSet => new Set(list));
    const arbitrary = fc.record({
      asked: scopes,
      held: scopes,
      hops: fc.nat(4),
      left: fc.nat(4),
      end: fc.integer({ min: NOW - 5, max: NOW + 20 }),
      above: fc.integer({ min: NOW - 5, max: NOW + 20 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ asked, held, hops, left, end, above }) => {
        const upper = { ...spawned, hopsRemaining: left, expiresAt: above };
        const result = outcome(
          request({ resources: [{ resource: MAIL, scopes: asked }], hops, expiresAt: end }),
          facts({ lineage: lineage({ edges: [upper] }), held: () => held, sourceEnds: NOW + 15, targetEnds: NOW + 10 }),
        );
        if (typeof result === 'string') return;
        expect(asked.size).toBeGreaterThan(0);
        expect(isSubset(asked, held)).toBe(true);
        expect(result.hopsRemaining).toBeLessThan(left);
        expect(end).toBeLessThanOrEqual(Math.min(above, NOW + 10));
      }),
    );
  });

  it('covers only what is held everywhere', () => {
    const held = (resource: string): ScopeSet => new Set(resource === MAIL ? ['read'] : []);
    expect(covers([{ resource: MAIL, scopes: new Set(['read']) }], held)).toBe(true);
    expect(covers([{ resource: MAIL, scopes: new Set(['read', 'write']) }], held)).toBe(false);
    expect(
      covers(
        [
          { resource: MAIL, scopes: new Set(['read']) },
          { resource: 'x', scopes: new Set(['read']) },
        ],
        held,
      ),
    ).toBe(false);
  });
});
