import { describe, expect, it } from '@jest/globals';
import { ReadThrough } from './read-through.js';

interface Row {
  readonly version: number;
}

/** A table whose reads can be held until the test lets them answer with what they saw. */
function table() {
  const rows = new Map<string, Row>();
  const reads: string[][] = [];
  let gate: Promise<void> = Promise.resolve();
  const cache = new ReadThrough<Row>(100, async (zone, ids) => {
    reads.push([...ids]);
    const seen = new Map(
      ids.flatMap((id) => (rows.has(`${zone}/${id}`) ? [[id, rows.get(`${zone}/${id}`) as Row] as const] : [])),
    );
    await gate;
    return seen;
  });
  const hold = (): (() => void) => {
    let open = (): void => undefined;
    gate = new Promise((resolve) => (open = resolve));
    return open;
  };
  return { rows, reads, cache, hold };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('a read-through cache', () => {
  it('reads once and answers from memory afterwards', async () => {
    const { rows, reads, cache } = table();
    rows.set('z/a', { version: 1 });
    expect(await cache.get('z', 'a')).toEqual({ version: 1 });
    expect(await cache.get('z', 'a')).toEqual({ version: 1 });
    expect(reads).toEqual([['a']]);
  });

  it('asks for many at once, and for one key only once', async () => {
    const { rows, reads, cache } = table();
    rows.set('z/a', { version: 1 }).set('z/b', { version: 2 });
    const answers = await Promise.all([
      cache.get('z', 'a'),
      cache.get('z', 'b'),
      cache.get('z', 'a'),
      cache.get('z', 'none'),
    ]);
    expect(answers).toEqual([{ version: 1 }, { version: 2 }, { version: 1 }, undefined]);
    expect(reads).toEqual([['a', 'b', 'none']]);
  });

  it('keeps zones apart', async () => {
    const { rows, cache } = table();
    rows.set('y/a', { version: 1 }).set('z/a', { version: 2 });
    expect(await cache.get('y', 'a')).toEqual({ version: 1 });
    expect(await cache.get('z', 'a')).toEqual({ version: 2 });
    cache.dropZone('y');
    expect(cache.peek('y', 'a')).toBeUndefined();
    expect(cache.peek('z', 'a')).toEqual({ version: 2 });
  });

  it('[T4] discards what was read before a change of the key was applied', async () => {
    const { rows, reads, cache, hold } = table();
    rows.set('z/a', { version: 1 });
    const open = hold();
    const answer = cache.get('z', 'a');
    await turn();
    rows.set('z/a', { version: 2 });
    cache.drop('z', 'a');
    open();
    expect(await answer).toEqual({ version: 2 });
    expect(cache.peek('z', 'a')).toEqual({ version: 2 });
    expect(reads).toHaveLength(2);
  });

  it('[T4] gives who asks after a change nothing that was read before it', async () => {
    const { rows, cache, hold } = table();
    rows.set('z/a', { version: 1 });
    const open = hold();
    const early = cache.get('z', 'a');
    await turn();
    rows.set('z/a', { version: 2 });
    cache.drop('z', 'a');
    const late = cache.get('z', 'a');
    open();
    expect(await late).toEqual({ version: 2 });
    expect(await early).toEqual({ version: 2 });
  });

  it('[T4] discards what was being read when its zone was dropped', async () => {
    const { rows, cache, hold } = table();
    rows.set('z/a', { version: 1 });
    const open = hold();
    const answer = cache.get('z', 'a');
    await turn();
    rows.delete('z/a');
    cache.dropZone('z');
    open();
    expect(await answer).toBeUndefined();
  });

  it('does not remember a failure, nor that something did not exist', async () => {
    let fail = true;
    const cache = new ReadThrough<Row>(10, async (_zone, ids) => {
      if (fail) throw new Error('down');
      return new Map(ids.map((id) => [id, { version: 1 }]));
    });
    await expect(cache.get('z', 'a')).rejects.toThrow('down');
    fail = false;
    expect(await cache.get('z', 'a')).toEqual({ version: 1 });
    const { rows, cache: other } = table();
    expect(await other.get('z', 'b')).toBeUndefined();
    rows.set('z/b', { version: 3 });
    expect(await other.get('z', 'b')).toEqual({ version: 3 });
  });

  it('reads again on demand, whatever it holds', async () => {
    const { rows, cache } = table();
    rows.set('z/a', { version: 1 });
    await cache.get('z', 'a');
    rows.set('z/a', { version: 2 });
    expect(await cache.reread('z', 'a')).toEqual({ version: 2 });
  });

  it('holds no more than it may', async () => {
    const cache = new ReadThrough<Row>(2, async (_zone, ids) => new Map(ids.map((id) => [id, { version: 1 }])));
    for (const id of ['a', 'b', 'c']) await cache.get('z', id);
    expect(['a', 'b', 'c'].filter((id) => cache.peek('z', id)).length).toBe(2);
  });
});
