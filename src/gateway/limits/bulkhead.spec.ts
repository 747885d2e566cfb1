import { describe, expect, it } from '@jest/globals';
import { Bulkhead } from './bulkhead.js';

describe('[T8] Bulkhead', () => {
  it('admits up to its size at once and the others in their order', async () => {
    const bulkhead = new Bulkhead(2, 10_000);
    expect([bulkhead.enter(), bulkhead.enter()]).toEqual([undefined, undefined]);
    const order: string[] = [];
    const third = bulkhead.enter()?.then(() => order.push('third'));
    const fourth = bulkhead.enter()?.then(() => order.push('fourth'));
    bulkhead.leave();
    bulkhead.leave();
    await Promise.all([third, fourth]);
    expect(order).toEqual(['third', 'fourth']);
    bulkhead.leave();
    bulkhead.leave();
    expect(bulkhead.enter()).toBeUndefined();
  });

  it('refuses as overloaded who has waited too long, and does not count them afterwards', async () => {
    const bulkhead = new Bulkhead(1, 1);
    expect(bulkhead.enter()).toBeUndefined();
    await expect(bulkhead.enter()).rejects.toMatchObject({ code: 'overloaded', status: 503 });
    bulkhead.leave();
    expect(bulkhead.enter()).toBeUndefined();
  });
});
