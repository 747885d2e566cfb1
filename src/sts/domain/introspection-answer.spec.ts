import { describe, expect, it } from '@jest/globals';
import type { TokenClaims } from '../../auth/index.js';
import { activeAnswer, mayIntrospect } from './introspection-answer.js';

const CLAIMS: TokenClaims = {
  iss: 'https://as/z/a',
  sub: 'app:app_1',
  aud: ['https://api.example', 'https://other.example'],
  iat: 1,
  nbf: 1,
  exp: 2,
  jti: 'j',
  client_id: 'app_1',
  scope: 'read',
  zone: 'a',
  sub_type: 'application',
  ep: { z: 0, a: 0, s: 0 },
  crd: 'crd_1',
  ptk: ['p'],
  txn: 't',
};

describe('mayIntrospect (RFC 7662 §4)', () => {
  const serverOf = (audience: string): string | undefined =>
    audience === 'https://api.example' ? 'app_server' : undefined;

  it.each([
    ['the client it was issued to', 'app_1', true],
    ['the server of one of its audiences', 'app_server', true],
    ['a stranger', 'app_2', false],
  ])('%s', (_name, caller, expected) => {
    expect(mayIntrospect(CLAIMS, caller, serverOf)).toBe(expected);
  });
});

describe('activeAnswer (RFC 7662 §2.2)', () => {
  it('carries what the token says and nothing of our own bookkeeping', () => {
    const answer = activeAnswer(CLAIMS);
    expect(answer).toMatchObject({
      active: true,
      token_type: 'Bearer',
      scope: 'read',
      client_id: 'app_1',
      sub: 'app:app_1',
      jti: 'j',
      exp: 2,
      iat: 1,
      nbf: 1,
    });
    for (const own of ['ptk', 'crd', 'ep', 'sid', 'act']) expect(answer).not.toHaveProperty(own);
  });

  it('has the meaning of act and cnf of the token (RFC 8693 §4, RFC 9449 §6.2)', () => {
    const bound = { ...CLAIMS, act: { sub: 'app:app_1' }, cnf: { jkt: 'x' }, sid: 'ses_1' };
    expect(activeAnswer(bound)).toMatchObject({
      token_type: 'DPoP',
      act: { sub: 'app:app_1' },
      cnf: { jkt: 'x' },
      sid: 'ses_1',
    });
  });
});
