import { describe, expect, it } from '@jest/globals';
import { cedarSchema } from '../domain/cedar-schema.js';
import type { PolicyInput } from '../domain/policy-input.js';
import { tooDeepAt } from './expression-depth.js';
import { nearestPermits } from './nearest-permits.js';
import { policyParts, validateText } from './policy-text.js';
import { type PartlyKnown, residualOf } from './residual.js';

const SCHEMA = cedarSchema(['read']);
const INPUT: PolicyInput = {
  principal: { type: 'Session', id: 'ses_1', application: 'app_1', labels: [] },
  action: 'read',
  resource: 'res_1',
  context: {
    subject: { type: 'application', sub: 'app:app_1' },
    depth: 0,
    chain: ['app_1'],
    approved: false,
    time: { hour: 10, weekday: 2 },
  },
};
const ASKED: PartlyKnown = {
  kind: 'Session',
  application: 'app_1',
  possibleLabels: [],
  action: 'read',
  resource: 'res_1',
};
const SOUND = 'permit(principal, action, resource);';
const policy = (condition: string) => `permit(principal, action, resource) when { ${condition} };`;
const many = (text: string, times: number, by = '') => Array.from({ length: times }, () => text).join(by);

/** Each way of going deeper, so many steps of it. */
const WAYS: Readonly<Record<string, (steps: number) => string>> = {
  parentheses: (n) => policy(`${many('(', n)}true${many(')', n)}`),
  sets: (n) => policy(`${many('[', n)}1${many(']', n)}.isEmpty()`),
  records: (n) => policy(`${many('{a: ', n)}1${many('}', n)}.a == 1`),
  functions: (n) => policy(`${many('ip(', n)}"1"${many(')', n)}.isLoopback()`),
  sums: (n) => policy(`${many('1', n, ' + ')} > 0`),
  differences: (n) => policy(`${many('1', n, ' - ')} > 0`),
  products: (n) => policy(`${many('1', n, ' * ')} > 0`),
  members: (n) => policy(`context${many('.a', n)}`),
  indices: (n) => policy(`context${many('["a"]', n)}`),
  calls: (n) => policy(`context.chain${many('.contains("a")', n)}`),
  'conditions in conditions': (n) => policy(`${many('if true then ', n)}true${many(' else true', n)}`),
  'conditions after conditions': (n) => policy(`${many('if true then true else ', n)}true`),
  conjunctions: (n) => policy(many('1 == 1', n, ' && ')),
  disjunctions: (n) => policy(many('context.depth == 1', n, ' || ')),
  clauses: (n) => `permit(principal, action, resource) ${many('when { context.depth > 0 }', n, ' ')};`,
  'sums in parentheses': (n) => policy(`${many('(1 + ', n)}1${many(')', n)} > 0`),
  'conditions in sets': (n) => policy(`${many('[if true then ', n)}1${many(' else 1]', n)}.isEmpty()`),
};
/** Ways that cost the engine little. */
const WIDE: Readonly<Record<string, (steps: number) => string>> = {
  'members of sets': (n) => policy(`[${many('context.depth', n, ', ')}].contains(1)`),
  annotations: (n) => `${Array.from({ length: n }, (_, at) => `@a${at}("(((")`).join(' ')} ${SOUND}`,
  policies: (n) => many(SOUND, n, '\n'),
  'brackets in texts': (n) => policy(`"${many('(', n)}" == "\\"${many('[.', n)}"`),
  'brackets in comments': (n) => `// ${many('{', n)}\n${SOUND}`,
};
const MOST_TEXT = 65_536;

describe('[T8] a policy text that nests deeper than the engine bears', () => {
  it.each(Object.entries(WAYS))('%s: is refused where it is too deep, and never reaches the engine', (_name, text) => {
    for (const steps of [65, 400, 3_000]) {
      const deep = text(steps);
      if (deep.length > MOST_TEXT) continue;
      expect(tooDeepAt(deep)).toBeGreaterThan(0);
      expect(validateText(deep, SCHEMA)).toEqual([
        expect.objectContaining({ line: 1, message: expect.stringContaining('nested deeper') }),
      ]);
    }
  });

  it.each(['\n', '\r', '\r\n'])('is seen behind a comment that ends with %j', (end) => {
    const deep = policy(`// a comment${end}${many('(', 3_000)}true${many(')', 3_000)}`);
    expect(tooDeepAt(deep)).toBeGreaterThan(0);
    expect(validateText(deep, SCHEMA)).toMatchObject([{ message: expect.stringContaining('nested deeper') }]);
    expect(validateText(SOUND, SCHEMA)).toEqual([]);
  });

  it.each(['\u2028', '\u0085', '\v', '\f'])('is no text behind what ends no comment: %j', (other) => {
    const hidden = `${SOUND}\n// a comment${other}${many('(', 3_000)}`;
    expect(tooDeepAt(hidden)).toBeUndefined();
    expect(validateText(hidden, SCHEMA)).toEqual([]);
  });

  it.each(Object.entries(WAYS))('%s: the deepest that is let through leaves the engine sound', (_name, text) => {
    let steps = 1;
    while (tooDeepAt(text(steps + 1)) === undefined) steps += 1;
    expect(steps).toBeGreaterThan(8);
    // The engine's frames grow when its code is optimized.
    for (let round = 0; round < 8; round += 1) expect(() => validateText(text(steps), SCHEMA)).not.toThrow();
    expect(validateText(SOUND, SCHEMA)).toEqual([]);
  });

  it.each(Object.entries(WAYS))('%s: the deepest that is let through can be asked about', (_name, text) => {
    let steps = 1;
    while (tooDeepAt(text(steps + 1)) === undefined) steps += 1;
    const deepest = text(steps);
    expect(() => nearestPermits([{ id: 'p', cedar: deepest }], INPUT)).not.toThrow();
    expect(() => residualOf(policyParts('p', deepest), ASKED)).not.toThrow();
  });

  it.each(Object.entries(WIDE))('%s: what is long and not deep is let through', (_name, text) => {
    const long = text(1_000);
    expect(tooDeepAt(long)).toBeUndefined();
    expect(() => validateText(long, SCHEMA)).not.toThrow();
  });
});
