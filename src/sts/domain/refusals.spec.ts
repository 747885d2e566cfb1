import { describe, expect, it } from '@jest/globals';
import type { Decision } from '../../policy/index.js';
import { decisionReasons, decisionRefusal } from './refusals.js';

const POLICY = { version: 3, determining: ['p1'], input: {} };

describe('decisionRefusal', () => {
  const cases: [Exclude<Decision, { outcome: 'allow' }>, object, string[]][] = [
    [
      { outcome: 'refused', code: 'invalid_scope', missing: new Set(['x']) },
      { code: 'invalid_scope', status: 400 },
      ['invalid_scope'],
    ],
    [
      { outcome: 'refused', code: 'invalid_target', missing: new Set() },
      { code: 'invalid_target', status: 400 },
      ['invalid_target'],
    ],
    [
      { outcome: 'denied', reasons: ['forbidden', 'no_permit'], missing: new Set(['b', 'a']), policy: POLICY },
      { code: 'access_denied', status: 403, members: { reason: 'forbidden', missing_scope: 'a b' } },
      ['forbidden', 'no_permit'],
    ],
    [
      { outcome: 'hold', scopes: new Set(['a', 'b']), held: new Set(['b']), required: [], policy: POLICY },
      { code: 'access_denied', members: { reason: 'forbidden', missing_scope: 'b' } },
      ['approval_required'],
    ],
  ];
  it.each(cases)('%j', (decision, error, reasons) => {
    expect(decisionRefusal(decision)).toMatchObject(error);
    expect(decisionReasons(decision)).toEqual(reasons);
  });
});
