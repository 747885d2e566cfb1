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
});
afterAll(() => app.close());

interface Seen {
  readonly type: string;
  readonly id: string;
  readonly status: string;
  /** The id of the event. */
  readonly at: string;
}

/** Reads a stream until `count` events about an approval have come. */
function follow(base: string, lastEventId?: string) {
  const seen: Seen[] = [];
  const headers = {
    authorization: `Bearer ${app.adminToken}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  let wake: () => void = () => undefined;
  const source = new EventSource(`${base}/v1/zones/${scene.zone}/approvals/stream`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }),
  });
  for (const type of ['approval.requested', 'approval.decided', 'approval.consumed', 'approval.expired'])
    source.addEventListener(type, ({ data, lastEventId: at }) => {
      const { id, status } = JSON.parse(data as string) as Pick<Seen, 'id' | 'status'>;
      seen.push({ type, id, status, at });
      wake();
    });
  return {
    until: async (id: string, count: number): Promise<readonly Seen[]> => {
      const mine = (): readonly Seen[] => seen.filter((one) => one.id === id);
      while (mine().length < count) await new Promise<void>((resolve) => (wake = resolve));
      return mine();
    },
    all: (): readonly Seen[] => seen,
    close: () => source.close(),
  };
}

const ask = async (session: { session_token: string }, fields = {}) =>
  scene.exchange(client, session.session_token, { resource: api.gateway_url, scope: 'write', ...fields });

describe('the stream of approvals', () => {
  it('tells of what waits and of every step, also of what another replica does', async () => {
    const session = await scene.session(await scene.applicationToken(client));
    const { id } = (await ask(session)).body.approval;
    const streams = [follow(app.url), follow(other.url)];
    for (const stream of streams)
      expect(await stream.until(id, 1)).toMatchObject([{ type: 'approval.requested', status: 'pending' }]);
    ok(await other.admin('POST', `/v1/zones/${scene.zone}/approvals/${id}/approve`, {}));
    ok(await ask(session, { approval: id }));
    const steps = [
      ['approval.requested', 'pending'],
      ['approval.decided', 'approved'],
      ['approval.consumed', 'consumed'],
    ];
    for (const stream of streams)
      expect((await stream.until(id, 3)).map(({ type, status }) => [type, status])).toEqual(steps);
    for (const stream of streams) stream.close();
  });

  it('tells quick steps one by one, each as it was, and goes on from the last one that was read', async () => {
    const session = await scene.session(await scene.applicationToken(client));
    const first = follow(app.url);
    const ids: string[] = [];
    // One after the other without a pause: whoever looked at the hold would see its last step only.
    for (let turn = 0; turn < 5; turn += 1) {
      const { id } = (await ask(session)).body.approval;
      ids.push(id);
      ok(await app.admin('POST', `/v1/zones/${scene.zone}/approvals/${id}/approve`, {}));
      ok(await ask(session, { approval: id }));
    }
    const last = await first.until(ids.at(-1) as string, 3);
    const told = first.all().filter(({ id }) => ids.includes(id));
    expect(told.map(({ id, status }) => [id, status])).toEqual(
      ids.flatMap((id) => ['pending', 'approved', 'consumed'].map((status) => [id, status])),
    );
    const indices = told.map(({ at }) => Number(at)).filter((at) => !Number.isNaN(at));
    expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b));
    first.close();
    // Cut after the second hold: every later step comes, none of the earlier ones, from any replica.
    const cut = told[5] as Seen;
    const second = follow(other.url, cut.at);
    await second.until(ids.at(-1) as string, 3);
    expect(second.all().filter(({ id }) => ids.includes(id))).toEqual(told.slice(6));
    expect(last.at(-1)?.status).toBe('consumed');
    second.close();
    const headers = { authorization: `Bearer ${app.adminToken}`, accept: 'text/event-stream', 'last-event-id': 'x' };
    expect((await fetch(`${app.url}/v1/zones/${scene.zone}/approvals/stream`, { headers })).status).toBe(400);
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
