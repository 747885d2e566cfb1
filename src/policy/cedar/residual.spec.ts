import { describe, expect, it } from '@jest/globals';
import { policyParts } from './policy-text.js';
import { residualOf, type PartlyKnown } from './residual.js';

const SESSION: PartlyKnown = {
  kind: 'Session',
  application: 'app_1',
  possibleLabels: ['ops', 'night'],
  action: 'read',
  resource: 'res_1',
};
const ask = (text: string, more: Partial<PartlyKnown> = {}) =>
  residualOf(policyParts('p', text), { ...SESSION, ...more });
const PERMIT = 'permit(principal, action, resource);';

describe('what is left of policies when only the application is known', () => {
  it.each<[string, string, Partial<PartlyKnown>, readonly string[]]>([
    ['nothing, where everything is permitted', PERMIT, {}, []],
    [
      'nothing, for the application that is named',
      'permit(principal in Application::"app_1", action, resource);',
      {},
      [],
    ],
    [
      'the hours',
      'permit(principal, action, resource) when { context.time.hour < 18 };',
      {},
      ['context.time.hour < 18'],
    ],
    [
      'the label it may carry',
      'permit(principal in Label::"ops", action, resource);',
      {},
      ['principal in Label::"ops"'],
    ],
    [
      'nothing, when it carries the label',
      'permit(principal in Label::"ops", action, resource);',
      { label: 'ops' },
      [],
    ],
    [
      'either of two permits',
      'permit(principal in Label::"ops", action, resource); permit(principal, action, resource) when { context.depth == 0 };',
      {},
      ['(principal in Label::"ops") || (context.depth == 0)'],
    ],
    [
      'that a forbid does not hold',
      `${PERMIT} forbid(principal in Label::"night", action, resource);`,
      {},
      ['!(principal in Label::"night")'],
    ],
    [
      'the one session',
      'permit(principal == Session::"ses_1", action, resource);',
      {},
      ['principal == Session::"ses_1"'],
    ],
    [
      'an approval',
      `${PERMIT} @approval("operator") forbid(principal, action, resource);`,
      {},
      ['approval("operator")'],
    ],
    [
      'an approval at some hours',
      `${PERMIT} @approval("any") forbid(principal, action, resource) when { context.time.hour > 20 };`,
      {},
      ['(context.time.hour <= 20) || approval("any")'],
    ],
    [
      'nothing of a forbid that is about others',
      `${PERMIT} forbid(principal in Application::"app_2", action, resource);`,
      {},
      [],
    ],
    [
      'nothing, where a label is one of several',
      'permit(principal, action, resource) when { principal in [Label::"ops", Label::"x"] };',
      { label: 'ops' },
      [],
    ],
    [
      'nothing of `is`, for a session',
      'permit(principal is Session in Application::"app_1", action, resource);',
      {},
      [],
    ],
  ])('%s', (_name, text, more, conditions) => {
    expect(ask(text, more)).toEqual({ possible: true, conditions });
  });

  it.each<[string, string, Partial<PartlyKnown>]>([
    ['no permit', 'forbid(principal, action, resource);', {}],
    ['another action', 'permit(principal, action == Action::"write", resource);', {}],
    ['another resource', 'permit(principal, action, resource == Resource::"res_2");', {}],
    ['another application', 'permit(principal in Application::"app_2", action, resource);', {}],
    ['a label it can never carry', 'permit(principal in Label::"root", action, resource);', {}],
    ['a forbid that always holds', `${PERMIT} forbid(principal in Application::"app_1", action, resource);`, {}],
    [
      'a label, for an application without session',
      'permit(principal in Label::"ops", action, resource);',
      { kind: 'Application' },
    ],
    [
      'sessions only, for an application without session',
      'permit(principal is Session, action, resource);',
      { kind: 'Application' },
    ],
  ])('[T2] is no possibility at all: %s', (_name, text, more) => {
    expect(ask(text, more)).toEqual({ possible: false });
  });
});
