import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { addResource, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { OAuthScene, ok } from '../support/oauth-scene.js';

let app: TestApp;
let upstream: Upstream;

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => void request.resume().on('end', () => response.end('{}')));
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

const code = ({ status, body }: TestAnswer) => [status, body.code] as const;

/** A zone with these settings, and an application in it. */
async function zoneWith(settings: object) {
  const scene = await OAuthScene.open(app);
  const etag = (await scene.admin('GET', '')).headers.get('etag') ?? '';
  ok(await scene.admin('PATCH', '', settings, { 'if-match': etag }));
  const owner = await scene.client();
  const token = await scene.applicationToken(owner);
  const post = (path: string, bearer: string, body: object = {}) => scene.runtime('POST', path, bearer, body);
  const spawn = (bearer: string) => post('/sessions', bearer, { lifecycle: 'task' });
  const status = async (id: string) => ok(await scene.runtime('GET', `/sessions/${id}`, token));
  return { scene, owner, token, post, spawn, status };
}

describe('a tree that runs away', () => {
  it.each([
    ['spawns_per_minute', { spawns_per_minute: 3 }],
    ['fan_out', { fan_out: 2 }],
  ])('[T8] is suspended with %s for a reason, and an administrator resumes it', async (name, breaker) => {
    const { scene, token, post, spawn, status } = await zoneWith({ breaker });
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const other = await scene.session(token);
    await scene.session(root.session_token);
    const refused = await spawn(root.session_token);
    expect([...code(refused), refused.body.limit]).toEqual([429, 'limit_exceeded', `breaker.${name}`]);
    expect(await status(root.id)).toMatchObject({ status: 'suspended', suspend_reason: `breaker:${name}` });
    expect((await status(child.id)).status).toBe('suspended');
    expect((await status(other.id)).status).toBe('active');
    expect(code(await spawn(child.session_token))).toEqual([409, 'session_not_active']);
    expect(code(await post(`/sessions/${root.id}/resume`, token))).toEqual([403, 'access_denied']);
    const resumed = await scene.admin('POST', `/sessions/${root.id}/resume`, { reason: 'looked at' });
    expect(ok(resumed)).toMatchObject({ status: 'active', generation: 2 });
    expect((await status(child.id)).status).toBe('active');
    const news = await scene.entries(`session=${root.id}`);
    expect(news.map(({ entry }) => entry['type'])).toEqual(
      expect.arrayContaining(['session.suspended', 'session.resumed']),
    );
  });

  it('[T8] is suspended when it goes too deep', async () => {
    const { scene, token, spawn, status } = await zoneWith({ breaker: { depth: 1 } });
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    expect((await spawn(child.session_token)).body.limit).toBe('breaker.depth');
    expect((await status(root.id)).status).toBe('suspended');
  });

  it.each([
    ['calls_per_minute', { calls_per_minute: 4 }, '/ok', 200],
    ['refusals_per_minute', { refusals_per_minute: 4 }, '/no', 403],
  ])('[T8] is suspended with %s at the gateway', async (name, breaker, path, answer) => {
    const { scene, owner, token, status } = await zoneWith({ breaker });
    const members = { operations: [{ method: 'GET', path: '/ok', scope: 'use' }] };
    const gateway = await addResource(scene, owner, { upstream: upstream.url, members });
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const exchange = await scene.exchange(owner, child.session_token, { resource: gateway.resource.gateway_url });
    const mandate = ok(exchange).access_token;
    for (let n = 0; n < 5; n += 1) expect((await gateway.get(path, { token: mandate })).status).toBe(answer);
    let last: Response | undefined;
    for (let n = 0; n < 100 && last?.status !== 401; n += 1) last = await gateway.get(path, { token: mandate });
    expect(last?.headers.get('caracal-error')).toBe('revoked');
    expect(await status(root.id)).toMatchObject({ status: 'suspended', suspend_reason: `breaker:${name}` });
  });
});

describe('an administrator', () => {
  it('suspends and resumes a session, with entries of both', async () => {
    const { scene, token, post } = await zoneWith({});
    const session = await scene.session(token, { lifecycle: 'service' });
    const act = (what: string, body: object = {}) => scene.admin('POST', `/sessions/${session.id}/${what}`, body);
    expect(code(await act('resume'))).toEqual([409, 'invalid_transition']);
    expect(ok(await act('suspend', { reason: 'odd' }))).toMatchObject({ status: 'suspended', suspend_reason: 'odd' });
    expect(code(await act('suspend'))).toEqual([409, 'invalid_transition']);
    expect(ok(await act('resume'))).toMatchObject({ status: 'active', generation: 2 });
    expect(code(await post(`/sessions/${session.id}/heartbeat`, token, { generation: 1 }))).toEqual([
      409,
      'lease_lost',
    ]);
    ok(await act('terminate'));
    expect(code(await act('resume'))).toEqual([409, 'session_not_active']);
    expect(code(await scene.admin('POST', '/sessions/ses_nobody/suspend', {}))).toEqual([404, 'not_found']);
    const types = ['admin.sessions.suspend', 'admin.sessions.resume'];
    for (const type of types) expect(await scene.entries(`type=${type}`)).toHaveLength(1);
  });
});

