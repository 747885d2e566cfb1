import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { RedisBuckets } from './redis-buckets.js';

describe('[T8] RedisBuckets', () => {
  it('says that it cannot know when Redis does not answer, and reports why', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const faults: unknown[] = [];
    const buckets = new RedisBuckets(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, (error) =>
      faults.push(error),
    );
    expect(await buckets.take('zone/resource', [{ key: 'resource:', quota: 5 }])).toBeUndefined();
    expect(faults.length).toBeGreaterThan(0);
    buckets.close();
    await new Promise<void>((resolve) => {
      silent.close(() => resolve());
    });
  });
});
