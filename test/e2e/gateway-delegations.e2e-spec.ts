import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

interface Agent {
  readonly id: string;
  readonly session_token: string;
}

let app: TestApp;
let upstream: Upstream;
let scene: OAuthScene;
let owner: SceneClient;
let worker: SceneClient;
let gateway: GatewayScene;
let boss: Agent;

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json').end('{}');
  });
  scene = await OAuthScene.open(app);
  [owner, worker] = [await scene.client(), await scene.client()];
  gateway = await addResource(scene, owner, { upstream: upstream.url });
  boss = await scene.session(await scene.applicationToken(owner));
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

const delegate = async (from: Agent, to: Agent, members: object) =>
  created(
    await scene.runtime('POST', '/delegations', from.session_token, {
      target: to.id,
      resources: [{ resource: gateway.resource.identifier, scopes: ['use'] }],
      ttl_seconds: 600,
      ...members,
    }),
  );
const agent = async (client: SceneClient = worker) => scene.session(await scene.applicationToken(client));
const exchange = (to: Agent, delegation: string, client = worker) =>
  scene.exchange(client, to.session_token, { resource: gateway.resource.gateway_url, delegation });
const use = (token: string, path: string, init: RequestInit = {}) => gateway.get(path, { ...init, token });
const verdict = (response: Response) => [response.status, response.headers.get('caracal-error')] as const;

/** A mandate under a fresh delegation with these constraints. */
async function under(constraints: object): Promise<{ token: string; to: Agent; id: string }> {
  const to = await agent();
  const { id } = await delegate(boss, to, { constraints });
  return { token: ok(await exchange(to, id)).access_token, to, id };
}

describe('operations of a delegation', () => {
  it('[T3] are all that it may be used for, at every call', async () => {
    const { token, id } = await under({ operations: [{ method: 'GET', path: '/tickets/{id}' }] });
    expect((await use(token, '/tickets/42')).status).toBe(200);
    for (const [path, init] of [
      ['/tickets', {}],
      ['/tickets/42/notes', {}],
      ['/tickets/42', { method: 'POST', body: '{}' }],
    ] as const)
      expect(verdict(await use(token, path, init))).toEqual([403, 'operation_not_permitted']);
    const entries = await scene.entries(`delegation=${id}&decision=deny`);
    expect(entries.map(({ entry }) => entry['reasons'])).toContainEqual(['delegation_operations']);
  });

  it('[T2] meet along the way, and show in the graph', async () => {
    const middle = await agent();
    const upper = await delegate(boss, middle, {
      hops: 1,
      constraints: { operations: [{ method: 'GET', path: '/a/**' }] },
    });
    const last = await agent();
    const lower = await delegate(middle, last, {
      constraints: { operations: [{ method: '*', path: '/a/b' }], max_calls: 9 },
    });
    expect(lower.path).toEqual([upper.id, lower.id]);
    const token = ok(await exchange(last, lower.id)).access_token;
    expect((await use(token, '/a/b')).status).toBe(200);
    expect(verdict(await use(token, '/a/c'))).toEqual([403, 'operation_not_permitted']);
    expect(verdict(await use(token, '/a/b', { method: 'POST' }))).toEqual([403, 'operation_not_permitted']);
    const graph = ok(await scene.runtime('GET', `/delegations/${lower.id}/graph`, last.session_token));
    expect(graph.why.join('\n')).toMatch(/only for \* \/a\/b, for at most 9 calls/);
  });
});

describe('a delegation that begins later', () => {
  it('[T2] can be used for nothing before', async () => {
    const to = await agent();
    const at = new Date(Date.now() + 300_000).toISOString();
    const { id } = await delegate(boss, to, { constraints: { not_before: at } });
    expect((await exchange(to, id)).body.error).toBe('invalid_request');
  });
});

