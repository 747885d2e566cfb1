import { describe, expect, it } from '@jest/globals';
import { withoutUpgrade } from './upgrades.js';

describe('withoutUpgrade (RFC 9110 §7.8)', () => {
  it('leaves everything but the wish to upgrade', () => {
    expect(
      withoutUpgrade(['A', '1, upgrade', 'upgrade', 'h2c', 'Connection', 'Upgrade, X-Hop, close', 'B', '']),
    ).toEqual(['A', '1, upgrade', 'Connection', 'X-Hop, close', 'B', '']);
  });
});
