import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

interface Agent {
  readonly id: string;
  readonly session_token: string;
}

let app: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let helper: SceneClient;
let stranger: SceneClient;
let mail: SceneResource;
let files: SceneResource;
let token: string;
let helperToken: string;
let strangerToken: string;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  [owner, helper, stranger] = [await scene.client(), await scene.client(), await scene.client()];
  mail = await scene.resource(['read', 'write']);
  files = await scene.resource(['read']);
  await scene.grant(owner, mail, ['read', 'write']);
  [token, helperToken, strangerToken] = [
    await scene.applicationToken(owner),
    await scene.applicationToken(helper),
    await scene.applicationToken(stranger),
  ];
});

afterAll(() => app.close());

const post = (path: string, bearer: string, body: unknown = {}) => scene.runtime('POST', path, bearer, body);
const get = (path: string, bearer: string) => scene.runtime('GET', path, bearer);
const code = ({ status, body }: TestAnswer) => [status, body.code] as const;

function asked(target: string, members: object = {}): object {
  return { target, resources: [{ resource: mail.identifier, scopes: ['read'] }], ttl_seconds: 300, ...members };
}

const delegate = (from: Agent, to: Agent, members: object = {}) =>
  post('/delegations', from.session_token, asked(to.id, members));
const scopes = async (by: SceneClient, agent: Agent, delegation?: string) =>
  (await scene.exchange(by, agent.session_token, { resource: mail.gateway_url, ...(delegation ? { delegation } : {}) }))
    .body;

