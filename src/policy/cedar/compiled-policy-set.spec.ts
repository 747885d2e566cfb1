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
    expect(set.evaluate(input())).toEqual({ effect: 'hold', determining: ['pol_2'], reasons: [] });
    expect(set.evaluate(input({}, { depth: 1 })).effect).toBe('permit');
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
});
