import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../../../kernel/json.js';
import { decide, type DecisionFacts } from '../decide.js';
import type { PolicySet, PolicyVerdict } from '../policy-set.js';
import { changeOf, Rehearsal } from './rehearsal.js';
import { recordedDecision } from './recorded-decision.js';

const SCOPES = ['read', 'write', 'admin'];
const TARGETS = ['res_a', 'res_b'].map((id) => ({ id, identifier: `https://${id}.example/`, scopes: new Set(SCOPES) }));
const VERDICTS: Readonly<Record<string, PolicyVerdict>> = {
  permit: { effect: 'permit', determining: ['p'], reasons: [] },
  deny: { effect: 'deny', determining: ['f'], reasons: ['forbidden'] },
  none: { effect: 'deny', determining: [], reasons: ['no_permit'] },
  hold: { effect: 'hold', determining: ['h'], reasons: [] },
};

/** A set that answers by scope and resource. */
const setOf = (version: number, answers: Readonly<Record<string, string>>): PolicySet => ({
  version,
  evaluate: ({ action, resource }) => VERDICTS[answers[`${action} ${resource}`] ?? 'none'] as PolicyVerdict,
});
const draftOf = (set: PolicySet, text = '') => ({ set, mentions: (word: string) => text.includes(word) });
const answers = fc.dictionary(
  fc.constantFrom(...SCOPES.flatMap((scope) => TARGETS.map(({ id }) => `${scope} ${id}`))),
  fc.constantFrom(...Object.keys(VERDICTS)),
);
const FACTS: DecisionFacts = {
  ceilings: [{ kind: 'grants', application: 'app_1', labels: [] }],
  grants: () => [{ scopes: new Set(SCOPES) }],
  principal: { application: 'app_1', session: 'ses_1', labels: [] },
  subject: { type: 'application', sub: 'app:app_1' },
  depth: 0,
  chain: ['app_1'],
  now: 0,
};

/** The ledger entry of a decision, as the token endpoint writes it. */
function entryOf(decision: ReturnType<typeof decide>): JsonObject {
  const base = { type: 'exchange', application: 'app_1', policy: decision.policy as JsonObject };
  switch (decision.outcome) {
    case 'allow':
      return { ...base, decision: 'allow', scopes: [...decision.scopes].sort() };
    case 'hold':
      return { ...base, decision: 'hold', reasons: ['approval_required'] };
    case 'denied':
      return { ...base, decision: 'deny', reasons: [...decision.reasons] };
    case 'refused':
      return { ...base, decision: 'deny', reasons: [decision.code] };
  }
}

