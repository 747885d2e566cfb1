import { describe, expect, it } from '@jest/globals';
import { actClaim } from './act-claim.js';
import type { DelegationEdge } from './delegation.js';
import {
  type Lineage,
  LineageError,
  type LineageFault,
  type LineageSession,
  type LineageSource,
  traceLineage,
} from './lineage.js';

const NOW = 1_000_000;

function session(id: string, members: Partial<LineageSession> = {}): LineageSession {
  return {
    id,
    application: 'app_a',
    credential: 'crd_a',
    status: 'active',
    labels: [],
    authority: 'inherit',
    subject: 'app:app_a',
    subjectType: 'application',
    ...members,
  };
}

function edge(id: string, source: string, target: string, members: Partial<DelegationEdge> = {}): DelegationEdge {
  const resources = [{ resource: id, scopes: new Set(['read']) }];
  return {
    id,
    source,
    target,
    sourceApplication: 'app_a',
    targetApplication: 'app_a',
    path: [id],
    resources,
    hopsRemaining: 0,
    status: 'active',
    expiresAt: NOW + 500,
    ...members,
  };
}

function world(sessions: LineageSession[], edges: DelegationEdge[] = []): LineageSource {
  return {
    session: async (id) => sessions.find((item) => item.id === id),
    delegation: async (id) => edges.find((item) => item.id === id),
  };
}

async function faultOf(trace: Promise<Lineage>): Promise<LineageFault> {
  const error = await trace.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LineageError) return error.fault;
  throw new Error('expected a LineageError');
}

