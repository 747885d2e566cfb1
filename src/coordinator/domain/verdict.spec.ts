import { describe, expect, it } from '@jest/globals';
import {
  delegationRecord,
  NOW,
  serviceRecord,
  sessionRecord,
  statusFacts,
} from '../../../test/support/runtime-records.js';
import type { DelegationRecord } from './delegations/delegation-record.js';
import type { SessionRecord } from './sessions/session.js';
import { judgeToken, type VerdictClaims, type VerdictFacts } from './verdict.js';

const root = sessionRecord('ses_root');
const child = sessionRecord('ses_child', {}, root);
const narrowed = sessionRecord('ses_narrow', { authority: 'narrowed', delegation: 'del_spawn' }, root);
const below = sessionRecord('ses_below', {}, narrowed);
const spawnEdge = delegationRecord('del_spawn', ['ses_root', 'ses_narrow'], { spawned: true });
const receiver = sessionRecord('ses_receiver', { application: 'app_b', authority: 'none' });
const passed = delegationRecord('del_passed', ['ses_below', 'ses_receiver'], { targetApplication: 'app_b' });

interface World {
  readonly sessions?: readonly SessionRecord[];
  readonly edges?: readonly DelegationRecord[];
  readonly revoked?: readonly string[];
  readonly facts?: Partial<VerdictFacts>;
}

function world({
  sessions = [root, child, narrowed, below, receiver],
  edges = [spawnEdge, passed],
  revoked = [],
  facts = {},
}: World = {}): VerdictFacts {
  return {
    ...statusFacts(),
    session: (id) => sessions.find((session) => session.id === id) ?? null,
    edge: (id) => edges.find((edge) => edge.id === id) ?? null,
    revoked: (kind, anchor) => revoked.includes(`${kind}:${anchor}`),
    current: () => true,
    applicationLive: () => true,
    credentialLive: () => true,
    leaseIsFresh: () => false,
    ...facts,
  };
}

function claims(members: Partial<VerdictClaims> = {}): VerdictClaims {
  return { jti: 'jti_1', sub: 'app:app_a', client_id: 'app_a', ep: { z: 0, a: 0, s: 0 }, ...members };
}

/** The world with one session or edge as it is after something happened to it. */
function after<T extends { readonly id: string }>(all: readonly T[], id: string, change: Partial<T>): T[] {
  return all.map((item) => (item.id === id ? { ...item, ...change } : item));
}

const SESSIONS = [root, child, narrowed, below, receiver];
const EDGES = [spawnEdge, passed];

describe('a token whose authority holds', () => {
  it.each([
    ['an application token', {}],
    ['a session token', { sid: 'ses_child' }],
    ['a token of a narrowed session', { sid: 'ses_narrow', dlg: 'del_spawn' }],
    ['a token below a narrowed session', { sid: 'ses_below', dlg: 'del_spawn' }],
    ['a token under a delegation across applications', { sid: 'ses_receiver', dlg: 'del_passed', client_id: 'app_b' }],
  ])('%s is active', (_name, members) => expect(judgeToken(claims(members), world())).toBe('active'));
});

