import { describe, expect, it } from '@jest/globals';
import { addressPrefix, PER_ADDRESS, PER_ZONE, RefusalWindows } from './coalescing.js';

describe('coalescing of unauthenticated refusals', () => {
  it('[T8] writes ten per address and minute, then counts', () => {
    const windows = new RefusalWindows();
    const admitted = Array.from({ length: 25 }, () => windows.admit('acme', '192.0.2.1', 1_000)).filter(Boolean);
    expect(admitted).toHaveLength(PER_ADDRESS);
    expect(windows.drain(1_000)).toEqual([]);
    expect(windows.drain(61_000)).toEqual([{ zone: 'acme', address: '192.0.2.1/32', count: 15, since: 1_000 }]);
    expect(windows.drain(61_000)).toEqual([]);
    expect(windows.admit('acme', '192.0.2.1', 61_000)).toBe(true);
  });

  it('[T8] writes no more than the zone limit from any number of addresses', () => {
    const windows = new RefusalWindows();
    let admitted = 0;
    for (let n = 0; n < 1_000; n += 1) admitted += windows.admit('acme', `192.0.${n >> 8}.${n & 255}`, 0) ? 1 : 0;
    expect(admitted).toBe(PER_ZONE);
    expect(windows.drain(0, true).reduce((sum, one) => sum + one.count, 0)).toBe(1_000 - PER_ZONE);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7/32'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('groups %s as %s', (address, prefix) => {
    expect(addressPrefix(address)).toBe(prefix);
  });
});
