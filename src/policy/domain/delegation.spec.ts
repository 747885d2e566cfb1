import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSubset } from '../../kernel/scopes.js';
import {
  type DelegationEdge,
  type EdgeFacts,
  type EdgeProposal,
  hopsAllowed,
  isLiveEdge,
  refuseEdge,
} from './delegation.js';

const NOW = 1_000_000;

const EDGE: DelegationEdge = {
  id: 'del_1',
  source: 'ses_a',
  target: 'ses_b',
  sourceApplication: 'app_a',
  targetApplication: 'app_b',
  path: ['del_1'],
  resources: [{ resource: 'r', scopes: new Set(['read']) }],
  hopsRemaining: 1,
  status: 'active',
  expiresAt: NOW + 100,
};

const PROPOSAL: EdgeProposal = { source: 'ses_b', target: 'ses_c', resources: EDGE.resources, expiresAt: NOW + 50 };
const FACTS: EdgeFacts = {
  now: NOW,
  sourceEnds: NOW + 200,
  targetEnds: Number.POSITIVE_INFINITY,
  held: (resource) => new Set(resource === 'r' ? ['read', 'write'] : []),
  outgoing: () => [],
};

describe('isLiveEdge', () => {
  it.each([
    ['active', {}, true],
    ['revoked', { status: 'revoked' as const }, false],
    ['expired', { status: 'expired' as const }, false],
    ['at its end', { expiresAt: NOW }, false],
    ['before it begins', { notBefore: NOW + 1 }, false],
    ['from its beginning on', { notBefore: NOW }, true],
  ])('%s', (_name, change, expected) => {
    expect(isLiveEdge({ ...EDGE, ...change }, NOW)).toBe(expected);
  });
});

describe('refuseEdge', () => {
  const cases: [string, Partial<EdgeProposal>, Partial<EdgeFacts>, ReturnType<typeof refuseEdge>][] = [
    ['a narrower edge is made', {}, {}, undefined],
    [
      'a scope the source does not hold',
      { resources: [{ resource: 'r', scopes: new Set(['read', 'admin']) }] },
      {},
      'authority_exceeded',
    ],
    [
      'a resource the source does not hold',
      { resources: [{ resource: 'q', scopes: new Set(['read']) }] },
      {},
      'authority_exceeded',
    ],
    ['no resources', { resources: [] }, {}, 'authority_exceeded'],
    ['no scopes', { resources: [{ resource: 'r', scopes: new Set<string>() }] }, {}, 'authority_exceeded'],
    ['a life beyond the source', { expiresAt: NOW + 201 }, {}, 'authority_exceeded'],
    ['a life beyond the target', {}, { targetEnds: NOW + 49 }, 'authority_exceeded'],
    ['a life beyond the parent', { expiresAt: NOW + 101 }, { parent: EDGE }, 'authority_exceeded'],
    ['a life that is over', { expiresAt: NOW }, {}, 'authority_exceeded'],
    ['the parent’s last hop', { hops: 0 }, { parent: EDGE }, undefined],
    ['more hops than the parent leaves', { hops: 1 }, { parent: EDGE }, 'authority_exceeded'],
    ['a parent without hops', {}, { parent: { ...EDGE, hopsRemaining: 0 } }, 'authority_exceeded'],
    ['ten hops at the root', { hops: 10 }, {}, undefined],
    ['eleven hops at the root', { hops: 11 }, {}, 'authority_exceeded'],
    ['negative hops', { hops: -1 }, {}, 'authority_exceeded'],
    ['itself', { target: 'ses_b' }, {}, 'delegation_cycle'],
    [
      'back to the source in two steps',
      {},
      { outgoing: (session) => (session === 'ses_c' ? ['ses_d'] : session === 'ses_d' ? ['ses_b'] : []) },
      'delegation_cycle',
    ],
    [
      'a cycle elsewhere',
      {},
      { outgoing: (session) => (session === 'ses_c' ? ['ses_d'] : session === 'ses_d' ? ['ses_c'] : []) },
      undefined,
    ],
  ];
  it.each(cases)('[T4] %s', (_name, proposal, facts, expected) => {
    expect(refuseEdge({ ...PROPOSAL, ...proposal }, { ...FACTS, ...facts })).toBe(expected);
  });

  it('[T4] whatever is admitted is within source, target and parent', () => {
    const scopes = fc.subarray(['read', 'write', 'admin']).map((list) => new Set(list));
    const proposal = fc.record({
      source: fc.constant('ses_b'),
      target: fc.constant('ses_c'),
      resources: fc.array(fc.record({ resource: fc.constantFrom('r', 'q'), scopes }), { maxLength: 3 }),
      hops: fc.option(fc.integer({ min: -1, max: 11 }), { nil: undefined }),
      expiresAt: fc.integer({ min: NOW - 10, max: NOW + 300 }),
    });
    const parent = fc.option(
      fc.integer({ min: 0, max: 4 }).map((hopsRemaining) => ({ ...EDGE, hopsRemaining })),
      { nil: undefined },
    );
    fc.assert(
      fc.property(proposal, parent, (edge, above) => {
        if (refuseEdge(edge, { ...FACTS, parent: above }) !== undefined) return;
        expect(edge.hops ?? 0).toBeLessThanOrEqual(hopsAllowed(above));
        expect(edge.expiresAt).toBeLessThanOrEqual(Math.min(FACTS.sourceEnds, above?.expiresAt ?? Infinity));
        expect(edge.resources.every((entry) => isSubset(entry.scopes, FACTS.held(entry.resource)))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
