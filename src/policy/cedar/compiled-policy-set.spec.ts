import { describe, expect, it } from '@jest/globals';
import { evaluateSafely } from '../domain/policy-set.js';
import type { PolicyInput } from '../domain/policy-input.js';
import { cedarSchema } from '../domain/cedar-schema.js';
import { CompiledPolicySet } from './compiled-policy-set.js';
import { policyParts, PolicyTextError, validateText } from './policy-text.js';

function input(change: Partial<PolicyInput> = {}, context: PolicyInput['context'] = {}): PolicyInput {
  return {
    principal: { type: 'Session', id: 'ses_1', application: 'app_1', labels: ['intern'] },
    action: 'tickets:read',
    resource: 'res_1',
    ...change,
    context: {
      subject: { type: 'application', sub: 'app:app_1' },
      depth: 0,
      chain: ['app_1'],
      approved: false,
      time: { hour: 10, weekday: 2 },
      ...context,
    },
  };
}

let sets = 0;
const compile = (...texts: string[]) =>
  new CompiledPolicySet(
    1,
    texts.map((cedar, at) => ({ id: `pol_${at + 1}`, cedar })),
    `spec/${(sets += 1)}`,
  );

const PERMIT = 'permit(principal, action, resource);';

describe('compiled policy set', () => {
  it('[T2] denies by default', () => {
    expect(compile('permit(principal in Application::"app_2", action, resource);').evaluate(input())).toEqual({
      effect: 'deny',
      determining: [],
      reasons: ['no_permit'],
    });
  });

  it.each<[string, string, Partial<PolicyInput>, PolicyInput['context'], string]>([
    ['the application', 'permit(principal in Application::"app_1", action, resource);', {}, {}, 'permit'],
    ['a label', 'permit(principal in Label::"intern", action, resource);', {}, {}, 'permit'],
    ['an absent label', 'permit(principal in Label::"boss", action, resource);', {}, {}, 'deny'],
    ['the session itself', 'permit(principal == Session::"ses_1", action, resource);', {}, {}, 'permit'],
    ['the action', 'permit(principal, action == Action::"tickets:write", resource);', {}, {}, 'deny'],
    ['the resource', 'permit(principal, action, resource == Resource::"res_1");', {}, {}, 'permit'],
    [
      'an application without a session',
      'permit(principal == Application::"app_1", action, resource);',
      { principal: { type: 'Application', id: 'app_1' } },
      {},
      'permit',
    ],
    ['the hour', 'permit(principal, action, resource) when { context.time.hour < 9 };', {}, {}, 'deny'],
    [
      'the address',
      'permit(principal, action, resource) when { context has address && context.address.isInRange(ip("10.0.0.0/8")) };',
      {},
      { address: '10.1.2.3' },
      'permit',
    ],
    [
      'an address outside',
      'permit(principal, action, resource) when { context has address && context.address.isInRange(ip("10.0.0.0/8")) };',
      {},
      { address: '192.0.2.1' },
      'deny',
    ],
    [
      'the method',
      'permit(principal, action, resource) when { context has operation && context.operation has method && context.operation.method == "GET" };',
      {},
      { operation: { method: 'GET' } },
      'permit',
    ],
    [
      'the chain',
      'permit(principal, action, resource) when { context.chain.contains("app_9") };',
      {},
      { chain: ['app_9', 'app_1'] },
      'permit',
    ],
    ['the depth', 'permit(principal, action, resource) when { context.depth < 2 };', {}, { depth: 2 }, 'deny'],
  ])('decides by %s', (...[, text, change, context, effect]) => {
    expect(compile(text).evaluate(input(change, context)).effect).toBe(effect);
  });

  it('[T2] forbid overrides permit, and says which policy did', () => {
    const set = compile(PERMIT, 'forbid(principal in Label::"intern", action, resource);');
    expect(set.evaluate(input())).toEqual({ effect: 'deny', determining: ['pol_2'], reasons: ['forbidden'] });
  });

  it('[T2] an evaluation error denies even beside a permit', () => {
    const set = compile(PERMIT, 'forbid(principal, action, resource) when { context.operation.method == "GET" };');
    expect(set.evaluate(input())).toMatchObject({ effect: 'deny', reasons: ['policy_error'] });
  });

  it('holds when only approval forbids stand in the way', () => {
    const set = compile(
      PERMIT,
      '@approval("operator") forbid(principal, action, resource) when { context.depth == 0 };',
    );
    expect(set.evaluate(input())).toMatchObject({
      effect: 'hold',
      determining: ['pol_2'],
      reasons: [],
      required: [{ approverClass: 'operator', quorum: 1 }],
    });
    expect(set.evaluate(input({}, { depth: 1 })).effect).toBe('permit');
  });

  describe('with an approval', () => {
    const held = '@approval("operator") @quorum("2") forbid(principal, action, resource);';
    const ofTool =
      '@approval("any") forbid(principal, action, resource) when { context has operation && context.operation has method && context.operation.method == "POST" };';
    const approved = (set: CompiledPolicySet, operation = true, context: PolicyInput['context'] = {}) => {
      const rules = (set.evaluate(input({}, context)).required ?? []).map((required) => required.rule);
      return input({ approval: { rules, operation } }, { approved: true, ...context });
    };

    it('sets aside the rules it satisfies and no other', () => {
      const set = compile(PERMIT, held);
      expect(set.evaluate(input()).required).toMatchObject([{ approverClass: 'operator', quorum: 2 }]);
      expect(set.evaluate(approved(set)).effect).toBe('permit');
      const stranger = input({ approval: { rules: ['0'.repeat(64)], operation: true } }, { approved: true });
      expect(set.evaluate(stranger).effect).toBe('hold');
    });

    it('[T2] never sets aside a plain forbid, nor gives what nothing permits', () => {
      const set = compile(PERMIT, held);
      const asked = approved(set);
      expect(compile(PERMIT, held, 'forbid(principal, action, resource);').evaluate(asked).effect).toBe('deny');
      expect(compile(held).evaluate(asked)).toMatchObject({ effect: 'deny', reasons: ['no_permit'] });
    });

    it('[T2] means the text that was approved, not a later one under the same id', () => {
      const asked = approved(compile(PERMIT, held));
      const changed = held.replace('principal, action', 'principal in Label::"intern", action');
      expect(compile(PERMIT, changed).evaluate(asked).effect).toBe('hold');
    });

    it('[T2] sets a rule that reads the operation aside only when the people saw the operation', () => {
      const context = { operation: { method: 'POST' } };
      const set = compile(PERMIT, ofTool);
      expect(set.evaluate(approved(set, true, context)).effect).toBe('permit');
      expect(set.evaluate(approved(set, false, context)).effect).toBe('hold');
    });

    it('is what policies read as context.approved, but for one that reads the operation as well', () => {
      const unless = 'forbid(principal, action, resource) unless { context.approved };';
      const set = compile(PERMIT, unless);
      expect(set.evaluate(input()).effect).toBe('deny');
      expect(set.evaluate(input({ approval: { rules: [], operation: false } }, { approved: true })).effect).toBe(
        'permit',
      );
      const both = compile(PERMIT, unless.replace('context.approved', 'context.approved && context has operation'));
      const context = { approved: true, operation: { method: 'GET' } };
      expect(both.evaluate(input({ approval: { rules: [], operation: false } }, context)).effect).toBe('deny');
      expect(both.evaluate(input({ approval: { rules: [], operation: true } }, context)).effect).toBe('permit');
    });

    it('[T2] a verdict with an approval is not remembered for a request without', () => {
      const set = compile(PERMIT, held);
      expect(set.evaluate(approved(set)).effect).toBe('permit');
      expect(set.evaluate(input()).effect).toBe('hold');
    });

    it('knows every combination of rules set aside, also more than it keeps parsed', () => {
      const rules = Array.from(
        { length: 20 },
        (_, at) => `@approval("any") forbid(principal, action, resource) when { context.depth == ${at} };`,
      );
      const set = compile(PERMIT, ...rules);
      for (let depth = 0; depth < rules.length; depth += 1)
        expect(set.evaluate(approved(set, true, { depth })).effect).toBe('permit');
    });
  });

  it.each([
    ['@quorum("2") forbid(principal, action, resource);', '@quorum is allowed beside @approval only'],
    [
      '@approval("operator") @quorum("0") forbid(principal, action, resource);',
      '@quorum takes a number from "1" to "9"',
    ],
    ['@approval("any") @quorum("many") forbid(principal, action, resource);', '@quorum takes a number from "1" to "9"'],
    [
      '@approval("subject") @quorum("2") forbid(principal, action, resource);',
      'a subject approves alone: @quorum must be "1"',
    ],
    ['@approval("operator") permit(principal, action, resource);', '@approval is allowed on forbid only'],
    ['@approval forbid(principal, action, resource);', '@approval takes "operator", "subject" or "any"'],
  ])('refuses %s', (text, message) => {
    expect(() => policyParts('p', text)).toThrow(message);
  });

  it('[T2] denies when another forbid stands beside the approval, or nothing would permit', () => {
    const approval = '@approval("any") forbid(principal, action, resource);';
    expect(compile(PERMIT, approval, 'forbid(principal, action, resource);').evaluate(input()).effect).toBe('deny');
    expect(compile(approval).evaluate(input()).effect).toBe('deny');
  });

  it('[T2] a set whose slot was taken by a later one denies instead of answering for it', () => {
    const one = new CompiledPolicySet(1, [{ id: 'p', cedar: PERMIT }], 'spec/shared');
    const two = new CompiledPolicySet(2, [{ id: 'p', cedar: PERMIT }], 'spec/shared');
    expect(evaluateSafely(one, input())).toMatchObject({ effect: 'deny', reasons: ['policy_error'] });
    expect(evaluateSafely(two, input()).effect).toBe('permit');
  });

  it('remembers verdicts only over what its text can read', () => {
    const set = compile('permit(principal, action, resource) when { context.time.hour == 10 && context.depth == 0 };');
    expect(set.evaluate(input()).effect).toBe('permit');
    expect(set.evaluate(input({}, { time: { hour: 11, weekday: 2 } })).effect).toBe('deny');
    expect(set.evaluate(input({}, { depth: 1 })).effect).toBe('deny');
    expect(
      set.evaluate(input({ principal: { type: 'Session', id: 'ses_2', application: 'app_1', labels: [] } })).effect,
    ).toBe('permit');
  });

  it.each([
    'permit(principal == Session::"ses_1", action, resource);',
    'permit(principal, action, resource) when { principal == Session::"ses_1" };',
  ])('[T2] a verdict for one session is not remembered for another: %s', (text) => {
    const set = compile(text);
    expect(set.evaluate(input()).effect).toBe('permit');
    expect(
      set.evaluate(input({ principal: { type: 'Session', id: 'ses_2', application: 'app_1', labels: ['intern'] } }))
        .effect,
    ).toBe('deny');
  });
});

