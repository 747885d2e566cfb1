import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSource } from 'eventsource';
import { startTestApp, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import { OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let app: TestApp;
let other: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let api: SceneResource;

beforeAll(async () => {
  app = await startTestApp({ PUBLIC_URL: 'https://caracal.example' });
  other = await app.replica();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  api = await scene.resource(['write']);
  await scene.grant(client, api, ['write']);
  await activate(scene, PERMIT, needs('operator', 'write'));
}, 60_000);
afterAll(() => app.close());

interface Seen {
  readonly type: string;
  readonly id: string;
}

/** Reads a stream until `count` events about an approval have come. */
function follow(base: string): { until: (id: string, count: number) => Promise<readonly string[]>; close: () => void } {
  const seen: Seen[] = [];
  let wake: () => void = () => undefined;
  const source = new EventSource(`${base}/v1/zones/${scene.zone}/approvals/stream`, {
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${app.adminToken}` } }),
  });
  for (const type of ['approval.requested', 'approval.decided', 'approval.consumed', 'approval.expired'])
    source.addEventListener(type, ({ data }) => {
      seen.push({ type, id: (JSON.parse(data as string) as { id: string }).id });
      wake();
    });
  return {
    until: async (id, count) => {
      const mine = (): readonly string[] => seen.filter((one) => one.id === id).map(({ type }) => type);
      while (mine().length < count) await new Promise<void>((resolve) => (wake = resolve));
      return mine();
    },
    close: () => source.close(),
  };
}

const ask = async (session: { session_token: string }, fields = {}) =>
  scene.exchange(client, session.session_token, { resource: api.gateway_url, scope: 'write', ...fields });

describe('the stream of approvals', () => {
  it('tells of what waits and of every step, also of what another replica does', async () => {
    const session = await scene.session(await scene.applicationToken(client));
    const { id } = (await ask(session)).body.approval;
    const here = follow(app.url);
    const there = follow(other.url);
    expect(await here.until(id, 1)).toEqual(['approval.requested']);
    expect(await there.until(id, 1)).toEqual(['approval.requested']);
    ok(await other.admin('POST', `/v1/zones/${scene.zone}/approvals/${id}/approve`, {}));
    // A reader gets what stands when it is told: two steps at once may be told as the second one.
    for (const stream of [here, there]) expect((await stream.until(id, 2))[1]).toBe('approval.decided');
    ok(await ask(session, { approval: id }));
    for (const stream of [here, there])
      expect((await stream.until(id, 3)).slice(0, 3)).toEqual([
        'approval.requested',
        'approval.decided',
        'approval.consumed',
      ]);
    here.close();
    there.close();
  });

  it('[T1] is for administrators of the zone', async () => {
    const path = `${app.url}/v1/zones/${scene.zone}/approvals/stream`;
    expect((await fetch(path)).status).toBe(401);
    const deaf = await fetch(path, { headers: { authorization: `Bearer ${app.adminToken}` } });
    expect([deaf.status, ((await deaf.json()) as { code: string }).code]).toEqual([400, 'invalid_request']);
    const foreign = await OAuthScene.open(app);
    const { body } = await app.admin('POST', '/v1/admin-tokens', {
      name: 'x',
      capabilities: ['read'],
      zones: [foreign.zone],
    });
    expect((await fetch(path, { headers: { authorization: `Bearer ${body.token}` } })).status).toBe(404);
  });
});