describe('rehearsal', () => {
  it('equals deciding each case again: what changes, to what, by which policies', () => {
    fc.assert(
      fc.property(
        answers,
        answers,
        fc.option(fc.uniqueArray(fc.constantFrom(...SCOPES), { minLength: 1 }), { nil: undefined }),
        fc.subarray(TARGETS, { minLength: 1 }),
        (now, then, scope, targets) => {
          const request = { targets, scope: scope && new Set(scope) };
          const before = decide(request, FACTS, setOf(1, now));
          const after = decide(request, FACTS, setOf(2, then));
          const recorded = recordedDecision(7, entryOf(before));
          expect(recorded).toBeDefined();
          const change = recorded && changeOf(recorded, draftOf(setOf(2, then)));
          const named = { allow: 'allow', hold: 'hold', denied: 'deny', refused: 'deny' } as const;
          const [was, is] = [named[before.outcome], named[after.outcome]];
          const scopesOf = ({ outcome, ...rest }: typeof before) =>
            outcome === 'allow' && 'scopes' in rest ? [...rest.scopes].sort().join(' ') : '';
          const differs = was !== is || scopesOf(before) !== scopesOf(after);
          expect(change !== undefined).toBe(differs);
          if (change)
            expect(change).toMatchObject({ index: 7, before: was, after: is, determining: after.policy?.determining });
        },
      ),
    );
  });

  it('under the same policies changes nothing', () => {
    fc.assert(
      fc.property(answers, fc.boolean(), (now, omitted) => {
        const set = setOf(1, now);
        const decision = decide({ targets: TARGETS, scope: omitted ? undefined : new Set(['read']) }, FACTS, set);
        const rehearsal = new Rehearsal(draftOf(set));
        rehearsal.examine(0, entryOf(decision));
        expect(rehearsal.report()).toMatchObject({ examined: 1, changed: [], counts: {}, groups: [] });
      }),
    );
  });

  const allowed = (more: object = {}, args?: JsonObject): JsonObject => ({
    type: 'gateway.request',
    decision: 'allow',
    application: 'app_1',
    scopes: ['read'],
    policy: {
      version: 1,
      determining: ['p'],
      input: {
        principal: { type: 'Application', id: 'app_1' },
        context: { approved: false, operation: { method: 'POST', ...(args ? { args } : {}) } },
        actions: ['read'],
        resources: ['res_a'],
      },
    },
    ...more,
  });
  const forbids = setOf(2, { 'read res_a': 'deny' });

  it('does not ask about refusals that no policy made, and not about news', () => {
    const rehearsal = new Rehearsal(draftOf(setOf(2, { 'read res_a': 'permit' })));
    rehearsal.examine(0, allowed({ decision: 'deny', reasons: ['replayed'] }));
    rehearsal.examine(1, { type: 'session.started' });
    rehearsal.examine(2, { type: 'exchange', decision: 'deny', reasons: ['invalid_scope'] });
    expect(rehearsal.report()).toMatchObject({ examined: 0, changed: [] });
  });

  it.each([
    ['an argument', { amount: { sha256: 'ab' } }, 'amount', 'indeterminate'],
    ['all arguments', { sha256: 'ab' }, 'args', 'indeterminate'],
    ['an argument that the policies do not read', { amount: { sha256: 'ab' } }, 'method', 'deny'],
    ['an argument that was kept', { amount: 5 }, 'amount', 'deny'],
  ])('[T2] is indeterminate where policies read what was kept as a hash: %s', (_name, args, text, after) => {
    const decision = recordedDecision(0, allowed({}, args));
    expect(decision && changeOf(decision, draftOf(forbids, text))).toMatchObject({ before: 'allow', after });
  });

  it('leaves alone what was approved where the draft holds it, too', () => {
    const held = draftOf(setOf(2, { 'read res_a': 'hold' }));
    const entry = allowed({ approval: 'apr_1' });
    const policy = entry['policy'] as { input: { context: object } };
    policy.input.context = { ...policy.input.context, approved: true };
    const decision = recordedDecision(0, entry);
    expect(decision && changeOf(decision, held)).toBeUndefined();
    const unapproved = recordedDecision(0, allowed());
    expect(unapproved && changeOf(unapproved, held)).toMatchObject({ before: 'allow', after: 'hold' });
  });

  it('groups what is alike and counts everything, however much is listed', () => {
    const rehearsal = new Rehearsal(draftOf(forbids));
    for (let index = 0; index < 10_050; index += 1)
      rehearsal.examine(index, allowed(index % 2 === 0 ? {} : { application: 'app_2' }));
    const report = rehearsal.report();
    expect(report).toMatchObject({ examined: 10_050, truncated: true, counts: { allow_to_deny: 10_050 } });
    expect(report.changed).toHaveLength(10_000);
    expect(report.groups).toEqual([
      {
        before: 'allow',
        after: 'deny',
        application: 'app_1',
        resource: null,
        scopes: ['read'],
        count: 5_025,
        first: 0,
      },
      {
        before: 'allow',
        after: 'deny',
        application: 'app_2',
        resource: null,
        scopes: ['read'],
        count: 5_025,
        first: 1,
      },
    ]);
  });
});
