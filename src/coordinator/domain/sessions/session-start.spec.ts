import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../kernel/app-error.js';
import { NOW, sessionRecord } from '../../../../test/support/runtime-records.js';
import { edgeEnd, lifeOf, pathEnd, requireActive, requireLabels } from './session-start.js';

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return undefined;
}

describe('labels', () => {
  it.each([
    ['none at all', { labels: [], allowed: [] }, undefined],
    ['allowed ones', { labels: ['a'], allowed: ['a', 'b'] }, undefined],
    ['one the application may not use', { labels: ['c'], allowed: ['a', 'b'] }, 'authority_exceeded'],
    ['one the starting session holds', { labels: ['a'], allowed: ['a', 'b'], starter: ['a'] }, undefined],
    [
      'one the starting session does not hold',
      { labels: ['b'], allowed: ['a', 'b'], starter: ['a'] },
      'authority_exceeded',
    ],
    [
      'one the starting session holds and the application lost',
      { labels: ['b'], allowed: ['a'], starter: ['a', 'b'] },
      'authority_exceeded',
    ],
  ] as [string, { labels: string[]; allowed: string[]; starter?: string[] }, string | undefined][])(
    '%s',
    (_name, given, code) => {
      expect(codeOf(() => requireLabels(given.labels, given.allowed, given.starter))).toBe(code);
    },
  );

  it('[T2] are accepted only within both sets', () => {
    const labels = fc.subarray(['a', 'b', 'c', 'd']);
    fc.assert(
      fc.property(labels, labels, fc.option(labels, { nil: undefined }), (asked, allowed, starter) => {
        const within = asked.every(
          (label) => allowed.includes(label) && (starter === undefined || starter.includes(label)),
        );
        expect(codeOf(() => requireLabels(asked, allowed, starter)) === undefined).toBe(within);
      }),
    );
  });
});

describe('the life of a new session', () => {
  const end = NOW + 100_000;

  it.each([
    ['a task lives an hour unless it says otherwise', { lifecycle: 'task' }, Infinity, { expiresAt: NOW + 3_600_000 }],
    ['a task lives its TTL', { lifecycle: 'task', ttlSeconds: 30 }, Infinity, { expiresAt: NOW + 30_000 }],
    ['an omitted TTL is shortened to what is above', { lifecycle: 'task' }, end, { expiresAt: end }],
    [
      'a TTL that is over by no more than the clocks’ leeway is shortened',
      { lifecycle: 'task', ttlSeconds: 104 },
      end,
      { expiresAt: end },
    ],
    [
      'a service lives by its lease',
      { lifecycle: 'service' },
      Infinity,
      { leaseSeconds: 120, leaseExpiresAt: NOW + 120_000 },
    ],
    [
      'a service ends with what is above',
      { lifecycle: 'service', leaseSeconds: 15 },
      end,
      { expiresAt: end, leaseSeconds: 15, leaseExpiresAt: NOW + 15_000 },
    ],
  ] as const)('%s', (_name, request, ancestorsEnd, life) => {
    expect(lifeOf(request, NOW, ancestorsEnd)).toEqual(life);
  });

  it('[T2] refuses to outlive what is above', () => {
    expect(codeOf(() => lifeOf({ lifecycle: 'task', ttlSeconds: 106 }, NOW, end))).toBe('authority_exceeded');
  });

  it('[T2] is never longer than what is above', () => {
    const request = fc.record({
      lifecycle: fc.constantFrom('task' as const, 'service' as const),
      ttlSeconds: fc.option(fc.integer({ min: 1, max: 86_400 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(request, fc.integer({ min: NOW + 1, max: NOW + 90_000_000 }), (asked, ancestorsEnd) => {
        let life;
        try {
          life = lifeOf(asked, NOW, ancestorsEnd);
        } catch {
          return;
        }
        expect(life.expiresAt).toBeLessThanOrEqual(ancestorsEnd);
      }),
    );
  });

  it('the end of a path is its first end', () => {
    expect(pathEnd([{ expiresAt: 5 }, {}, { expiresAt: 3 }])).toBe(3);
    expect(pathEnd([{}, { expiresAt: undefined }])).toBe(Infinity);
  });
});

describe('the end of a new edge', () => {
  it('is its TTL when it has one, too late or not', () => {
    expect(edgeEnd(NOW, 60, [NOW + 90_000])).toBe(NOW + 60_000);
    expect(edgeEnd(NOW, 60, [NOW + 1])).toBe(NOW + 60_000);
  });
  it('is what it depends on when the TTL is over by no more than the clocks’ leeway', () => {
    expect(edgeEnd(NOW, 60, [NOW + 59_990, NOW + 80_000])).toBe(NOW + 59_990);
    expect(edgeEnd(NOW, 60, [NOW + 54_999])).toBe(NOW + 60_000);
  });
  it('is otherwise as late as everything it depends on', () =>
    expect(edgeEnd(NOW, undefined, [NOW + 9, NOW + 7, Infinity])).toBe(NOW + 7));
  it('is at most a day when nothing it depends on ends', () =>
    expect(edgeEnd(NOW, undefined, [Infinity])).toBe(NOW + 86_400_000));
});

describe('a parent', () => {
  it.each(['suspended', 'terminated', 'expired'] as const)('[T4] that is %s starts nothing', (status) => {
    expect(codeOf(() => requireActive(sessionRecord('s', { status })))).toBe('session_not_active');
  });
  it('that is active does', () => expect(codeOf(() => requireActive(sessionRecord('s')))).toBeUndefined());
});
