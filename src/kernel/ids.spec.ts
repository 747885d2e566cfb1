import { describe, expect, it } from '@jest/globals';
import { ID_PREFIXES, formatId, isId } from './ids.js';

const UUID = '018f2f6e-7b3a-7c41-9d2e-0123456789ab';

describe('ids', () => {
  it('formats prefix and UUID in lower case', () => {
    expect(formatId('app', UUID.toUpperCase())).toBe(`app_${UUID}`);
  });

  it.each(['', 'x', UUID.replaceAll('-', ''), `${UUID}0`, '00000000-0000-0000-0000-000000000000'])(
    'refuses to make an id of %p',
    (uuid) => {
      expect(() => formatId('app', uuid)).toThrow(TypeError);
    },
  );

  it.each([
    [`app_${UUID}`, true],
    [`ses_${UUID}`, false],
    [`app_${UUID.toUpperCase()}`, false],
    [`app_${UUID}\n`, false],
    [`app${UUID}`, false],
    [`app_`, false],
    [undefined, false],
    [42, false],
  ])('isId of %p is %p', (text, expected) => {
    expect(isId('app', text)).toBe(expected);
  });

  it('no two kinds share a prefix', () => {
    const prefixes = Object.values(ID_PREFIXES);
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });
});
