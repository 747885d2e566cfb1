import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let stranger: SceneClient;
let mail: SceneResource;
let token: string;
let strangerToken: string;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  owner = await scene.client({ allowed_labels: ['blue', 'green'] });
  stranger = await scene.client();
  mail = await scene.resource(['read', 'write', 'delete']);
  await scene.grant(owner, mail, ['read', 'write']);
  token = await scene.applicationToken(owner);
  strangerToken = await scene.applicationToken(stranger);
});

afterAll(() => app.close());

const post = (path: string, bearer: string, body: unknown = {}) => scene.runtime('POST', path, bearer, body);
const get = (path: string, bearer: string) => scene.runtime('GET', path, bearer);
const task = (members: object = {}) => ({ lifecycle: 'task', ...members });
const code = ({ status, body }: TestAnswer) => [status, body.code] as const;
const narrow = (scopes: readonly string[], members: object = {}) => ({
  narrow: { resources: [{ resource: mail.identifier, scopes }], ...members },
});

describe('ending a session', () => {
  it('[T4] ends its subtree at once, and nothing else', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const grand = await scene.session(child.session_token);
    const sibling = await scene.session(root.session_token);
    const mandate = ok(await scene.exchange(owner, grand.session_token, { resource: mail.gateway_url })).access_token;
    const ended = ok(await post(`/sessions/${child.id}/terminate`, token, { reason: 'enough' }));
    expect(ended).toMatchObject({
      id: child.id,
      status: 'terminated',
      end_reason: 'enough',
      ended_at: expect.any(String),
    });
    expect((await get(`/sessions/${grand.id}`, grand.session_token)).status).toBe(401);
    expect((await scene.exchange(owner, grand.session_token, { resource: mail.gateway_url })).body.error).toBe(
      'invalid_request',
    );
    expect(ok(await scene.oauth('introspect', { token: mandate }, owner))).toEqual({ active: false });
    expect(ok(await get(`/sessions/${grand.id}`, token))).toMatchObject({
      status: 'terminated',
      end_reason: 'ancestor_ended',
    });
    expect(code(await post('/sessions', token, task({ parent: grand.id })))).toEqual([409, 'session_not_active']);
    expect(ok(await get(`/sessions/${sibling.id}`, sibling.session_token)).status).toBe('active');
    expect(ok(await post(`/sessions/${child.id}/terminate`, token))).toEqual(ended);
    expect(await scene.entries(`type=session.terminated&session=${child.id}`)).toHaveLength(1);
  });

  it('[T2] is for its application, itself and what is above it', async () => {
    const root = await scene.session(token);
    const [one, two] = [await scene.session(root.session_token), await scene.session(root.session_token)];
    expect(code(await post(`/sessions/${root.id}/terminate`, strangerToken))).toEqual([404, 'not_found']);
    expect(code(await post(`/sessions/${two.id}/terminate`, one.session_token))).toEqual([403, 'access_denied']);
    expect(code(await post(`/sessions/${root.id}/terminate`, one.session_token))).toEqual([403, 'access_denied']);
    ok(await post(`/sessions/${two.id}/terminate`, root.session_token));
    ok(await post(`/sessions/${one.id}/terminate`, one.session_token));
    expect((await get(`/sessions/${one.id}`, one.session_token)).status).toBe(401);
  });

  it('settles the rows below it from the outbox, each with its entry', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token, { authority: narrow(['read']) });
    ok(await post(`/sessions/${root.id}/terminate`, token));
    let entries: readonly unknown[] = [];
    for (let n = 0; n < 200 && entries.length === 0; n += 1) {
      await new Promise((done) => setTimeout(done, 50));
      entries = await scene.entries(`type=session.terminated&session=${child.id}`);
    }
    expect(entries).toEqual([
      expect.objectContaining({
        entry: expect.objectContaining({ actor: { kind: 'system' }, detail: { reason: 'ancestor_ended' } }),
      }),
    ]);
  });
});

