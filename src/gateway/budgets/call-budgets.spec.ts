import { describe, expect, it } from '@jest/globals';
import { callBudgets, type Counted } from './call-budgets.js';

const NOTHING: Counted = { claims: { jti: 'jti-1', exp: 100 }, details: [], edges: [], sessions: [] };

describe('[T3] what a call counts against', () => {
  it('is nothing where nothing is limited', () => {
    expect(callBudgets({ ...NOTHING, edges: [{ id: 'del_1', expiresAt: 5 }], sessions: [{}] })).toEqual([]);
  });

  it('is every delegation and every session with a budget, each once', () => {
    const root = { session: 'ses_root', max: 9 };
    const spent = callBudgets({
      ...NOTHING,
      edges: [
        { id: 'del_2', maxCalls: 2, expiresAt: 50_000 },
        { id: 'del_1', maxCalls: 7, expiresAt: 60_000 },
      ],
      sessions: [{ callBudgets: [root, { session: 'ses_child', max: 3, until: 70_000 }] }, { callBudgets: [root] }],
    });
    expect(spent.map(({ key, limit, among }) => [key, limit, among])).toEqual([
      ['del_2', 2, undefined],
      ['del_1', 7, undefined],
      ['ses_root', 9, undefined],
      ['ses_child', 3, undefined],
    ]);
    expect(spent.map(({ expiresAt }) => expiresAt)).toEqual([60_000, 70_000, Date.UTC(9999, 0), 80_000]);
  });

  it('is one of the details that cover it, and they belong to this one mandate', () => {
    const details = [
      { at: 0, max: 1 },
      { at: 2, max: 5 },
    ];
    expect(callBudgets({ ...NOTHING, details })).toEqual([
      { kind: 'calls', key: 'jti-1 0', limit: 1, among: 'jti-1', expiresAt: 110_000 },
      { kind: 'calls', key: 'jti-1 2', limit: 5, among: 'jti-1', expiresAt: 110_000 },
    ]);
  });
});
