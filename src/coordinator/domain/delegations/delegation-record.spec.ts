import { describe, expect, it } from '@jest/globals';
import { delegationRecord, NOW } from '../../../../test/support/runtime-records.js';
import { liveEdge } from './delegation-record.js';

const first = delegationRecord('del_1', ['ses_a', 'ses_b']);
const second = delegationRecord('del_2', ['ses_b', 'ses_c'], { expiresAt: NOW + 1_000 }, first);

describe('what a delegation is under the edges above it', () => {
  it('is active while all of them are', () => expect(liveEdge([first, second], NOW).status).toBe('active'));

  it('[T4] is revoked with any of them', () => {
    const view = liveEdge([{ ...first, status: 'revoked', endedAt: NOW - 1 }, second], NOW);
    expect(view).toMatchObject({ id: 'del_2', status: 'revoked', endedAt: NOW - 1, endReason: 'ancestor_revoked' });
  });

  it('has expired with the first of them that ends', () => {
    expect(liveEdge([first, second], NOW + 1_000)).toMatchObject({ status: 'expired', endedAt: NOW + 1_000 });
    expect(liveEdge([{ ...first, expiresAt: NOW }, second], NOW).status).toBe('expired');
    expect(liveEdge([{ ...first, status: 'expired', endedAt: NOW - 9 }, second], NOW)).toMatchObject({
      status: 'expired',
      endedAt: NOW - 9,
    });
  });

  it('stays what its own row says once it has ended', () => {
    expect(
      liveEdge(
        [
          { ...first, status: 'revoked' },
          { ...second, status: 'expired' },
        ],
        NOW,
      ).status,
    ).toBe('expired');
  });
});