describe('suspending a session', () => {
  it('[T3] refuses its token and all below until it is resumed, under a new generation', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    expect(ok(await post(`/sessions/${root.id}/suspend`, token, { reason: 'odd' }))).toMatchObject({
      status: 'suspended',
      suspend_reason: 'odd',
    });
    expect(ok(await get(`/sessions/${child.id}`, token))).toMatchObject({
      status: 'suspended',
      suspend_reason: 'ancestor_suspended',
    });
    for (const session of [root, child]) {
      expect((await scene.exchange(owner, session.session_token, { resource: mail.gateway_url })).body.error).toBe(
        'invalid_request',
      );
      expect(code(await post('/sessions', session.session_token, task()))).toEqual([409, 'session_not_active']);
      expect(code(await post(`/sessions/${session.id}/token`, token))).toEqual([409, 'session_not_active']);
    }
    expect(code(await post(`/sessions/${root.id}/suspend`, token))).toEqual([409, 'invalid_transition']);
    expect(code(await post(`/sessions/${child.id}/resume`, token))).toEqual([409, 'session_not_active']);
    expect(ok(await get(`/sessions/${root.id}`, root.session_token)).status).toBe('suspended');
    expect(ok(await post(`/sessions/${root.id}/resume`, root.session_token))).toMatchObject({
      status: 'active',
      generation: 2,
    });
    expect(ok(await scene.exchange(owner, child.session_token, { resource: mail.gateway_url })).scope).toBe(
      'read write',
    );
    expect(code(await post(`/sessions/${root.id}/resume`, token))).toEqual([409, 'invalid_transition']);
    ok(await post(`/sessions/${root.id}/terminate`, token));
    for (const act of ['suspend', 'resume'])
      expect(code(await post(`/sessions/${root.id}/${act}`, token))).toEqual([409, 'session_not_active']);
    const news = (await scene.entries(`session=${root.id}`)).map(({ entry }) => entry['type']);
    expect(news.filter((type) => String(type).startsWith('session.'))).toEqual([
      'session.started',
      'session.suspended',
      'session.resumed',
      'session.terminated',
    ]);
  });

  it('[T4] lets none go on below one that is suspended, whatever the suspension was called', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    ok(await post(`/sessions/${child.id}/suspend`, token, { reason: 'ancestor_suspended' }));
    ok(await post(`/sessions/${root.id}/suspend`, token));
    expect(code(await post(`/sessions/${child.id}/resume`, token))).toEqual([409, 'session_not_active']);
    ok(await post(`/sessions/${root.id}/resume`, token));
    expect(ok(await get(`/sessions/${child.id}`, token)).status).toBe('suspended');
    expect(ok(await post(`/sessions/${child.id}/resume`, token))).toMatchObject({ status: 'active', generation: 2 });
  });
});

describe('services', () => {
  it('live by heartbeat under one generation', async () => {
    const service = created(await post('/sessions', token, { lifecycle: 'service', lease_seconds: 30 }));
    expect(service).not.toHaveProperty('expires_at');
    expect(service.expires_in).toBeLessThanOrEqual(30);
    const beat = ok(await post(`/sessions/${service.id}/heartbeat`, service.session_token, { generation: 1 }));
    expect(beat).toEqual({ generation: 1, lease_expires_at: expect.any(String) });
    expect(Date.parse(beat.lease_expires_at)).toBeGreaterThanOrEqual(Date.parse(service.lease_expires_at));
    expect(ok(await get(`/sessions/${service.id}`, token)).lease_expires_at).toBe(beat.lease_expires_at);
    ok(await post(`/sessions/${service.id}/suspend`, token));
    expect(code(await post(`/sessions/${service.id}/heartbeat`, token, { generation: 1 }))).toEqual([
      409,
      'session_not_active',
    ]);
    const resumed = ok(await post(`/sessions/${service.id}/resume`, token));
    expect(resumed).toMatchObject({ generation: 2, lease_expires_at: expect.any(String) });
    expect(code(await post(`/sessions/${service.id}/heartbeat`, token, { generation: 1 }))).toEqual([
      409,
      'lease_lost',
    ]);
    ok(await post(`/sessions/${service.id}/heartbeat`, token, { generation: 2 }));
  });

  it('are the only ones with a lease', async () => {
    const { id } = await scene.session(token);
    expect(code(await post(`/sessions/${id}/heartbeat`, token, { generation: 1 }))).toEqual([
      409,
      'invalid_transition',
    ]);
    for (const body of [{}, { generation: '1' }, { generation: 0 }]) {
      expect(code(await post(`/sessions/${id}/heartbeat`, token, body))).toEqual([400, 'invalid_request']);
    }
  });
});

