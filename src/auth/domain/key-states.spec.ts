import { describe, expect, it } from '@jest/globals';
import { duePromotion, isPublished, promotableAt, publishableSeconds, retirable, type KeyFacts } from './key-states.js';

const key = (state: KeyFacts['state'], more: Partial<KeyFacts> = {}): KeyFacts => ({
  kid: state,
  state,
  publishedAt: 0,
  ...more,
});

describe('how long remembered keys may be held', () => {
  it.each([
    [0, 300],
    [1, 299],
    [1_000, 299],
    [299_000, 1],
    [299_001, 0],
    [300_000, 0],
    [Infinity, 0],
  ])('[T5] proven %d ms ago: %d s', (age, seconds) => {
    expect(publishableSeconds(age)).toBe(seconds);
  });
});

describe('the life of a key', () => {
  it('a key may sign once every copy of the JWKS holds it', () => {
    expect(promotableAt(key('next', { publishedAt: 1000 }))).toBe(301_000);
  });

  it('is published while it may sign or be asked for', () => {
    const states = ['next', 'active', 'retiring', 'retired', 'revoked'] as const;
    expect(states.filter((state) => isPublished({ state }))).toEqual(['next', 'active', 'retiring']);
  });

  it('stays published until the longest-lived token it signed has expired', () => {
    const retiring = key('retiring', { retiringAt: 0 });
    expect(retirable([retiring], 3_604_999)).toEqual([]);
    expect(retirable([retiring], 3_605_000)).toEqual([retiring]);
    expect(retirable([key('active'), key('next')], 1e12)).toEqual([]);
  });

  it('is promoted by time only when a rotation waits for it', () => {
    const waiting = key('next', { activateAfter: 1000 });
    expect(duePromotion([key('active'), waiting], 999)).toBeUndefined();
    expect(duePromotion([key('active'), waiting], 1000)).toBe(waiting);
    expect(duePromotion([key('next')], 1e12)).toBeUndefined();
  });
});
