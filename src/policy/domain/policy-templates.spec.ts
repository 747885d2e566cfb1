import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { withDraft } from '../cedar/draft-slots.js';
import { validateText } from '../cedar/policy-text.js';
import { cedarSchema } from './cedar-schema.js';
import { judge } from './decide.js';
import { POLICY_TEMPLATES } from './policy-templates.js';
import { hermeticScene, type PolicyRequest } from './questions/question-facts.js';

interface Case {
  readonly name: string;
  readonly cedar?: string;
  readonly template?: string;
  readonly request: Omit<PolicyRequest, 'application' | 'resource'>;
  readonly decision: string;
  readonly reasons: readonly string[];
}

const { cases } = JSON.parse(readFileSync('test/vectors/policy.json', 'utf8')) as { cases: readonly Case[] };
const textOf = ({ cedar, template }: Case) =>
  (cedar ?? POLICY_TEMPLATES.find(({ name }) => name === template)?.cedar ?? '')
    .replaceAll('$application', 'app_1')
    .replaceAll('$resource', 'res_1');

describe('policies and what they decide (test/vectors/policy.json)', () => {
  it.each(cases.map((one) => [one.name, one] as const))('[T2] %s', async (_name, one) => {
    const text = textOf(one);
    expect(validateText(text, cedarSchema(['read', 'write']))).toEqual([]);
    const request = { ...one.request, application: 'app_1', resource: 'res_1' };
    const question = { scopes: new Set(request.scope.split(' ')), resources: ['res_1'], omitted: false };
    const judgement = await withDraft({ version: 1, sources: [{ id: 'p', cedar: text }] }, (set) =>
      judge(question, hermeticScene(request), set),
    );
    const { outcome } = judgement;
    const reasons = outcome === 'denied' ? judgement.reasons : outcome === 'hold' ? ['approval_required'] : [];
    expect([outcome === 'denied' ? 'deny' : outcome, reasons]).toEqual([one.decision, one.reasons]);
  });

  it('has cases for every template', () => {
    const tried = new Set(cases.map(({ template }) => template));
    expect(POLICY_TEMPLATES.filter(({ name }) => !tried.has(name))).toEqual([]);
  });
});
