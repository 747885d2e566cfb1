import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalize } from '../../kernel/canonical-json.js';
import { isSubset } from '../../kernel/scopes.js';
import type { Target } from './ceiling.js';
import { decide, type DecisionFacts } from './decide.js';
import { type PolicyFacts, policyScene } from './policy-input.js';
import { DEFAULT_POLICY_SET, type PolicySet, type PolicyVerdict } from './policy-set.js';

const CALENDAR: Target = { id: 'res_c', identifier: 'https://calendar', scopes: new Set(['read', 'write', 'delete']) };
const MAIL: Target = { id: 'res_m', identifier: 'https://mail', scopes: new Set(['read', 'write']) };
const NOW = Date.UTC(2026, 0, 5, 13, 45);

const FACTS: DecisionFacts = {
  ceilings: [{ kind: 'grants', application: 'app_1', labels: [] }],
  grants: () => [{ scopes: new Set(['read', 'write']) }, { scopes: new Set(['delete']), expiresAt: NOW + 60_000 }],
  principal: { application: 'app_1', session: 'ses_1', labels: ['b', 'a'] },
  subject: { type: 'application', sub: 'app:app_1' },
  depth: 0,
  chain: ['app_1'],
  now: NOW,
};

function policies(effects: Record<string, PolicyVerdict['effect']>): PolicySet {
  return {
    version: 7,
    evaluate: ({ action, resource }) => {
      const effect = effects[`${action}@${resource}`] ?? effects[action] ?? 'permit';
      return { effect, determining: [`p-${effect}`], reasons: effect === 'permit' ? [] : ['forbidden'] };
    },
  };
}