describe('refreshing a session token', () => {
  it('gives another one, to the session itself and to its application only', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const renewed = ok(await post(`/sessions/${root.id}/token`, root.session_token));
    expect(claimsOf(renewed.session_token)['jti']).not.toBe(claimsOf(root.session_token)['jti']);
    expect(claimsOf(renewed.session_token)['ptk']).toEqual(claimsOf(root.session_token)['ptk']);
    ok(await get(`/sessions/${root.id}`, renewed.session_token));
    expect(code(await post(`/sessions/${child.id}/token`, root.session_token))).toEqual([403, 'access_denied']);
    expect(code(await post(`/sessions/${root.id}/token`, strangerToken))).toEqual([404, 'not_found']);
    expect(await scene.entries(`type=session.token&session=${root.id}`)).toHaveLength(1);
  });

  it('[T2] what was obtained with a token ends with it', async () => {
    const short = await scene.applicationToken(owner);
    const root = await scene.session(short);
    const child = await scene.session(root.session_token);
    expect((await scene.oauth('revoke', { token: short }, owner)).status).toBe(200);
    for (const session of [root, child])
      expect((await get(`/sessions/${session.id}`, session.session_token)).status).toBe(401);
    const again = ok(await post(`/sessions/${root.id}/token`, token)).session_token;
    expect((await get(`/sessions/${root.id}`, again)).status).toBe(200);
  });
});

describe('limits', () => {
  it('[T8] of the zone and of the application are named when they are reached', async () => {
    const small = await OAuthScene.open(app);
    const zone = await app.admin('GET', `/v1/zones/${small.zone}`);
    const etag = { 'if-match': zone.headers.get('etag') ?? '' };
    ok(
      await app.admin(
        'PATCH',
        `/v1/zones/${small.zone}`,
        { limits: { children_per_session: 1, sessions_per_zone: 4 } },
        etag,
      ),
    );
    const client = await small.client({ limits: { sessions_per_application: 3 } });
    const bearer = await small.applicationToken(client);
    const root = await small.session(bearer);
    await small.session(bearer, { parent: root.id });
    const limitOf = async (by: string, body: object = {}) => {
      const answer = await small.runtime('POST', '/sessions', by, { lifecycle: 'task', ...body });
      return [answer.status, answer.body.limit];
    };
    expect(await limitOf(bearer, { parent: root.id })).toEqual([429, 'children_per_session']);
    await small.session(bearer);
    expect(await limitOf(bearer)).toEqual([429, 'sessions_per_application']);
    const other = await small.applicationToken(await small.client());
    await small.session(other);
    expect(await limitOf(other)).toEqual([429, 'sessions_per_zone']);
    ok(await small.runtime('POST', `/sessions/${root.id}/terminate`, bearer, {}));
    const next = await small.session(other);
    expect(next.id).toMatch(/^ses_/);
  });

  it('[T8] of starts in a minute hold for the application, ended sessions included', async () => {
    const small = await OAuthScene.open(app);
    const bearer = await small.applicationToken(await small.client({ limits: { spawn_per_minute: 2 } }));
    const first = await small.session(bearer);
    ok(await small.runtime('POST', `/sessions/${first.id}/terminate`, bearer, {}));
    await small.session(bearer);
    const answer = await small.runtime('POST', '/sessions', bearer, { lifecycle: 'task' });
    expect([answer.status, answer.body.limit, answer.headers.get('retry-after')]).toEqual([
      429,
      'spawn_per_minute',
      '60',
    ]);
  });
});