describe('[T2] a token is revoked with', () => {
  const cases: [string, Partial<VerdictClaims>, World][] = [
    ['its own jti', {}, { revoked: ['token:jti_1'] }],
    ['a token it was obtained with', { ptk: ['jti_0', 'jti_9'] }, { revoked: ['token:jti_9'] }],
    ['its zone, application or subject', {}, { facts: { current: () => false } }],
    ['its credential', { crd: 'crd_a' }, { facts: { credentialLive: () => false } }],
    [
      'the application of an actor',
      { act: { client_id: 'app_b', act: { client_id: 'app_c' } } },
      { facts: { applicationLive: (id) => id !== 'app_c' } },
    ],
    [
      'the credential of an actor',
      { act: { client_id: 'app_b', crd: 'crd_b' } },
      { facts: { credentialLive: (_, id) => id !== 'crd_b' } },
    ],
    ['an actor that has no application', { act: { sub: 'user:x' } }, {}],
    ['a session that does not exist', { sid: 'ses_gone' }, {}],
    ['the anchor of its session', { sid: 'ses_child' }, { revoked: ['session:ses_child'] }],
    ['the anchor of an ancestor', { sid: 'ses_below' }, { revoked: ['session:ses_root'] }],
    [
      'the end of its session',
      { sid: 'ses_child' },
      { sessions: after<SessionRecord>(SESSIONS, 'ses_child', { status: 'terminated' }) },
    ],
    [
      'the end of an ancestor',
      { sid: 'ses_below' },
      { sessions: after<SessionRecord>(SESSIONS, 'ses_root', { status: 'expired' }) },
    ],
    ['a delegation that does not exist', { sid: 'ses_child', dlg: 'del_gone' }, {}],
    ['the anchor of its delegation', { sid: 'ses_narrow', dlg: 'del_spawn' }, { revoked: ['delegation:del_spawn'] }],
    [
      'the end of its delegation',
      { sid: 'ses_narrow', dlg: 'del_spawn' },
      { edges: after<DelegationRecord>(EDGES, 'del_spawn', { status: 'revoked' }) },
    ],
    [
      'the edge that narrowed its session, although it does not name it',
      { sid: 'ses_below' },
      { edges: after<DelegationRecord>(EDGES, 'del_spawn', { expiresAt: NOW }) },
    ],
    [
      'the session that passed the delegation on',
      { sid: 'ses_receiver', dlg: 'del_passed' },
      { sessions: after<SessionRecord>(SESSIONS, 'ses_below', { status: 'terminated' }) },
    ],
    [
      'an edge above the one that passed it on, although an inheriting session stands between them',
      { sid: 'ses_receiver', dlg: 'del_passed' },
      { edges: after<DelegationRecord>(EDGES, 'del_spawn', { status: 'revoked' }) },
    ],
  ];
  it.each(cases)('%s', (_name, members, changed) => {
    expect(judgeToken(claims(members), world(changed))).toBe('revoked');
  });
});

describe('a token is suspended with', () => {
  it.each([
    ['its session', { sid: 'ses_child' }, 'ses_child'],
    ['an ancestor', { sid: 'ses_below', dlg: 'del_spawn' }, 'ses_root'],
    ['the session that passed its delegation on', { sid: 'ses_receiver', dlg: 'del_passed' }, 'ses_below'],
  ])('%s', (_name, members, suspended) => {
    const sessions = after<SessionRecord>(SESSIONS, suspended, { status: 'suspended' });
    expect(judgeToken(claims(members), world({ sessions }))).toBe('suspended');
  });

  it('but what is revoked as well is revoked', () => {
    const sessions = after<SessionRecord>(SESSIONS, 'ses_receiver', { status: 'suspended' });
    expect(
      judgeToken(
        claims({ sid: 'ses_receiver', dlg: 'del_passed' }),
        world({ sessions, revoked: ['delegation:del_passed'] }),
      ),
    ).toBe('revoked');
  });
});

describe('what is not at hand', () => {
  it('is named instead of being guessed', () => {
    expect(judgeToken(claims({ sid: 'ses_child' }), world({ facts: { session: () => undefined } }))).toEqual({
      kind: 'session',
      id: 'ses_child',
    });
    const onlyChild = (id: string) => (id === 'ses_child' ? child : undefined);
    expect(judgeToken(claims({ sid: 'ses_child' }), world({ facts: { session: onlyChild } }))).toEqual({
      kind: 'session',
      id: 'ses_root',
    });
    expect(judgeToken(claims({ dlg: 'del_spawn' }), world({ facts: { edge: () => undefined } }))).toEqual({
      kind: 'delegation',
      id: 'del_spawn',
    });
  });

  it('a lease that has passed is read again once before it counts', () => {
    const service = serviceRecord('ses_service', { leaseExpiresAt: NOW - 1 });
    const sessions = [service];
    expect(judgeToken(claims({ sid: service.id }), world({ sessions }))).toEqual({ kind: 'lease', id: service.id });
    expect(judgeToken(claims({ sid: service.id }), world({ sessions, facts: { leaseIsFresh: () => true } }))).toBe(
      'suspended',
    );
  });
});
