import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from './fair-queue.js';

function filled(counts: Readonly<Record<string, number>>, capacity = 1_000): FairQueue<string> {
  const queue = new FairQueue<string>(capacity);
  for (const [zone, count] of Object.entries(counts))
    for (let n = 0; n < count; n += 1) queue.push(zone, `${zone}${n}`);
  return queue;
}

describe('entries that wait for their group', () => {
  it('[T8] one zone of which much waits leaves the others their share of the next group', () => {
    const queue = filled({ a: 500, b: 2, c: 1 });
    const group = queue.take(9);
    expect([...group].sort()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'b0', 'b1', 'c0']);
    expect(queue.length).toBe(494);
  });

  it('[T8] more zones than a group has places come one after the other', () => {
    const queue = filled({ a: 3, b: 3, c: 3 });
    expect([queue.take(2), queue.take(2), queue.take(2)]).toEqual([
      ['a0', 'b0'],
      ['c0', 'a1'],
      ['b1', 'c1'],
    ]);
  });

  it('[T8] one zone fills half of the queue, all together fill it', () => {
    const queue = filled({ a: 5 }, 10);
    expect([queue.isFullFor('a'), queue.isFullFor('b')]).toEqual([true, false]);
    for (let n = 0; n < 5; n += 1) queue.push(`z${n}`, 'x');
    expect(queue.isFullFor('new')).toBe(true);
    queue.take(10);
    expect([queue.length, queue.isFullFor('a'), queue.take(10)]).toEqual([0, false, []]);
  });

  it('gives everything once, in groups that are full while enough waits, and each zone’s in order', () => {
    const zone = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(zone, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (zones, most) => {
        const queue = new FairQueue<{ zone: string; n: number }>(1_000);
        zones.forEach((name, n) => queue.push(name, { zone: name, n }));
        const all: { zone: string; n: number }[] = [];
        while (queue.length > 0) {
          const expected = Math.min(most, queue.length);
          const group = queue.take(most);
          expect(group).toHaveLength(expected);
          all.push(...group);
        }
        for (const name of new Set(zones)) {
          const order = all.filter((item) => item.zone === name).map(({ n }) => n);
          expect(order).toEqual(zones.flatMap((other, n) => (other === name ? [n] : [])));
        }
        expect(all).toHaveLength(zones.length);
      }),
    );
  });
});
