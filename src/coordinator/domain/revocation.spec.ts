import { describe, expect, it } from '@jest/globals';
import { NOW } from '../../../test/support/runtime-records.js';
import { parseRevocationKey, REVOCATION_KINDS, revocationEnd, revocationKey } from './revocation.js';

describe('the id of a revocation in the change feed', () => {
  it.each(REVOCATION_KINDS)('of a %s says kind and anchor, whatever the anchor holds', (kind) => {
    for (const anchor of ['ses_1', 'user:sis_1:a:b', 'zone', ':'])
      expect(parseRevocationKey(revocationKey(kind, anchor))).toEqual({ kind, anchor });
  });

  it.each(['ses_1', 'other:x', '', ':x', 'sessions:x'])('is not %j', (key) =>
    expect(parseRevocationKey(key)).toBeUndefined(),
  );
});

it('[T2] a revocation is remembered for as long as any token lives', () =>
  expect(revocationEnd(NOW) - NOW).toBeGreaterThanOrEqual(3_600_000 + 5_000));
