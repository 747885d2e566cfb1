import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applicationSubject, subjectIssuer, userSubject } from './subjects.js';

describe('subjects (RFC 9068 §5)', () => {
  it('[T2] no user can choose a sub that looks like an application', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9_-]{1,40}$/), fc.string(), fc.string(), (issuer, sub, application) => {
        expect(userSubject(issuer, sub)).not.toBe(applicationSubject(application));
        expect(subjectIssuer(userSubject(issuer, sub))).toBe(issuer);
      }),
    );
  });

  it('an application has no subject issuer', () => {
    expect(subjectIssuer(applicationSubject('app_1'))).toBeUndefined();
    expect(subjectIssuer('user:unfinished')).toBeUndefined();
  });
});