describe('what an administrator has suspended', () => {
  it('[T4] is not for the session or its application to resume, whoever suspended it first', async () => {
    const { scene, token, post, status } = await zoneWith({});
    const session = await scene.session(token);
    const act = (what: string) => scene.admin('POST', `/sessions/${session.id}/${what}`, {});
    ok(await post(`/sessions/${session.id}/suspend`, token));
    ok(await act('suspend'));
    for (const bearer of [token, session.session_token])
      expect(code(await post(`/sessions/${session.id}/resume`, bearer))).toEqual([403, 'access_denied']);
    expect(await status(session.id)).toMatchObject({ status: 'suspended', generation: 1 });
    ok(await act('resume'));
    ok(await post(`/sessions/${session.id}/suspend`, token, { reason: 'breaker:depth' }));
    expect(ok(await post(`/sessions/${session.id}/resume`, session.session_token)).generation).toBe(3);
  });
});

describe('a sponsor', () => {
  it('answers for a session and all below it, where the zone asks for one', async () => {
    const { scene, token, post, spawn } = await zoneWith({ sponsor: 'required' });
    expect(code(await spawn(token))).toEqual([400, 'invalid_request']);
    const root = await scene.session(token, { sponsor: 'Ada Lovelace' });
    expect(root).toMatchObject({ sponsor: 'Ada Lovelace' });
    expect(await scene.session(root.session_token)).toMatchObject({ sponsor: 'Ada Lovelace' });
    const changed = { lifecycle: 'task', sponsor: 'Somebody else' };
    expect(code(await post('/sessions', root.session_token, changed))).toEqual([400, 'invalid_request']);
    const [started] = await scene.entries(`type=session.started&session=${root.id}`);
    expect(started?.entry['detail']).toMatchObject({ sponsor: 'Ada Lovelace' });
  });
});

describe('a blueprint', () => {
  it('says what sessions are like when nobody asks, and what none goes beyond', async () => {
    const { scene } = await zoneWith({});
    const blueprint = { labels: ['blue'], ttl_seconds: 600, lease_seconds: 30, max_ttl_seconds: 900 };
    const made = { allowed_labels: ['blue', 'green'], blueprint };
    const owner = await scene.client(made);
    const path = `/applications/${owner.id}`;
    const shown = await scene.admin('GET', path);
    expect(shown.body.blueprint).toEqual(blueprint);
    const token = await scene.applicationToken(owner);
    const start = (body: object, bearer = token) =>
      scene.runtime('POST', '/sessions', bearer, { lifecycle: 'task', ...body });
    const lasts = ({ body }: TestAnswer) => (Date.parse(body.expires_at) - Date.parse(body.started_at)) / 1000;
    const root = await start({});
    expect([root.body.labels, lasts(root)]).toEqual([['blue'], 600]);
    const child = await start({}, root.body.session_token);
    expect([child.body.labels, lasts(child) <= 600]).toEqual([[], true]);
    expect((await start({ labels: [] })).body.labels).toEqual([]);
    expect(lasts(await start({ ttl_seconds: 900 }))).toBe(900);
    expect(code(await start({ ttl_seconds: 1_000 }))).toEqual([403, 'authority_exceeded']);
    const service = await start({ lifecycle: 'service' });
    expect(lasts(service)).toBe(900);
    expect(Date.parse(service.body.lease_expires_at) - Date.parse(service.body.started_at)).toBe(30_000);

    const match = { 'if-match': shown.headers.get('etag') ?? '' };
    for (const bad of [{ labels: ['red'] }, { ttl_seconds: 2, max_ttl_seconds: 1 }, { color: 1 }, { resources: ['x'] }])
      expect(code(await scene.admin('PATCH', path, { blueprint: bad }, match))).toEqual([400, 'invalid_request']);
    const cleared = ok(await scene.admin('PATCH', path, { blueprint: null }, match));
    expect(cleared.blueprint).toEqual({});
    expect(lasts(await start({}))).toBe(3_600);
  });

  it('[T2] bounds the resources of every session, also of what is delegated to one', async () => {
    const { scene } = await zoneWith({});
    const [mail, files] = [await scene.resource(['use']), await scene.resource(['use'])];
    const owner = await scene.client();
    const worker = await scene.client({ blueprint: { resources: [mail.id] } });
    for (const client of [owner, worker])
      for (const resource of [mail, files]) await scene.grant(client, resource, ['use']);
    const boss = await scene.session(await scene.applicationToken(owner));
    const session = await scene.session(await scene.applicationToken(worker));
    const exchange = async (resource: typeof mail, more: Record<string, string> = {}) =>
      (await scene.exchange(worker, session.session_token, { resource: resource.gateway_url, ...more })).body.error;
    expect(await exchange(mail)).toBeUndefined();
    expect(await exchange(files)).toBe('invalid_target');
    const passOn = (from: string, target: string, resource: typeof mail) =>
      scene.runtime('POST', '/delegations', from, {
        target,
        resources: [{ resource: resource.identifier, scopes: ['use'] }],
        ttl_seconds: 60,
      });
    const given = await passOn(boss.session_token, session.id, files);
    expect(given.status).toBe(201);
    expect(await exchange(files, { delegation: given.body.id })).toBe('invalid_target');
    expect(code(await passOn(session.session_token, boss.id, files))).toEqual([403, 'authority_exceeded']);
  });
});
