import { describe, expect, it } from '@jest/globals';
import { presentedToken } from './bearer.js';
import { addressRanges } from './address-ranges.js';

const headers = (...values: string[]) => ['Host', 'x', ...values.flatMap((value) => ['Authorization', value])];

describe('presentedToken', () => {
  it('finds the token of the one Authorization header, whatever the case (RFC 9110 §11.1)', () => {
    expect(presentedToken(['AUTHORIZATION', 'bearer abc'])).toEqual({ kind: 'token', scheme: 'bearer', token: 'abc' });
    expect(presentedToken(headers('DPoP abc'))).toEqual({ kind: 'token', scheme: 'dpop', token: 'abc' });
  });

  it('tells no token from an unusable one (RFC 6750 §3.1)', () => {
    expect(presentedToken(['Host', 'x'])).toEqual({ kind: 'none' });
  });

  it.each([
    ['two headers (RFC 9110 §5.3)', headers('Bearer a', 'Bearer a')],
    ['another scheme', headers('Basic YTpi')],
    ['an empty token', headers('Bearer ')],
    ['an empty header', headers('')],
    ['no scheme', headers('abc')],
    ['a second token', headers('Bearer a b')],
    ['a list', headers('Bearer a, Bearer b')],
    ['a control character', headers('Bearer a\tb')],
    ['more than 4 096 bytes', headers(`Bearer ${'a'.repeat(4097)}`)],
  ])('refuses %s', (_name, raw) => {
    expect(presentedToken(raw).kind).toBe('unusable');
  });

  it('takes a token of just 4 096 bytes', () => {
    expect(presentedToken(headers(`Bearer ${'a'.repeat(4096)}`)).kind).toBe('token');
  });
});

describe('addressRanges', () => {
  const isLocal = addressRanges(['127.0.0.0/8', '::1/128', 'fd00::/8']);

  it.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['fd12::1', true],
    ['128.0.0.1', false],
    ['::2', false],
    ['', false],
    ['nonsense', false],
  ])('%s is in the ranges: %p', (address, inside) => {
    expect(isLocal(address)).toBe(inside);
  });
});
