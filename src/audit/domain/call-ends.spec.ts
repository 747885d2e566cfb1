import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../kernel/json.js';
import { lateOutcome, NEVER_LATE_BEFORE_MS, perhapsLate, unknownOutcome } from './call-ends.js';
import { canonicalEntry } from './entry.js';

const AT = 1_763_942_400_000;
const INTENT: JsonObject = {
  v: 1,
  zone: 'acme',
  type: 'gateway.request',
  occurred_at: new Date(AT).toISOString(),
  request_id: 'req_1',
  actor: { kind: 'agent', id: 'app_1' },
  session: 'ses_1',
  scopes: ['use'],
  operation: { method: 'GET', path: '/' },
  decision: 'allow',
  policy: { version: 1 },
};

describe('the outcome of a call of which nothing was heard', () => {
  it('names the call and who says so, and decides nothing', () => {
    const text = canonicalEntry(
      unknownOutcome('acme', { index: 7, entry: JSON.stringify(INTENT) }, AT + 1),
      '01900000-0000-7000-8000-000000000001',
    );
    expect(JSON.parse(text)).toEqual({
      v: 1,
      zone: 'acme',
      event_id: '01900000-0000-7000-8000-000000000001',
      type: 'gateway.outcome',
      occurred_at: new Date(AT + 1).toISOString(),
      request_id: 'req_1',
      actor: { kind: 'system' },
      session: 'ses_1',
      scopes: ['use'],
      operation: { method: 'GET', path: '/' },
      detail: { status: 'unknown', ended: 'unknown', request: 7 },
    });
  });

  it('is an entry however large the call’s decision was', () => {
    const entry = JSON.stringify({ ...INTENT, operation: { path: 'x'.repeat(65_000) } });
    expect(() => canonicalEntry(unknownOutcome('acme', { index: 7, entry }, AT), 'id')).not.toThrow();
  });
});

describe('an outcome that came', () => {
  const outcome: JsonObject = { ...INTENT, type: 'gateway.outcome', detail: { request: 7, status: 200 } };

  it.each<[string, JsonObject, number, number | undefined]>([
    ['young', outcome, AT + NEVER_LATE_BEFORE_MS - 1, undefined],
    ['old', outcome, AT + NEVER_LATE_BEFORE_MS, 7],
    ['of no time that can be read', { ...outcome, occurred_at: 'then' }, AT, 7],
    ['of no call', { ...outcome, detail: {} }, AT + 3_600_000, undefined],
    ['of something that is no index', { ...outcome, detail: { request: '7' } }, AT + 3_600_000, undefined],
  ])('that is %s may be late or not', (_name, says, now, expected) => {
    expect(perhapsLate(says, now)).toBe(expected);
  });

  it('too late is news of what happened, not an outcome', () => {
    expect(lateOutcome('acme', outcome)).toMatchObject({
      type: 'ledger.late_outcome',
      occurredAt: AT,
      actor: { kind: 'agent', id: 'app_1' },
      requestId: 'req_1',
      detail: { request: 7, status: 200 },
    });
  });
});
