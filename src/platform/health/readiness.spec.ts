import { beforeEach, describe, expect, it } from '@jest/globals';
import { Readiness } from './readiness.js';

describe('Readiness', () => {
  let monotonic: number;
  let readiness: Readiness;

  beforeEach(() => {
    monotonic = 0;
    readiness = new Readiness({ now: () => 0, monotonic: () => monotonic });
  });

  it('is ready without a fault', async () => {
    readiness.register('view_stale', () => true);
    await expect(readiness.reasons()).resolves.toEqual([]);
  });

  it('[T8] reports what does not hold, and what cannot be found out, once each', async () => {
    readiness.register('view_stale', () => false);
    readiness.register('database_unreachable', () => Promise.reject(new Error('down')));
    readiness.register('database_unreachable', () => {
      throw new Error('down');
    });
    readiness.register('queue_unreachable', () => true);
    await expect(readiness.reasons()).resolves.toEqual(['view_stale', 'database_unreachable']);
  });

  it('[T8] asks at most twice a second however often it is asked', async () => {
    let asked = 0;
    readiness.register('queue_unreachable', () => (asked += 1) > 0);
    await readiness.reasons();
    monotonic = 499;
    await Promise.all([readiness.reasons(), readiness.reasons()]);
    expect(asked).toBe(1);
    monotonic = 500;
    await readiness.reasons();
    expect(asked).toBe(2);
  });

  it('says at once that it is shutting down', async () => {
    await readiness.reasons();
    readiness.shutDown();
    await expect(readiness.reasons()).resolves.toEqual(['shutting_down']);
  });
});
