import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chainMac, GENESIS_MAC, leafHash, type Link } from './chain.js';

const key = createSecretKey(Buffer.alloc(32, 7));
const link: Link = {
  zone: 'acme',
  index: 4,
  kid: 'lh-1',
  eventId: '01900000-0000-7000-8000-000000000000',
  ingestedAt: 1_763_942_400_000,
  leaf: leafHash('{}'),
};

describe('ledger chain', () => {
  it('hashes a leaf as RFC 6962 §2.1 does', () => {
    expect(leafHash('').toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  });

  it.each<[string, Partial<Link>]>([
    ['zone', { zone: 'acmf' }],
    ['index', { index: 5 }],
    ['kid', { kid: 'lh-2' }],
    ['event_id', { eventId: '01900000-0000-7000-8000-000000000001' }],
    ['ingested_at', { ingestedAt: 1_763_942_400_001 }],
    ['leaf', { leaf: leafHash('{"a":1}') }],
  ])('[T6] commits to %s', (_name, change) => {
    expect(chainMac(key, { ...link, ...change }, GENESIS_MAC)).not.toEqual(chainMac(key, link, GENESIS_MAC));
  });

  it('[T6] changes with any byte of the previous value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const previous = Buffer.from(GENESIS_MAC);
        previous[at] = (previous[at] ?? 0) ^ mask;
        return !chainMac(key, link, previous).equals(chainMac(key, link, GENESIS_MAC));
      }),
    );
  });
});
