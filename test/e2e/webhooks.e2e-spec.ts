import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { call, startTestApp, type TestAnswer, type TestApp, unique } from '../support/app.js';
import { opened } from '../support/log.js';
import { created, OAuthScene, ok } from '../support/oauth-scene.js';

interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly type: string;
  readonly zone: string;
  readonly data: Record<string, unknown>;
}

let app: TestApp;
let receiver: Server;
let base: string;
let received: Delivery[] = [];
/** Statuses to answer with, one after the other, by path; 204 when there are none left. */
let answers: Record<string, number[]> = {};

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const path = request.url ?? '';
      received.push({
        path,
        headers: request.headers,
        text,
        ...(JSON.parse(text) as Pick<Delivery, 'type' | 'zone' | 'data'>),
      });
      const status = answers[path]?.shift() ?? 204;
      response.writeHead(status, status === 302 ? { location: `${base}/elsewhere` } : {}).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  app = await startTestApp();
});

afterAll(async () => {
  await app.close();
  receiver.closeAllConnections();
  receiver.close();
});

beforeEach(() => {
  received = [];
  answers = {};
});

async function webhook(events: string[], zone?: string): Promise<{ id: string; secret: string; path: string }> {
  const path = `/${unique('hook')}`;
  const made = created(
    await app.admin('POST', '/v1/webhooks', { url: base + path, events, ...(zone ? { zone } : {}) }),
  );
  return { ...made, path };
}

/** The deliveries to a path, when there are so many. */
async function deliveries(path: string, count: number): Promise<Delivery[]> {
  for (let turn = 0; turn < 400; turn += 1) {
    const found = received.filter((one) => one.path === path);
    if (found.length >= count) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`only ${received.filter((one) => one.path === path).length} of ${count} deliveries came`);
}