describe('traceLineage', () => {
  it('a root session holds what its own labels open', async () => {
    const lineage = await traceLineage(
      world([session('root', { labels: ['ops'], expiresAt: NOW + 9, leaseExpiresAt: NOW + 5 })]),
      { session: 'root' },
      NOW,
    );
    expect(lineage.ceilings).toEqual([{ kind: 'grants', application: 'app_a', labels: ['ops'] }]);
    expect(lineage).toMatchObject({ edges: [], endsAt: NOW + 5 });
    expect(lineage.root.id).toBe('root');
  });

  it('[T2] an inheriting child is bounded by its own labels and by each ancestor’s', async () => {
    const sessions = [
      session('root', { labels: [] }),
      session('mid', { parent: 'root', labels: ['x'] }),
      session('leaf', { parent: 'mid', labels: ['x', 'y'] }),
    ];
    const lineage = await traceLineage(world(sessions), { session: 'leaf' }, NOW);
    expect(lineage.ceilings.map((ceiling) => (ceiling.kind === 'grants' ? ceiling.labels : ceiling.kind))).toEqual([
      ['x', 'y'],
      ['x'],
      [],
    ]);
    expect(lineage.actors.map((actor) => actor.id)).toEqual(['leaf']);
  });

  it('[T2] authority none holds nothing', async () => {
    const lineage = await traceLineage(
      world([session('root'), session('leaf', { parent: 'root', authority: 'none' })]),
      { session: 'leaf' },
      NOW,
    );
    expect(lineage.ceilings).toEqual([{ kind: 'nothing' }]);
  });

  it('a narrowed child is bounded by its edge and by its parent', async () => {
    const source = world(
      [session('root'), session('leaf', { parent: 'root', authority: 'narrowed', delegation: 'd1' })],
      [edge('d1', 'root', 'leaf')],
    );
    const lineage = await traceLineage(source, { session: 'leaf' }, NOW);
    expect(lineage.ceilings.map((ceiling) => ceiling.kind)).toEqual(['edge', 'grants']);
    expect(lineage.endsAt).toBe(NOW + 500);
  });

  it('[T2] a narrowed child never regains its ancestor’s authority when its edge is over or gone', async () => {
    const leaf = session('leaf', { parent: 'root', authority: 'narrowed', delegation: 'd1' });
    expect(
      await faultOf(
        traceLineage(
          world([session('root'), leaf], [edge('d1', 'root', 'leaf', { expiresAt: NOW })]),
          { session: 'leaf' },
          NOW,
        ),
      ),
    ).toBe('delegation_not_usable');
    const without = session('leaf', { parent: 'root', authority: 'narrowed' });
    expect((await traceLineage(world([session('root'), without]), { session: 'leaf' }, NOW)).ceilings).toEqual([
      { kind: 'nothing' },
    ]);
  });

  const chainEdges = [
    edge('d1', 'a', 'b', { hopsRemaining: 1 }),
    edge('d2', 'b', 'c', { parent: 'd1', path: ['d1', 'd2'] }),
  ];
  const chainSessions = [
    session('a', { subject: 'user:sis_1:alice', subjectType: 'user' }),
    session('b', { application: 'app_b', authority: 'none' }),
    session('c', { application: 'app_c', credential: undefined }),
  ];

  it('follows a presented edge through every edge of its path to the subject of the root', async () => {
    const lineage = await traceLineage(world(chainSessions, chainEdges), { session: 'c', delegation: 'd2' }, NOW);
    expect(lineage.edges.map((item) => item.id)).toEqual(['d2', 'd1']);
    expect(lineage.actors.map((item) => item.id)).toEqual(['c', 'b', 'a']);
    expect(lineage.ceilings.map((ceiling) => ceiling.kind)).toEqual(['edge', 'edge', 'grants']);
    expect(lineage.root.subject).toBe('user:sis_1:alice');
  });

  it('nests act from the current session inwards (RFC 8693 §4.1)', async () => {
    const lineage = await traceLineage(world(chainSessions, chainEdges), { session: 'c', delegation: 'd2' }, NOW);
    expect(actClaim(lineage)).toEqual({
      sub: 'app:app_c',
      client_id: 'app_c',
      sid: 'c',
      act: {
        sub: 'app:app_b',
        client_id: 'app_b',
        sid: 'b',
        crd: 'crd_a',
        act: { sub: 'app:app_a', client_id: 'app_a', sid: 'a', crd: 'crd_a' },
      },
    });
  });

  it('an application’s own undelegated work has no act; a user’s has the session', async () => {
    expect(actClaim(await traceLineage(world([session('root')]), { session: 'root' }, NOW))).toBeUndefined();
    expect(actClaim(await traceLineage(world(chainSessions), { session: 'a' }, NOW))).toMatchObject({ sid: 'a' });
  });

  it('an edge that reached an ancestor is found again from an inheriting child, as the dlg of its tokens says', async () => {
    const sessions = [
      session('root'),
      session('mid', { parent: 'root', authority: 'narrowed', delegation: 'd1' }),
      session('leaf', { parent: 'mid' }),
    ];
    const lineage = await traceLineage(
      world(sessions, [edge('d1', 'root', 'mid')]),
      { session: 'leaf', delegation: 'd1' },
      NOW,
    );
    expect(lineage.edges.map((item) => item.id)).toEqual(['d1']);
    expect(lineage.actors.map((item) => item.id)).toEqual(['leaf', 'root']);
  });

  const refused: [
    string,
    LineageSession[],
    DelegationEdge[],
    { session: string; delegation?: string },
    LineageFault,
  ][] = [
    ['an unknown session', [], [], { session: 'x' }, 'session_unknown'],
    ['a suspended session', [session('x', { status: 'suspended' })], [], { session: 'x' }, 'session_not_active'],
    ['a session past its end', [session('x', { expiresAt: NOW })], [], { session: 'x' }, 'session_not_active'],
    [
      'a session past its lease',
      [session('x', { leaseExpiresAt: NOW - 1 })],
      [],
      { session: 'x' },
      'session_not_active',
    ],
    [
      'a terminated ancestor',
      [session('p', { status: 'terminated' }), session('x', { parent: 'p' })],
      [],
      { session: 'x' },
      'session_not_active',
    ],
    [
      'a delegator that is over',
      [session('a', { status: 'expired' }), session('b')],
      [edge('d', 'a', 'b')],
      { session: 'b', delegation: 'd' },
      'session_not_active',
    ],
    ['an unknown edge', [session('x')], [], { session: 'x', delegation: 'd' }, 'delegation_not_usable'],
    [
      'another session’s edge',
      [session('a'), session('b'), session('x')],
      [edge('d', 'a', 'b')],
      { session: 'x', delegation: 'd' },
      'delegation_not_usable',
    ],
    [
      'a revoked edge',
      [session('a'), session('b')],
      [edge('d', 'a', 'b', { status: 'revoked' })],
      { session: 'b', delegation: 'd' },
      'delegation_not_usable',
    ],
    [
      'a revoked edge further up',
      chainSessions,
      [{ ...(chainEdges[0] as DelegationEdge), status: 'revoked' }, chainEdges[1] as DelegationEdge],
      { session: 'c', delegation: 'd2' },
      'delegation_not_usable',
    ],
    [
      'more edges than hops',
      chainSessions,
      [{ ...(chainEdges[0] as DelegationEdge), hopsRemaining: 0 }, chainEdges[1] as DelegationEdge],
      { session: 'c', delegation: 'd2' },
      'delegation_not_usable',
    ],
    [
      'an edge off its parent’s path',
      chainSessions,
      [chainEdges[0] as DelegationEdge, { ...(chainEdges[1] as DelegationEdge), path: ['d9', 'd2'] }],
      { session: 'c', delegation: 'd2' },
      'delegation_not_usable',
    ],
    [
      'one session twice',
      [
        session('a', { authority: 'narrowed', delegation: 'd1' }),
        session('b', { authority: 'narrowed', delegation: 'd2' }),
      ],
      [edge('d1', 'b', 'a', { hopsRemaining: 5 }), edge('d2', 'a', 'b', { hopsRemaining: 4 })],
      { session: 'b' },
      'delegation_loop',
    ],
    [
      'a spawn edge of another session',
      [session('a'), session('b', { authority: 'narrowed', delegation: 'd' })],
      [edge('d', 'a', 'c')],
      { session: 'b' },
      'delegation_not_usable',
    ],
  ];
  it.each(refused)('[T2] refuses %s', async (...[, sessions, edges, start, fault]) => {
    expect(await faultOf(traceLineage(world(sessions, edges), start, NOW))).toBe(fault);
  });
});