describe('calls of a delegation', () => {
  it('[T4] are counted in the commit of their entries: many at once are never more', async () => {
    const { token, id } = await under({ max_calls: 7 });
    const answers = await Promise.all(Array.from({ length: 24 }, () => use(token, '/x')));
    const refused = answers.filter((answer) => answer.status !== 200);
    expect(answers.length - refused.length).toBe(7);
    expect(new Set(refused.map((answer) => verdict(answer).join(' ')))).toEqual(new Set(['403 access_denied']));
    const entries = await scene.entries(`delegation=${id}&type=gateway.request`);
    expect(entries.filter(({ entry }) => entry['decision'] === 'allow')).toHaveLength(7);
    expect(entries.filter(({ entry }) => String(entry['reasons']) === 'budget_exhausted')).toHaveLength(17);
  });

  it('[T4] are counted for everything passed on from it, and a fresh mandate begins no new count', async () => {
    const middle = await agent();
    const upper = await delegate(boss, middle, { hops: 1, constraints: { max_calls: 3 } });
    const last = await agent();
    const lower = await delegate(middle, last, { constraints: { max_calls: 2 } });
    const [one, two] = [
      ok(await exchange(middle, upper.id)).access_token,
      ok(await exchange(last, lower.id)).access_token,
    ];
    for (const [token, status] of [
      [two, 200],
      [two, 200],
      [two, 403],
      [one, 200],
      [one, 403],
    ] as const)
      expect((await use(token, '/x')).status).toBe(status);
    const again = ok(await exchange(middle, upper.id)).access_token;
    expect((await use(again, '/x')).status).toBe(403);
  });

  it('are given back when nothing was sent', async () => {
    const dead = await startUpstream(() => undefined);
    await dead.close();
    const down = await addResource(scene, owner, { upstream: dead.url });
    const to = await agent();
    const resources = [{ resource: down.resource.identifier, scopes: ['use'] }];
    const { id } = await delegate(boss, to, { resources, constraints: { max_calls: 1 } });
    const token = ok(
      await scene.exchange(worker, to.session_token, { resource: down.resource.gateway_url, delegation: id }),
    ).access_token;
    for (let n = 0; n < 3; n += 1)
      expect(verdict(await down.get('/x', { token }))).toEqual([502, 'upstream_unavailable']);
  });

  it('[T2] cannot be counted where no gateway stands, so there is no mandate', async () => {
    const direct = await scene.resource(['use'], {
      enforcement: 'direct',
      operations: undefined,
      provider: undefined,
      upstream_url: undefined,
    });
    await scene.grant(owner, direct, ['use']);
    const to = await agent();
    const resources = [{ resource: direct.identifier, scopes: ['use'] }];
    for (const [constraints, error] of [
      [{ max_calls: 1 }, 'invalid_target'],
      [{ operations: [{ method: 'GET', path: '/' }] }, 'invalid_target'],
      [{}, undefined],
    ] as const) {
      const { id } = await delegate(boss, to, { resources, constraints });
      const answer = await scene.exchange(worker, to.session_token, { resource: direct.identifier, delegation: id });
      expect(answer.body.error).toBe(error);
    }
  });
});

