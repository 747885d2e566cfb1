import { describe, expect, it } from '@jest/globals';
import { holdSeconds, type HoldLife } from './hold-life.js';

const table: readonly [string, HoldLife, number][] = [
  ['four hours for operators', { approverClass: 'operator' }, 14_400],
  ['a quarter of an hour for the subject', { approverClass: 'subject' }, 900],
  ['a quarter of an hour for either', { approverClass: 'any' }, 900],
  ['what the zone sets', { approverClass: 'operator', setting: 60 }, 60],
  ['ten minutes out of band', { approverClass: 'operator', outOfBand: {} }, 600],
  ['what the client asks for out of band', { approverClass: 'operator', outOfBand: { requested: 30 } }, 30],
  ['no more than ten minutes out of band', { approverClass: 'operator', outOfBand: { requested: 7_200 } }, 600],
  ['no more than the zone sets, out of band', { approverClass: 'any', setting: 20, outOfBand: { requested: 30 } }, 20],
];

describe('the life of a hold', () => {
  it.each(table)('is %s', (_what, life, seconds) => {
    expect(holdSeconds(life)).toBe(seconds);
  });
});
