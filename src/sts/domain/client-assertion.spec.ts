import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../kernel/json.js';
import { assertionHeaderFault, checkAssertionClaims } from './client-assertion.js';

const NOW = 1_700_000_000;
const EXPECTED = { clientId: 'app_1', issuer: 'https://as/z/a', now: NOW };
const CLAIMS: JsonObject = { iss: 'app_1', sub: 'app_1', aud: 'https://as/z/a', jti: 'j', iat: NOW, exp: NOW + 60 };

describe('assertionHeaderFault (RFC 8725)', () => {
  it.each([
    [{ alg: 'ES256' }],
    [{ alg: 'ES256', typ: 'JWT', kid: 'k' }],
    [{ alg: 'ES256', typ: 'client-authentication+jwt' }],
  ])('accepts %j', (header) => {
    expect(assertionHeaderFault(header)).toBeUndefined();
  });

  it.each([
    [{ typ: 'at+jwt' }, 'typ'],
    [{ typ: 'dpop+jwt' }, 'typ'],
    [{ crit: ['x'] }, 'crit'],
    [{ jwk: {} }, 'jwk'],
    [{ jku: 'https://x' }, 'jku'],
    [{ x5u: 'https://x' }, 'x5u'],
    [{ x5c: [] }, 'x5c'],
    [{ b64: false }, 'b64'],
    [{ kid: 7 }, 'kid'],
  ])('[T2] refuses %j', (header, fault) => {
    expect(assertionHeaderFault(header as JsonObject)).toBe(fault);
  });
});

describe('checkAssertionClaims (RFC 7523 §3)', () => {
  it('accepts what a client library sends and says until when the jti must be remembered', () => {
    const accepted = checkAssertionClaims(CLAIMS, EXPECTED);
    expect(accepted).toEqual({ jti: 'j', forgetAt: NOW + 66 });
  });

  const accepted: [string, JsonObject][] = [
    ['a clock 10 s ahead', { iat: NOW + 10, nbf: NOW + 10, exp: NOW + 70 }],
    ['300 s of life', { exp: NOW + 300 }],
    ['no iat', { iat: undefined as unknown as null, exp: NOW + 300 }],
    ['an end 4 s ago', { iat: NOW - 60, exp: NOW - 4 }],
  ];
  it.each(accepted)('accepts %s', (_name, change) => {
    expect(checkAssertionClaims({ ...CLAIMS, ...change }, EXPECTED)).toHaveProperty('jti');
  });

  const refused: [string, JsonObject, string][] = [
    ['another issuer', { iss: 'app_2' }, 'iss'],
    ['another subject', { sub: 'app_2' }, 'sub'],
    ['the token endpoint as audience', { aud: 'https://as/z/a/oauth2/token' }, 'aud'],
    ['an array as audience', { aud: ['https://as/z/a'] }, 'aud'],
    ['another zone as audience', { aud: 'https://as/z/b' }, 'aud'],
    ['no jti', { jti: undefined as unknown as null }, 'jti'],
    ['an empty jti', { jti: '' }, 'jti'],
    ['a numeric jti', { jti: 1 }, 'jti'],
    ['a jti of 256 characters', { jti: 'x'.repeat(256) }, 'jti'],
    ['no exp', { exp: undefined as unknown as null }, 'exp'],
    ['an end that is over', { iat: NOW - 60, exp: NOW - 5 }, 'exp'],
    ['an end as a string', { exp: `${NOW + 60}` }, 'exp'],
    ['a fractional end', { exp: NOW + 0.5 }, 'exp'],
    ['301 s of life', { exp: NOW + 301 }, 'exp'],
    ['301 s of life without iat', { iat: undefined as unknown as null, exp: NOW + 301 }, 'exp'],
    ['iat 61 s ahead', { iat: NOW + 61, exp: NOW + 100 }, 'iat'],
    ['nbf 61 s ahead', { nbf: NOW + 61, exp: NOW + 100 }, 'nbf'],
    ['iat as a string', { iat: 'now' }, 'iat'],
  ];
  it.each(refused)('[T2] refuses %s', (_name, change, fault) => {
    expect(checkAssertionClaims({ ...CLAIMS, ...change }, EXPECTED)).toEqual({ fault });
  });
});