describe('calls of a session', () => {
  const mandate = async (session: Agent, fields: Readonly<Record<string, string>> = {}, client = owner) =>
    scene.exchange(client, session.session_token, { resource: gateway.resource.gateway_url, ...fields });
  const root = async (body: object) => scene.session(await scene.applicationToken(owner), body);
  const statuses = async (tokens: readonly string[], each: number) =>
    Promise.all(tokens.flatMap((token) => Array.from({ length: each }, async () => (await use(token, '/x')).status)));

  it('[T3] are never more than its budget on any number of replicas, whatever tokens and children it makes', async () => {
    const other = await app.replica({ PUBLIC_URL: app.url });
    const session = await root({ max_calls: 5 });
    expect(session).toMatchObject({ max_calls: 5 });
    const child = await scene.session(session.session_token, {});
    const tokens = [
      ok(await mandate(session)).access_token,
      ok(await mandate(session)).access_token,
      ok(await mandate(child)).access_token,
    ];
    const elsewhere = tokens.map((token) =>
      fetch(`${gateway.resource.gateway_url.replace(app.url, other.url)}/x`, {
        headers: { authorization: `Bearer ${token}` },
      }).then(({ status }) => status),
    );
    const seen = [...(await statuses(tokens, 6)), ...(await Promise.all(elsewhere))];
    expect(seen.filter((status) => status === 200)).toHaveLength(5);
    const refused = await use(tokens[2] as string, '/x');
    expect([...verdict(refused), await refused.json()]).toEqual([
      403,
      'access_denied',
      expect.objectContaining({ reasons: ['budget_exhausted'] }),
    ]);
  });

  it('[T3] count those of whoever it delegated to, and its own budget is no one else’s', async () => {
    const [session, stranger] = [await root({ max_calls: 2 }), await root({})];
    const to = await agent();
    const { id } = await delegate(session, to, {});
    const passed = ok(await exchange(to, id)).access_token;
    expect(await statuses([passed], 2)).toEqual([200, 200]);
    expect(verdict(await use(ok(await mandate(session)).access_token, '/x'))).toEqual([403, 'access_denied']);
    expect(await statuses([ok(await mandate(stranger)).access_token], 3)).toEqual([200, 200, 200]);
  });

  it('[T3] and those of a child are both counted: the lower one ends first', async () => {
    const session = await root({ max_calls: 3 });
    const child = await scene.session(session.session_token, { max_calls: 1 });
    const [above, below] = [ok(await mandate(session)).access_token, ok(await mandate(child)).access_token];
    for (const [token, status] of [
      [below, 200],
      [below, 403],
      [above, 200],
      [above, 200],
      [above, 403],
    ] as const)
      expect((await use(token, '/x')).status).toBe(status);
  });

  it('[T8] are not spent by a call that found no room, and are given back by one that never left', async () => {
    const dead = await startUpstream(() => undefined);
    await dead.close();
    const down = await addResource(scene, owner, { upstream: dead.url });
    const session = await root({ max_calls: 1 });
    const to = { resource: down.resource.gateway_url };
    const token = ok(await mandate(session, to)).access_token;
    // Ten failures open the circuit; from then on nothing is asked for at all.
    for (let n = 0; n < 12; n += 1)
      expect(verdict(await down.get('/x', { token }))).toEqual([502, 'upstream_unavailable']);
    expect(await statuses([ok(await mandate(session)).access_token], 2)).toEqual(expect.arrayContaining([200, 403]));
  });

  it('[T2] are bounded by the blueprint, and cannot be counted where no gateway stands', async () => {
    const client = await scene.client({ blueprint: { max_calls: 4 } });
    const token = await scene.applicationToken(client);
    expect(await scene.session(token)).toMatchObject({ max_calls: 4 });
    expect(await scene.session(token, { max_calls: 3 })).toMatchObject({ max_calls: 3 });
    const more = await scene.runtime('POST', '/sessions', token, { lifecycle: 'task', max_calls: 5 });
    expect([more.status, more.body.code]).toEqual([403, 'authority_exceeded']);
    const none = await scene.runtime('POST', '/sessions', token, { lifecycle: 'task', max_calls: 0 });
    expect([none.status, none.body.code]).toEqual([400, 'invalid_request']);
    const direct = await scene.resource(['use'], {
      enforcement: 'direct',
      operations: undefined,
      provider: undefined,
      upstream_url: undefined,
    });
    await scene.grant(owner, direct, ['use']);
    const counted = await root({ max_calls: 9 });
    const answer = await scene.exchange(owner, counted.session_token, { resource: direct.identifier });
    expect(answer.body.error).toBe('invalid_target');
  });
});