async function deadLetters(): Promise<{ id: string; name: string; reason: string }[]> {
  for (let turn = 0; turn < 200; turn += 1) {
    const { items } = ok(await app.admin('GET', '/v1/dead-letters?queue=delivery'));
    if (items.length > 0) return items;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no dead letter came');
}

const as = (token: string, method: string, path: string, body?: unknown): Promise<TestAnswer> =>
  call(app.url, { method, path, body, headers: { authorization: `Bearer ${token}` } });

describe('webhooks', () => {
  it('are told of what they ask for, from now on, signed as Standard Webhooks say', async () => {
    const scene = await OAuthScene.open(app);
    await scene.client();
    const hook = await webhook(['admin.applications.create'], scene.zone);
    expect(hook.secret).toMatch(/^whsec_/);
    await scene.admin('POST', '/providers', { name: 'p', kind: 'none', config: {} });
    const { id } = created(await scene.admin('POST', '/applications', { name: 'Told of' }));
    const [delivery, ...others] = await deliveries(hook.path, 1);
    expect(others).toEqual([]);
    const body = new Webhook(hook.secret).verify(delivery?.text ?? '', delivery?.headers as Record<string, string>);
    expect(body).toMatchObject({
      type: 'admin.applications.create',
      zone: scene.zone,
      at: expect.any(String),
      data: { index: expect.any(Number), detail: { target: `application:${id}` } },
    });
  });

  it('without a zone are told of all, those made later from their first entry', async () => {
    const hook = await webhook(['admin.zones.create']);
    const { zone } = await OAuthScene.open(app);
    const [delivery] = await deliveries(hook.path, 1);
    expect(delivery).toMatchObject({ type: 'admin.zones.create', zone, data: { index: 0 } });
    await app.admin('DELETE', `/v1/webhooks/${hook.id}`, undefined, { 'if-match': '*' });
  });

  it('hand an assignee its work: it begins what it was told of, without having been told what it is', async () => {
    const scene = await OAuthScene.open(app);
    const token = await scene.applicationToken(await scene.client());
    const [boss, worker] = [await scene.session(token), await scene.session(token)];
    const hook = await webhook(['invocation.created', 'invocation.cancelled'], scene.zone);
    const order = { target: worker.id, deadline_seconds: 60, input: { secret: 'plan' } };
    const { id } = created(await scene.runtime('POST', '/invocations', boss.session_token, order));
    const [told] = await deliveries(hook.path, 1);
    new Webhook(hook.secret).verify(told?.text ?? '', told?.headers as Record<string, string>);
    expect(told).toMatchObject({ type: 'invocation.created', data: { detail: { invocation: id, target: worker.id } } });
    expect(told?.text).not.toContain('plan');
    expect(ok(await scene.runtime('POST', `/invocations/${id}/start`, worker.session_token))).toMatchObject({
      status: 'running',
      input: { secret: 'plan' },
    });
    ok(await scene.runtime('POST', `/invocations/${id}/cancel`, boss.session_token, {}));
    expect((await deliveries(hook.path, 2))[1]).toMatchObject({ type: 'invocation.cancelled' });
  });

  it('[T6] are told of checkpoints: an anchor outside, signed by the log and by the sender', async () => {
    const scene = await OAuthScene.open(app);
    const hook = await webhook(['ledger.checkpoint'], scene.zone);
    const every = await webhook(['*'], scene.zone);
    await scene.client();
    const [first] = await deliveries(hook.path, 1);
    new Webhook(hook.secret).verify(first?.text ?? '', first?.headers as Record<string, string>);
    const { log_vkey: vkey, log_origin: origin } = ok(await scene.admin('GET', ''));
    const { checkpoint, ...said } = first?.data as { checkpoint: string };
    const { size, root } = opened(checkpoint, vkey);
    expect(first).toMatchObject({ type: 'ledger.checkpoint', zone: scene.zone, at: expect.any(String) });
    expect(said).toEqual({ origin, size, root: root.toString('base64') });
    const head = opened(String((await scene.admin('GET', '/audit/checkpoint')).body), vkey);
    expect(head.size).toBeGreaterThanOrEqual(size);
    const told = await deliveries(every.path, 2);
    expect(told.filter(({ type }) => type === 'ledger.checkpoint')).toEqual([]);
  });

  it('try again under the same id until the receiver takes it, and follow no redirect', async () => {
    const scene = await OAuthScene.open(app);
    const hook = await webhook(['admin.applications.create'], scene.zone);
    answers[hook.path] = [500, 302];
    await scene.client();
    const tries = await deliveries(hook.path, 3);
    expect(new Set(tries.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const { text, headers } of tries) new Webhook(hook.secret).verify(text, headers as Record<string, string>);
    expect(received.filter(({ path }) => path === '/elsewhere')).toEqual([]);
  });

  it('[T7] whose receiver is gone leave a dead letter, which an administrator sends again or discards', async () => {
    const scene = await OAuthScene.open(app);
    const hook = await webhook(['admin.applications.create'], scene.zone);
    answers[hook.path] = [410, 204, 410];
    await scene.client();
    const [letter] = await deadLetters();
    expect(letter).toMatchObject({ queue: 'delivery', name: 'webhook', reason: 'receiver_gone', attempts: 1 });
    expect(Object.keys(letter ?? {}).sort()).toEqual(
      ['attempts', 'first_at', 'id', 'last_at', 'name', 'queue', 'reason', 'zone'].sort(),
    );
    ok(await app.admin('POST', `/v1/dead-letters/${letter?.id}/requeue`));
    const [first, second] = await deliveries(hook.path, 2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect((await app.admin('GET', `/v1/dead-letters/${letter?.id}`)).status).toBe(404);
    expect((await app.admin('POST', `/v1/dead-letters/${letter?.id}/requeue`)).status).toBe(404);
    await scene.client();
    const [next] = await deadLetters();
    expect((await app.admin('POST', `/v1/dead-letters/${next?.id}/discard`, {})).status).toBe(400);
    ok(await app.admin('POST', `/v1/dead-letters/${next?.id}/discard`, { reason: 'receiver was retired' }));
    expect(ok(await app.admin('GET', '/v1/dead-letters')).items).toEqual([]);
    const { items } = ok(await app.admin('GET', '/v1/admin-audit?action=dead_letters.discard'));
    expect(items[0]).toMatchObject({ target: `dead_letter:${next?.id}`, zone: null });
  });

  it('are told no more once they are archived', async () => {
    const scene = await OAuthScene.open(app);
    const [hook, other] = [await webhook(['*'], scene.zone), await webhook(['*'], scene.zone)];
    expect((await app.admin('DELETE', `/v1/webhooks/${hook.id}`, undefined, { 'if-match': '"1"' })).status).toBe(204);
    await scene.client();
    await deliveries(other.path, 2);
    expect(received.filter(({ path }) => path === hook.path)).toEqual([]);
    expect(ok(await app.admin('GET', `/v1/webhooks/${hook.id}`))).toMatchObject({ status: 'archived' });
  });

  it('change under their ETag, and never show their secret again', async () => {
    const scene = await OAuthScene.open(app);
    const body = { url: `${base}/x`, events: ['exchange'], zone: scene.zone };
    const key = { 'idempotency-key': `"${unique('key')}"` };
    const first = await app.admin('POST', '/v1/webhooks', body, key);
    expect(first.headers.get('location')).toBe(`/v1/webhooks/${first.body.id}`);
    const repeated = await app.admin('POST', '/v1/webhooks', body, key);
    expect(repeated.body).toMatchObject({ id: first.body.id, secret_shown: true });
    expect(repeated.body).not.toHaveProperty('secret');
    const path = `/v1/webhooks/${first.body.id}`;
    expect((await app.admin('GET', path)).body).not.toHaveProperty('secret');
    expect((await app.admin('PATCH', path, { events: ['*'] })).status).toBe(428);
    expect((await app.admin('PATCH', path, { events: ['*'] }, { 'if-match': '"9"' })).status).toBe(412);
    const etag = first.headers.get('etag') ?? '';
    expect(ok(await app.admin('PATCH', path, { events: ['*'] }, { 'if-match': etag }))).toMatchObject({
      events: ['*'],
    });
  });

  it('[T3] are not made for places that the server may not reach, nor for what can never be told', async () => {
    const make = (body: object) => app.admin('POST', '/v1/webhooks', { url: `${base}/x`, events: ['*'], ...body });
    for (const url of ['http://169.254.169.254/', 'https://10.0.0.1/', 'ftp://example.com/', `${app.url}/v1/zones`])
      expect((await make({ url })).body).toMatchObject({ code: 'egress_denied' });
    expect((await make({ events: ['sessions.ended'] })).body).toMatchObject({ errors: [{ field: 'events.0' }] });
    expect((await make({ events: [] })).status).toBe(400);
    expect((await make({ zone: 'no-such-zone' })).body).toMatchObject({ errors: [{ field: 'zone' }] });
  });

  it('[T12] and dead letters are for global tokens', async () => {
    const { zone } = await OAuthScene.open(app);
    const bound = created(
      await app.admin('POST', '/v1/admin-tokens', { name: 'bound', capabilities: ['write', 'read'], zones: [zone] }),
    );
    expect((await as(bound.token, 'POST', '/v1/webhooks', { url: `${base}/x`, events: ['*'], zone })).status).toBe(403);
    expect((await as(bound.token, 'GET', '/v1/dead-letters')).status).toBe(403);
  });
});
