import { describe, expect, it } from '@jest/globals';
import type { Lineage } from '../../../policy/index.js';
import { delegationRecord, NOW, serviceRecord, sessionRecord } from '../../../../test/support/runtime-records.js';
import { ancestorTokens, fitsSessionToken, sessionTokenClaims, type SessionTokenFacts } from './session-claims.js';
import type { SessionRecord } from './session.js';

const SECONDS = NOW / 1000;

function facts(members: Partial<SessionTokenFacts> = {}): SessionTokenFacts {
  return {
    issuer: 'https://as.example/z/main',
    zone: 'main',
    jti: 'jti_1',
    now: NOW,
    seconds: 900,
    parents: ['jti_0'],
    ...members,
  };
}

function alone(session: SessionRecord, members: Partial<Lineage> = {}): Lineage {
  return {
    current: session,
    root: session,
    ceilings: [],
    edges: [],
    actors: [session],
    sessions: [session],
    gatewayOnly: false,
    endsAt: session.expiresAt ?? Infinity,
    ...members,
  };
}

describe('the claims of a session token', () => {
  it('of a root session (RFC 9068 §2.2)', () => {
    const session = sessionRecord('ses_1', { expiresAt: NOW + 3_600_000, epochs: { z: 1, a: 2, s: 3 } });
    expect(sessionTokenClaims(session, alone(session), facts())).toEqual({
      iss: 'https://as.example/z/main',
      sub: 'app:app_a',
      aud: 'https://as.example/z/main',
      iat: SECONDS,
      nbf: SECONDS,
      exp: SECONDS + 900,
      jti: 'jti_1',
      client_id: 'app_a',
      zone: 'main',
      sid: 'ses_1',
      sub_type: 'application',
      ptk: ['jti_0'],
      crd: 'crd_a',
      ep: { z: 1, a: 2, s: 3 },
      txn: 'txn_1',
    });
  });

  it('of a narrowed session name the edge, the depth and who delegated (RFC 8693 §4.1)', () => {
    const root = sessionRecord('ses_root');
    const child = sessionRecord(
      'ses_child',
      { authority: 'narrowed', delegation: 'del_1', cnf: { jkt: 'thumb' } },
      root,
    );
    const edges = [delegationRecord('del_1', ['ses_root', 'ses_child'])];
    const claims = sessionTokenClaims(
      child,
      alone(child, { root, edges, actors: [child, root], sessions: [child, root] }),
      facts(),
    );
    expect(claims).toMatchObject({
      sub: 'app:app_a',
      sid: 'ses_child',
      dlg: 'del_1',
      dep: 1,
      cnf: { jkt: 'thumb' },
      act: { sub: 'app:app_a', sid: 'ses_child', crd: 'crd_a', act: { sid: 'ses_root' } },
    });
  });

  it.each([
    ['the session', sessionRecord('s', { expiresAt: NOW + 60_500 }), {}, 60],
    ['the lease', serviceRecord('s', { leaseExpiresAt: NOW + 30_000 }), {}, 30],
    ['the application', sessionRecord('s'), { applicationEnds: NOW + 20_999 }, 20],
    ['the zone’s lifetime', sessionRecord('s'), { seconds: 120 }, 120],
  ])('[T2] end no later than %s', (_name, session, members, seconds) => {
    expect(sessionTokenClaims(session, alone(session), facts(members))?.exp).toBe(SECONDS + seconds);
  });

  it('are none when an ancestor ends within the second', () => {
    const session = sessionRecord('s', { expiresAt: NOW + 900 });
    expect(sessionTokenClaims(session, alone(session), facts())).toBeUndefined();
  });

  it('name at most seven ancestors, the nearest, each once', () => {
    const parents = ['p1', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8', 'p9'];
    const session = sessionRecord('s');
    expect(sessionTokenClaims(session, alone(session), facts({ parents }))?.ptk).toEqual([
      'p1',
      'p2',
      'p3',
      'p4',
      'p5',
      'p6',
      'p7',
    ]);
    expect(ancestorTokens({ jti: 'a', ptk: ['b', 'c'] })).toEqual(['a', 'b', 'c']);
    expect(ancestorTokens({ jti: 'a' })).toEqual(['a']);
  });

  it('must fit a token of 4 096 bytes', () => {
    const session = sessionRecord('s');
    const claims = sessionTokenClaims(session, alone(session), facts());
    expect(claims && fitsSessionToken(claims)).toBe(true);
    expect(claims && fitsSessionToken({ ...claims, act: { sub: 'x'.repeat(3_000) } })).toBe(false);
  });
});