describe('decide', () => {
  it('without policies, grants alone decide', () => {
    const decision = decide({ targets: [CALENDAR], scope: new Set(['read']) }, FACTS, DEFAULT_POLICY_SET);
    expect(decision).toMatchObject({
      outcome: 'allow',
      scopes: new Set(['read']),
      endsAt: Infinity,
      policy: { version: 0, determining: ['default'] },
    });
  });

  it('says when the grant behind it ends', () => {
    expect(decide({ targets: [CALENDAR] }, FACTS, DEFAULT_POLICY_SET)).toMatchObject({
      outcome: 'allow',
      endsAt: NOW + 60_000,
    });
  });

  it('structural refusals come before policy is asked', () => {
    const never: PolicySet = {
      version: 1,
      evaluate: () => {
        throw new Error('must not be asked');
      },
    };
    expect(decide({ targets: [MAIL], scope: new Set(['delete']) }, FACTS, never)).toEqual({
      outcome: 'refused',
      code: 'invalid_scope',
      missing: new Set(['delete']),
    });
  });

  it('[T2] an explicit scope that policy denies is denied whole and names what is missing', () => {
    const decision = decide(
      { targets: [CALENDAR], scope: new Set(['read', 'write']) },
      FACTS,
      policies({ write: 'deny' }),
    );
    expect(decision).toMatchObject({
      outcome: 'denied',
      missing: new Set(['write']),
      reasons: ['forbidden'],
      policy: { version: 7, determining: ['p-deny', 'p-permit'] },
    });
  });

  it('[T2] a denial at one of several targets denies all of them', () => {
    expect(
      decide({ targets: [CALENDAR, MAIL], scope: new Set(['read']) }, FACTS, policies({ 'read@res_m': 'deny' })),
    ).toMatchObject({ outcome: 'denied' });
  });

  it('one hold holds the whole; a denial outweighs it', () => {
    expect(
      decide({ targets: [CALENDAR], scope: new Set(['read', 'write']) }, FACTS, policies({ write: 'hold' })),
    ).toMatchObject({
      outcome: 'hold',
      scopes: new Set(['read', 'write']),
      held: new Set(['write']),
    });
    expect(
      decide(
        { targets: [CALENDAR], scope: new Set(['read', 'write']) },
        FACTS,
        policies({ write: 'hold', read: 'deny' }),
      ),
    ).toMatchObject({ outcome: 'denied' });
  });

  it('an omitted scope leaves out what is denied and what needs approval', () => {
    expect(decide({ targets: [CALENDAR] }, FACTS, policies({ write: 'hold', delete: 'deny' }))).toMatchObject({
      outcome: 'allow',
      scopes: new Set(['read']),
    });
  });

  it('an omitted scope of which nothing is left is invalid_target and keeps the policy in the record', () => {
    const decision = decide({ targets: [CALENDAR] }, FACTS, policies({ read: 'deny', write: 'hold', delete: 'deny' }));
    expect(decision).toMatchObject({ outcome: 'refused', code: 'invalid_target', policy: { version: 7 } });
  });

  it('[T2] [T8] an evaluation error denies', () => {
    const broken: PolicySet = {
      version: 3,
      evaluate: () => {
        throw new Error('boom');
      },
    };
    expect(decide({ targets: [CALENDAR], scope: new Set(['read']) }, FACTS, broken)).toMatchObject({
      outcome: 'denied',
      reasons: ['policy_error'],
    });
  });

  it('records the whole input, canonical whatever the order of the facts', () => {
    const other = { ...FACTS, principal: { ...FACTS.principal, labels: ['a', 'b', 'a'] } };
    const one = decide({ targets: [CALENDAR, MAIL], scope: new Set(['write', 'read']) }, FACTS, DEFAULT_POLICY_SET);
    const two = decide({ targets: [MAIL, CALENDAR], scope: new Set(['read', 'write']) }, other, DEFAULT_POLICY_SET);
    expect(canonicalize(one.policy ?? null)).toBe(canonicalize(two.policy ?? null));
    expect(one.policy?.input).toEqual({
      principal: { type: 'Session', id: 'ses_1', application: 'app_1', labels: ['a', 'b'] },
      actions: ['read', 'write'],
      resources: ['res_c', 'res_m'],
      context: {
        subject: { type: 'application', sub: 'app:app_1' },
        depth: 0,
        chain: ['app_1'],
        approved: false,
        time: { hour: 13, weekday: 1 },
      },
    });
  });

  it('[T2] grants no more than narrowing does, whatever policy says', () => {
    const effect = fc.constantFrom<PolicyVerdict['effect']>('permit', 'deny', 'hold');
    const effects = fc.dictionary(fc.constantFrom('read', 'write', 'delete', 'read@res_m', 'write@res_c'), effect);
    const scope = fc.option(
      fc.subarray(['read', 'write', 'delete', 'other'], { minLength: 1 }).map((list) => new Set(list)),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.subarray([CALENDAR, MAIL], { minLength: 1 }), scope, effects, (targets, asked, table) => {
        const decision = decide({ targets, scope: asked }, FACTS, policies(table));
        if (decision.outcome !== 'allow') return;
        expect(targets.every((target) => isSubset(decision.scopes, target.scopes))).toBe(true);
        for (const action of decision.scopes) {
          for (const target of targets)
            expect(table[`${action}@${target.id}`] ?? table[action] ?? 'permit').toBe('permit');
        }
        if (asked) expect(decision.scopes).toEqual(asked);
      }),
    );
  });
});

describe('policyScene', () => {
  const facts: PolicyFacts = {
    principal: { application: 'app_1', labels: [] },
    subject: { type: 'user', sub: 'user:sis_1:u', issuer: 'sis_1' },
    depth: 2,
    chain: ['app_0', 'app_1'],
    now: NOW,
  };

  it('an application without a session is the principal itself', () => {
    expect(policyScene(facts).principal).toEqual({ type: 'Application', id: 'app_1' });
  });

  it('absent facts are absent members', () => {
    const operation = { method: 'POST', path: '/x/1', template: '/x/{id}', mcpTool: 'echo' };
    const { context } = policyScene({
      ...facts,
      operation,
      address: '192.0.2.1',
      approval: { rules: [], operation: true },
    });
    expect(context).toMatchObject({
      operation: { method: 'POST', path: '/x/1', template: '/x/{id}', mcp_tool: 'echo' },
      address: '192.0.2.1',
      approved: true,
      subject: { issuer: 'sis_1' },
    });
    expect(policyScene(facts).context).not.toHaveProperty('operation');
  });

  it('is the same within one hour, so that answers can be memoised', () => {
    expect(policyScene({ ...facts, now: NOW + 14 * 60_000 })).toEqual(policyScene(facts));
    expect(policyScene({ ...facts, now: NOW + 15 * 60_000 })).not.toEqual(policyScene(facts));
  });
});