describe('memo key', () => {
  it('[T2] an escaped spelling of a member keeps the whole input in the key', () => {
    const set = compile('permit(principal, action, resource) when { context["d\\u{65}pth"] == 0 };');
    expect(set.evaluate(input()).effect).toBe('permit');
    expect(set.evaluate(input({}, { depth: 1 })).effect).toBe('deny');
  });
});

describe('policy text', () => {
  it('names the policies of a text in their order', () => {
    const parts = policyParts(
      'pol_1',
      Array.from({ length: 12 }, (_, n) => `permit(principal, action, resource == Resource::"res_${n}");`).join('\n'),
    );
    expect(parts.map((part) => part.id)).toEqual(Array.from({ length: 12 }, (_, n) => `pol_1#${n + 1}`));
    expect(parts[10]?.text).toContain('res_10');
  });

  it.each<[string, string, number, number]>([
    ['a syntax error', 'permit(principal,\n  action resource);', 2, 10],
    ['an unguarded optional', 'permit(principal, action, resource)\nwhen { context.operation.method == "GET" };', 2, 8],
    ['an unknown action', 'permit(principal, action == Action::"nope", resource);', 1, 1],
    ['an approval on a permit', `${PERMIT}\n@approval("any") permit(principal, action, resource);`, 2, 1],
    ['an unknown approver class', '@approval("everybody") forbid(principal, action, resource);', 1, 1],
    ['an empty text', '// nothing', 1, 1],
    ['a template', 'permit(principal == ?principal, action, resource);', 1, 1],
  ])('refuses %s with its position', (_name, text, line, column) => {
    const [fault] = validateText(text, cedarSchema(['tickets:read']));
    expect(fault).toMatchObject({ message: expect.any(String), line });
    if (column !== 1) expect(fault?.column).toBe(column);
  });

  it('accepts guarded accesses and every scope that was ever declared', () => {
    const text =
      '@approval("subject") forbid(principal, action == Action::"old:scope", resource) when { context has operation && context.operation has method };';
    expect(validateText(text, cedarSchema(['tickets:read', 'old:scope']))).toEqual([]);
    expect(() => policyParts('p', 'nonsense')).toThrow(PolicyTextError);
  });

  it('names a fault once, however many scopes it concerns', () => {
    const text = 'permit(principal, action, resource) when { context.foo == 1 };';
    const one = validateText(text, cedarSchema(['tickets:read']));
    const many = validateText(text, cedarSchema(['tickets:read', 'tickets:write', 'old:scope']));
    expect(one.map(({ message }) => message)).toEqual([expect.stringContaining('Action::"tickets:read"')]);
    expect(many).toEqual([{ ...one[0], message: one[0]?.message.replace('Action::"tickets:read"', '3 actions') }]);
  });
});