describe('passing authority on', () => {
  it('answers the edge, by identifier, to both applications', async () => {
    const [from, to] = [await scene.session(token), await scene.session(helperToken)];
    const resources = [{ resource: mail.gateway_url, scopes: ['read'] }];
    const edge = created(await delegate(from, to, { resources, hops: 2 }));
    expect(edge).toMatchObject({
      status: 'active',
      source: from.id,
      target: to.id,
      source_application: owner.id,
      target_application: helper.id,
      parent: null,
      path: [edge.id],
      resources: [{ resource: mail.identifier, scopes: ['read'] }],
      hops_remaining: 2,
      spawned: false,
    });
    expect(Date.parse(edge.expires_at) - Date.parse(edge.created_at)).toBe(300_000);
    for (const bearer of [token, helperToken, to.session_token])
      expect(ok(await get(`/delegations/${edge.id}`, bearer))).toEqual(edge);
    expect(code(await get(`/delegations/${edge.id}`, strangerToken))).toEqual([404, 'not_found']);
    expect(await scene.entries(`type=delegation.created&delegation=${edge.id}`)).toHaveLength(1);
  });

  it('[T2] is a session’s act, to a live session, of what it holds, for no longer than it lasts', async () => {
    const from = await scene.session(token, { ttl_seconds: 600 });
    const to = await scene.session(helperToken);
    expect(code(await post('/delegations', token, asked(to.id)))).toEqual([403, 'access_denied']);
    expect(code(await delegate(from, { id: 'ses_none', session_token: '' }))).toEqual([404, 'not_found']);
    expect(code(await delegate(from, to, { resources: [{ resource: mail.identifier, scopes: ['delete'] }] }))).toEqual([
      403,
      'authority_exceeded',
    ]);
    expect(code(await delegate(from, to, { resources: [{ resource: files.identifier, scopes: ['read'] }] }))).toEqual([
      403,
      'authority_exceeded',
    ]);
    expect(
      code(await delegate(from, to, { resources: [{ resource: 'https://no.example', scopes: ['read'] }] })),
    ).toEqual([403, 'authority_exceeded']);
    expect(code(await delegate(from, to, { ttl_seconds: 3_600 }))).toEqual([403, 'authority_exceeded']);
    ok(await post(`/sessions/${to.id}/terminate`, helperToken));
    expect(code(await delegate(from, to))).toEqual([409, 'session_not_active']);
  });

  const twice = () => [0, 1].map(() => ({ resource: mail.identifier, scopes: ['read'] }));
  it.each([
    ['no target', () => ({ target: undefined })],
    ['no resources', () => ({ resources: [] })],
    ['a resource twice', () => ({ resources: twice() })],
    ['no TTL', () => ({ ttl_seconds: undefined })],
    ['eleven hops', () => ({ hops: 11 })],
    ['a constraint that is none', () => ({ constraints: { max_calls: 0 } })],
    ['an unknown constraint', () => ({ constraints: { color: 'red' } })],
    ['an unknown member', () => ({ admin: true })],
  ])('refuses %s', async (_name, members) => {
    const [from, to] = [await scene.session(token), await scene.session(helperToken)];
    expect(code(await delegate(from, to, members()))).toEqual([400, 'invalid_request']);
  });

  it('[T4] makes no loop', async () => {
    const [one, two, three] = [await scene.session(token), await scene.session(token), await scene.session(token)];
    created(await delegate(one, two, { hops: 3 }));
    created(await delegate(two, three, { hops: 2 }));
    expect(code(await delegate(one, one))).toEqual([409, 'delegation_cycle']);
    expect(code(await delegate(three, one))).toEqual([409, 'delegation_cycle']);
    const child = await scene.session(one.session_token);
    expect(code(await delegate(child, one))).toEqual([409, 'delegation_cycle']);
  });

  it('[T2] spends a hop with each edge, and the lower one holds no more than the upper', async () => {
    const [from, middle, last] = [
      await scene.session(token),
      await scene.session(helperToken, { authority: 'none' }),
      await scene.session(helperToken),
    ];
    const upper = created(await delegate(from, middle, { hops: 1 }));
    expect(code(await delegate(middle, last, { hops: 1 }))).toEqual([403, 'authority_exceeded']);
    expect(
      code(await delegate(middle, last, { resources: [{ resource: mail.identifier, scopes: ['write'] }] })),
    ).toEqual([403, 'authority_exceeded']);
    const lower = created(await delegate(middle, last));
    expect(lower).toMatchObject({ parent: upper.id, path: [upper.id, lower.id], hops_remaining: 0 });
    expect((await scopes(helper, last, lower.id)).scope).toBe('read');
    const end = await scene.session(helperToken);
    expect(code(await delegate(last, end))).toEqual([403, 'authority_exceeded']);
  });

  it('asks which delegation is passed on where several could be', async () => {
    const [a, b] = [await scene.session(token), await scene.session(token)];
    const [middle, last] = [await scene.session(helperToken, { authority: 'none' }), await scene.session(helperToken)];
    const [first, second] = [
      created(await delegate(a, middle, { hops: 1 })),
      created(await delegate(b, middle, { hops: 1 })),
    ];
    const answer = await delegate(middle, last);
    expect(code(answer)).toEqual([400, 'invalid_request']);
    expect(answer.body.errors[0].field).toBe('parent');
    expect(created(await delegate(middle, last, { parent: second.id })).path[0]).toBe(second.id);
    expect(code(await delegate(middle, last, { parent: 'del_none' }))).toEqual([403, 'authority_exceeded']);
    expect(first.id).not.toBe(second.id);
  });

  it('shows the graph: who, through which edges, what and why', async () => {
    const [from, to] = [await scene.session(token), await scene.session(helperToken)];
    const edge = created(await delegate(from, to));
    const graph = ok(await get(`/delegations/${edge.id}/graph`, helperToken));
    expect(graph.nodes).toEqual([
      { session: from.id, application: owner.id, status: 'active' },
      { session: to.id, application: helper.id, status: 'active' },
    ]);
    expect(graph.edges.map((item: { id: string }) => item.id)).toEqual([edge.id]);
    expect(graph.effective).toEqual([{ resource: mail.identifier, scopes: ['read'], expires_at: edge.expires_at }]);
    expect(graph.why.length).toBeGreaterThan(0);
    ok(await post(`/delegations/${edge.id}/revoke`, from.session_token));
    expect(ok(await get(`/delegations/${edge.id}/graph`, token)).effective).toEqual([]);
  });
});

