import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../../../kernel/json.js';
import { isOpaqueSubject } from '../../../kernel/opaque-subject.js';
import { checkIdTokenClaims, type IdTokenExpectation, idTokenHeaderFault } from './check-id-token.js';
import { mayAct } from './may-act.js';

const NOW = 1_800_000_000;
const EXPECTED: IdTokenExpectation = {
  issuer: { id: 'sis_1', issuer: 'https://op', audience: 'me', algorithms: ['ES256'], subjectClaim: 'sub' },
  capSeconds: 86_400,
  now: NOW,
};
const GOOD: JsonObject = { iss: 'https://op', aud: 'me', sub: 'alice', iat: NOW, exp: NOW + 60 };

describe('checkIdTokenClaims (OIDC Core §3.1.3.7)', () => {
  it('takes the user from the issuer’s claim, and still wants a sub', () => {
    const issuer = { ...EXPECTED.issuer, subjectClaim: 'oid' };
    const claims = { ...GOOD, oid: 'u-1' };
    expect(checkIdTokenClaims(claims, { ...EXPECTED, issuer })).toMatchObject({ claims: { user: 'u-1' } });
    expect(checkIdTokenClaims({ ...claims, sub: 7 }, { ...EXPECTED, issuer })).toEqual({ fault: 'subject' });
    expect(checkIdTokenClaims(GOOD, { ...EXPECTED, issuer })).toEqual({ fault: 'subject' });
  });

  it('leaves five seconds between the clocks, no more', () => {
    const at = (claims: JsonObject): unknown => checkIdTokenClaims({ ...GOOD, ...claims }, EXPECTED);
    expect(at({ iat: NOW + 5 })).toHaveProperty('claims');
    expect(at({ iat: NOW + 6 })).toEqual({ fault: 'times' });
    expect(at({ iat: NOW - 60, exp: NOW - 4 })).toHaveProperty('claims');
    expect(at({ iat: NOW - 60, exp: NOW - 5 })).toEqual({ fault: 'expired' });
    expect(at({ nbf: NOW + 5 })).toHaveProperty('claims');
    expect(at({ nbf: NOW + 6 })).toEqual({ fault: 'times' });
  });

  it('refuses one that is older than the cap, however long it may live', () => {
    const claims = { ...GOOD, iat: NOW - 86_400, exp: NOW + 86_400 };
    expect(checkIdTokenClaims(claims, EXPECTED)).toEqual({ fault: 'too_old' });
  });

  it('[T2] accepts nothing that a claim of any JSON value makes of it, but what the texts allow', () => {
    const name = fc.constantFrom('iss', 'aud', 'sub', 'iat', 'exp', 'azp', 'nbf', 'nonce', 'may_act');
    fc.assert(
      fc.property(name, fc.jsonValue(), (claim, value) => {
        const found = checkIdTokenClaims({ ...GOOD, [claim]: value } as JsonObject, EXPECTED);
        if ('fault' in found) return;
        const changed = { ...GOOD, [claim]: value } as Record<string, unknown>;
        expect(changed['iss']).toBe('https://op');
        expect([changed['aud']].flat()).toContain('me');
        expect(isOpaqueSubject(changed['sub'])).toBe(true);
        expect(Number.isInteger(changed['iat']) && Number.isInteger(changed['exp'])).toBe(true);
      }),
    );
  });
});

describe('idTokenHeaderFault', () => {
  it.each<[JsonObject, string | undefined]>([
    [{ alg: 'ES256' }, undefined],
    [{ alg: 'ES256', typ: 'JWT', kid: 'a' }, undefined],
    [{ alg: 'RS256' }, 'algorithm'],
    [{ alg: 'none' }, 'algorithm'],
    [{ alg: 'ES256', typ: 'at+jwt' }, 'header'],
    [{ alg: 'ES256', crit: [] }, 'header'],
    [{ alg: 'ES256', kid: 1 }, 'header'],
  ])('[T2] %j: %s', (header, fault) => {
    expect(idTokenHeaderFault(header, ['ES256'])).toBe(fault);
  });
});

describe('mayAct (RFC 8693 §4.4)', () => {
  const actor = { iss: 'https://me', sub: 'app:a', client_id: 'a', sid: 'ses_1' };

  it('[T2] enforces every member that it names', () => {
    const wrong = { iss: 'https://other', sub: 'app:b', client_id: 'b', sid: 'ses_2' };
    fc.assert(
      fc.property(
        fc.subarray(Object.keys(actor), { minLength: 1 }),
        fc.constantFrom(...Object.keys(actor)),
        (names, bad) => {
          const pick = (from: Record<string, string>): JsonObject =>
            Object.fromEntries(names.map((name) => [name, from[name] ?? '']));
          expect(mayAct(pick(actor), actor)).toBe(true);
          expect(mayAct({ ...pick(actor), [bad]: wrong[bad as keyof typeof wrong] }, actor)).toBe(false);
          expect(mayAct({ ...pick(actor), other: 'x' }, actor)).toBe(false);
        },
      ),
    );
  });

  it('rules nobody out when it is absent, and everybody when it names nobody', () => {
    expect(mayAct(undefined, actor)).toBe(true);
    expect(mayAct({}, actor)).toBe(false);
    expect(mayAct({ sid: 'ses_1' }, { ...actor, sid: undefined })).toBe(false);
  });
});

describe('isOpaqueSubject', () => {
  it('[T2] never lets two users who look alike by direction or control characters through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const plain =
          text !== '' && Buffer.byteLength(text) <= 255 && !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(text);
        if (!plain) expect(isOpaqueSubject(text)).toBe(false);
      }),
    );
    expect(['alice', 'é|x:y', '山田'].every(isOpaqueSubject)).toBe(true);
  });
});
