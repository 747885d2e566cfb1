import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

interface Actor {
  readonly client: SceneClient;
  readonly token: string;
  readonly id: string;
}

let app: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let helper: SceneClient;
let calendar: SceneResource;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  owner = await scene.client();
  helper = await scene.client();
  calendar = await scene.resource(['read', 'write']);
  await scene.grant(owner, calendar, ['read', 'write']);
});

afterAll(() => app.close());

async function actor(client: SceneClient, body: object = {}): Promise<Actor> {
  const session = await scene.session(await scene.applicationToken(client), body);
  return { client, token: session.session_token, id: session.id };
}

async function delegate(from: Actor, to: Actor, members: object = {}): Promise<string> {
  const body = {
    target: to.id,
    resources: [{ resource: calendar.identifier, scopes: ['read'] }],
    ttl_seconds: 600,
    ...members,
  };
  return created(await scene.runtime('POST', '/delegations', from.token, body)).id as string;
}

const exchange = (by: Actor, fields: Record<string, string> = {}) =>
  scene.exchange(by.client, by.token, { resource: calendar.gateway_url, ...fields });

describe('exchange under a delegation across applications', () => {
  it('[T2] must present it; then the subject is the root’s and the path is told', async () => {
    const [from, to] = [await actor(owner), await actor(helper)];
    const id = await delegate(from, to);
    expect((await exchange(to)).body.error).toBe('invalid_target');
    const answer = ok(await exchange(to, { delegation: id }));
    expect(answer.scope).toBe('read');
    expect(claimsOf(answer.access_token)).toMatchObject({
      sub: `app:${owner.id}`,
      client_id: helper.id,
      sid: to.id,
      dlg: id,
      dep: 1,
      act: { sub: `app:${helper.id}`, sid: to.id, act: { sub: `app:${owner.id}`, sid: from.id } },
    });
  });

  it('[T2] asking beyond the edge is invalid_scope', async () => {
    const [from, to] = [await actor(owner), await actor(helper)];
    const id = await delegate(from, to);
    expect((await exchange(to, { delegation: id, scope: 'write' })).body.error).toBe('invalid_scope');
  });

  it('[T2] a session that holds nothing and presents nothing is told so', async () => {
    const [from, to] = [await actor(owner), await actor(helper, { authority: 'none' })];
    await delegate(from, to);
    expect((await exchange(to)).body.error).toBe('invalid_request');
  });

  it('[T2] another session’s delegation, or an unknown one, is invalid_request', async () => {
    const [from, to, third] = [await actor(owner), await actor(helper), await actor(helper)];
    const id = await delegate(from, to);
    const foreign = await exchange(third, { delegation: id });
    const unknown = await exchange(to, { delegation: 'del_018f2f6e-7b3a-7c41-9d2e-0123456789ab' });
    expect(foreign.body.error).toBe('invalid_request');
    expect(unknown.body).toEqual(foreign.body);
  });

  it('[T2] revoking the edge ends exchange and tokens; nothing else of the receiver', async () => {
    const [from, to] = [await actor(owner), await actor(helper)];
    const id = await delegate(from, to);
    const mandate = ok(await exchange(to, { delegation: id })).access_token as string;
    expect((await scene.runtime('POST', `/delegations/${id}/revoke`, from.token, {})).status).toBe(200);
    expect((await exchange(to, { delegation: id })).body.error).toBe('invalid_request');
    expect(ok(await scene.oauth('introspect', { token: mandate }, helper))).toEqual({ active: false });
    expect(ok(await scene.oauth('introspect', { token: to.token }, helper))).toMatchObject({ active: true });
  });

  it('[T2] the end of the delegating session ends what was delegated', async () => {
    const [from, to] = [await actor(owner), await actor(helper)];
    const id = await delegate(from, to);
    const mandate = ok(await exchange(to, { delegation: id })).access_token as string;
    await scene.runtime('POST', `/sessions/${from.id}/terminate`, from.token, {});
    expect((await exchange(to, { delegation: id })).status).toBe(400);
    expect(ok(await scene.oauth('introspect', { token: mandate }, helper))).toEqual({ active: false });
  });

  it('[T2] the mandate ends no later than the edge', async () => {
    const [from, to] = [await actor(owner), await actor(helper)];
    const id = await delegate(from, to, { ttl_seconds: 60 });
    expect(ok(await exchange(to, { delegation: id, lifetime: '900' })).expires_in).toBeLessThanOrEqual(60);
  });

  it('[T2] a second edge needs a hop, and is bounded by the first', async () => {
    const [from, middle, to] = [await actor(owner), await actor(helper), await actor(owner, { authority: 'none' })];
    const first = await delegate(from, middle, { hops: 1 });
    const second = await delegate(middle, to, { parent: first, ttl_seconds: 300 });
    const claims = claimsOf(ok(await exchange(to, { delegation: second })).access_token);
    expect(claims).toMatchObject({
      dep: 2,
      dlg: second,
      sub: `app:${owner.id}`,
      act: { act: { act: { sid: from.id } } },
    });
    await scene.runtime('POST', `/delegations/${first}/revoke`, from.token, {});
    expect((await exchange(to, { delegation: second })).body.error).toBe('invalid_request');
  });

  it('[T2] withdrawing the owner’s grant empties the delegation', async () => {
    const [own, resource] = [await scene.client(), await scene.resource(['read'])];
    const grant = await scene.grant(own, resource, ['read']);
    const [from, to] = [await actor(own), await actor(helper)];
    const id = await delegate(from, to, { resources: [{ resource: resource.identifier, scopes: ['read'] }] });
    const ask = () => scene.exchange(helper, to.token, { resource: resource.gateway_url, delegation: id });
    expect((await ask()).status).toBe(200);
    await scene.admin('DELETE', `/grants/${grant}`, undefined, { 'if-match': '*' });
    expect((await ask()).body.error).toBe('invalid_target');
  });
});

describe('exchange under a delegation inside the application', () => {
  it('is implied when the session has exactly one', async () => {
    const [from, to] = [await actor(owner), await actor(owner, { authority: 'none' })];
    const id = await delegate(from, to);
    expect(claimsOf(ok(await exchange(to)).access_token)).toMatchObject({ dlg: id, dep: 1, sid: to.id });
  });

  it('must be presented when there are several', async () => {
    const [from, to] = [await actor(owner), await actor(owner, { authority: 'none' })];
    await delegate(from, to);
    const id = await delegate(from, to, { resources: [{ resource: calendar.identifier, scopes: ['write'] }] });
    expect((await exchange(to)).body.error).toBe('invalid_request');
    expect(ok(await exchange(to, { delegation: id })).scope).toBe('write');
  });
});
