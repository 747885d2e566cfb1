import { describe, expect, it } from '@jest/globals';
import type { AuditedChanges, ChangeTx } from '../audit/index.js';
import { GraphChanges } from './graph-changes.js';

/** Transactions that lock nothing and count how many are open. */
function changes() {
  const open = { now: 0, most: 0 };
  const run = async <T>(zone: string, work: (tx: ChangeTx) => Promise<T>): Promise<T> => {
    open.now += 1;
    open.most = Math.max(open.most, open.now);
    try {
      return await work({ zone, query: async () => [{ zone }] } as unknown as ChangeTx);
    } finally {
      open.now -= 1;
    }
  };
  return { open, graph: new GraphChanges({ run } as unknown as AuditedChanges) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('changes of a graph', () => {
  it('[T8] hold one connection of a zone at a time, and zones do not wait for each other', async () => {
    const { open, graph } = changes();
    await Promise.all(Array.from({ length: 20 }, () => graph.run('a', 'growing', turn)));
    expect(open.most).toBe(1);
    await Promise.all(['b', 'c'].map((zone) => graph.run(zone, 'growing', turn)));
    expect(open.most).toBe(2);
  });

  it('[T4] let what ends authority overtake what makes more of it', async () => {
    const { graph } = changes();
    const order: string[] = [];
    const step = (name: string) => async () => void order.push(name);
    const first = graph.run('a', 'growing', turn);
    const rest = [
      graph.run('a', 'growing', step('spawn 1')),
      graph.run('a', 'growing', step('spawn 2')),
      graph.run('a', 'ending', step('end')),
    ];
    await Promise.all([first, ...rest]);
    expect(order).toEqual(['end', 'spawn 1', 'spawn 2']);
  });

  it('go on after one that failed', async () => {
    const { graph } = changes();
    const failing = graph.run('a', 'growing', () => Promise.reject(new Error('no')));
    const next = graph.run('a', 'growing', async () => 7);
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe(7);
    expect(await graph.run('a', 'ending', async () => 8)).toBe(8);
  });

  it('[T8] are refused when too many wait, endings never', async () => {
    const { graph } = changes();
    const running = Array.from({ length: 2_001 }, () => graph.run('a', 'growing', turn));
    await expect(graph.run('a', 'growing', turn)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    await graph.run('a', 'ending', turn);
    await Promise.all(running);
  });
});