describe('taking it back', () => {
  it('[T4] ends the edge and what was passed on from it, at once, and nothing else of the receiver', async () => {
    const [from, middle, last] = [
      await scene.session(token),
      await scene.session(helperToken),
      await scene.session(helperToken),
    ];
    const upper = created(await delegate(from, middle, { hops: 1 }));
    const lower = created(await delegate(middle, last));
    const mandate = (await scopes(helper, last, lower.id)).access_token;
    expect(code(await post(`/delegations/${upper.id}/revoke`, helperToken))).toEqual([403, 'access_denied']);
    expect(code(await post(`/delegations/${upper.id}/revoke`, middle.session_token))).toEqual([403, 'access_denied']);
    expect(code(await post(`/delegations/${upper.id}/revoke`, strangerToken))).toEqual([404, 'not_found']);
    const revoked = ok(await post(`/delegations/${upper.id}/revoke`, from.session_token));
    expect(revoked).toMatchObject({ status: 'revoked', ended_at: expect.any(String) });
    expect(ok(await post(`/delegations/${upper.id}/revoke`, from.session_token))).toMatchObject({
      id: upper.id,
      status: 'revoked',
    });
    expect(ok(await get(`/delegations/${lower.id}`, helperToken)).status).toBe('revoked');
    expect((await scopes(helper, last, lower.id)).error).toBe('invalid_request');
    expect(ok(await scene.oauth('introspect', { token: mandate }, helper))).toEqual({ active: false });
    for (const session of [middle, last])
      expect(ok(await get(`/sessions/${session.id}`, session.session_token)).status).toBe('active');
    expect(await scene.entries(`type=delegation.revoked&delegation=${upper.id}`)).toHaveLength(1);
  });

  it('ends the sessions that received it when asked', async () => {
    const [from, middle, last, bystander] = [
      await scene.session(token),
      await scene.session(helperToken),
      await scene.session(helperToken),
      await scene.session(helperToken),
    ];
    const upper = created(await delegate(from, middle, { hops: 1 }));
    created(await delegate(middle, last));
    ok(await post(`/delegations/${upper.id}/revoke`, token, { terminate_targets: true }));
    for (const session of [middle, last])
      expect((await get(`/sessions/${session.id}`, session.session_token)).status).toBe(401);
    expect((await get(`/sessions/${bystander.id}`, bystander.session_token)).status).toBe(200);
    expect(ok(await get(`/sessions/${last.id}`, helperToken))).toMatchObject({
      status: 'terminated',
      end_reason: 'delegation_revoked',
    });
  });

  it('[T4] the end of the session that passed it on ends what was passed on', async () => {
    const [from, to] = [await scene.session(token), await scene.session(helperToken)];
    const edge = created(await delegate(from, to));
    const mandate = (await scopes(helper, to, edge.id)).access_token;
    ok(await post(`/sessions/${from.id}/terminate`, token));
    expect(ok(await scene.oauth('introspect', { token: mandate }, helper))).toEqual({ active: false });
    expect((await scopes(helper, to, edge.id)).error).toBe('invalid_request');
  });

  it('[T8] delegations of one session are limited', async () => {
    const small = await OAuthScene.open(app);
    const etag = (await app.admin('GET', `/v1/zones/${small.zone}`)).headers.get('etag') ?? '';
    ok(
      await app.admin(
        'PATCH',
        `/v1/zones/${small.zone}`,
        { limits: { delegations_per_session: 1 } },
        { 'if-match': etag },
      ),
    );
    const client = await small.client();
    const calendar = await small.resource(['read']);
    await small.grant(client, calendar, ['read']);
    const bearer = await small.applicationToken(client);
    const [from, to] = [await small.session(bearer), await small.session(bearer)];
    const body = { target: to.id, resources: [{ resource: calendar.identifier, scopes: ['read'] }], ttl_seconds: 60 };
    created(await small.runtime('POST', '/delegations', from.session_token, body));
    const answer = await small.runtime('POST', '/delegations', from.session_token, body);
    expect([answer.status, answer.body.limit]).toEqual([429, 'delegations_per_session']);
  });
});
