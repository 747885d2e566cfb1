import { beforeEach, describe, expect, it } from '@jest/globals';
import type { OnceClaim } from '../../audit/index.js';
import { CallBudgets } from './call-budgets.js';

describe('budgets of calls', () => {
  let taken: Set<string>;
  const replica = (): CallBudgets =>
    new CallBudgets(async (zone, { kind, key }: OnceClaim) => {
      await Promise.resolve();
      const name = JSON.stringify([zone, kind, key]);
      if (taken.has(name)) return false;
      taken.add(name);
      return true;
    });
  const budget = (key: string, max: number) => ({ key, max, expiresAt: 1 });

  beforeEach(() => {
    taken = new Set();
  });

  it('[T3] are never overspent, by any number of calls on any number of replicas', async () => {
    const replicas = [replica(), replica(), replica()];
    const calls = Array.from({ length: 20 }).flatMap(() => replicas.map((one) => one.spend('a', [budget('k', 10)])));
    expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(10);
    expect(await replica().spend('a', [budget('k', 10)])).toBe(false);
    expect(await replica().spend('b', [budget('k', 10)])).toBe(true);
  });

  it('of several, the first that has a call left is spent', async () => {
    const one = replica();
    const both = [budget('x', 1), budget('y', 1)];
    expect([await one.spend('a', both), await one.spend('a', both), await one.spend('a', both)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await one.spend('a', [])).toBe(true);
    expect(await one.spend('a', [budget('z', 0)])).toBe(false);
  });
});
