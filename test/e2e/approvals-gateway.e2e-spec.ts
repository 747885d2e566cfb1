import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import {
  addResource,
  bodyOf,
  type GatewayScene,
  openGateway,
  startUpstream,
  type Upstream,
} from '../support/gateway-scene.js';
import { ok, type OAuthScene } from '../support/oauth-scene.js';

const POSTS =
  '@approval("operator") forbid(principal, action, resource) when { context has operation && context.operation has method && context.operation.method == "POST" };';

let app: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
let scene: OAuthScene;
let bound: GatewayScene;
let token: string;
const seen: string[] = [];

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push(`${request.method} ${request.url} ${body.toString()}`);
      response.end('done');
    });
  });
  gateway = await openGateway(app, { upstream: upstream.url });
  ({ scene } = gateway);
  bound = await addResource(scene, gateway.client, { upstream: upstream.url, members: { approval_binds_body: true } });
  await activate(scene, PERMIT, POSTS);
  token = await gateway.mandate();
});
afterAll(async () => {
  await app.close();
  await upstream.close();
});

const post = (path: string, body?: string, of = gateway, with_ = token): Promise<Response> =>
  of.get(path, { method: 'POST', token: with_, ...(body === undefined ? {} : { body }) });
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of many shapes; tests assert them
const problem = async (answer: Response): Promise<any> => JSON.parse(await answer.text());
const held = async (answer: Response): Promise<{ id: string; binding: string; expires_at: string }> => {
  expect([answer.status, answer.headers.get('caracal-error')]).toEqual([403, 'approval_required']);
  return (await problem(answer)).approval;
};
const decide = async (id: string, verdict: 'approve' | 'deny') =>
  ok(await scene.admin('POST', `/approvals/${id}/${verdict}`, {}));

describe('a call that a person must approve', () => {
  it('is 403 approval_required with the approval, and reaches no upstream', async () => {
    const before = seen.length;
    const answer = await post('/orders');
    expect(answer.headers.get('authority-receipt')).toMatch(/\/\d+$/);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const body = await problem(answer);
    expect(body).toMatchObject({ status: 403, code: 'approval_required' });
    expect(body.approval).toEqual({
      id: expect.stringMatching(/^apr_/),
      binding: expect.stringMatching(/^[0-9a-f]{64}$/),
      expires_at: expect.any(String),
    });
    expect(await held(await post('/orders'))).toEqual(body.approval);
    expect(seen).toHaveLength(before);
    expect(ok(await scene.admin('GET', `/approvals/${body.approval.id}`)).operation).toEqual({
      method: 'POST',
      path: '/orders',
      template: '/**',
    });
  });

  it('[T4] passes once when it comes again, and then asks again', async () => {
    const { id } = await held(await post('/once'));
    await decide(id, 'approve');
    const answer = await post('/once', 'x');
    expect([answer.status, await answer.text()]).toEqual([200, 'done']);
    const next = await held(await post('/once', 'x'));
    expect(next.id).not.toBe(id);
    expect(ok(await scene.admin('GET', `/approvals/${id}`)).status).toBe('consumed');
  });

  it('[T6] is in the ledger from request to use', async () => {
    const { id } = await held(await post('/ledger'));
    await decide(id, 'approve');
    const receipt = (await post('/ledger')).headers.get('authority-receipt');
    const entries = (await scene.entries('')).filter(({ entry }) => entry['approval'] === id);
    expect(entries.map(({ entry }) => [entry['type'], entry['decision']]).slice(0, 5)).toEqual([
      ['approval.requested', undefined],
      ['gateway.request', 'hold'],
      ['approval.decided', undefined],
      ['gateway.request', 'allow'],
      ['approval.consumed', undefined],
    ]);
    expect(receipt).toBe(`${scene.zone}/${entries[3]?.index}`);
  });

  it('[T4] passes one of a hundred that come at once', async () => {
    const before = seen.length;
    const { id } = await held(await post('/race'));
    await decide(id, 'approve');
    const answers = await Promise.all(Array.from({ length: 100 }, () => post('/race')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(99);
    expect(seen).toHaveLength(before + 1);
  });

  it('is access_denied after a denial, until the hold’s time is over', async () => {
    const { id } = await held(await post('/denied'));
    await decide(id, 'deny');
    for (let repeat = 0; repeat < 2; repeat += 1) {
      const answer = await post('/denied');
      expect([answer.status, answer.headers.get('caracal-error')]).toEqual([403, 'access_denied']);
      expect(await problem(answer)).toMatchObject({ code: 'access_denied', reasons: ['approval_denied'] });
    }
    const { items } = ok(await scene.admin('GET', '/approvals?limit=200'));
    expect(items.filter((one: { operation: { path: string } }) => one.operation.path === '/denied')).toHaveLength(1);
  });

  it.each([
    ['path', '/a', '/b'],
    ['query', '/q?amount=1', '/q?amount=1000'],
  ])('[T2] approves this %s and no other', async (_what, approved, other) => {
    const { id } = await held(await post(approved));
    await decide(id, 'approve');
    const { id: another } = await held(await post(other));
    expect(another).not.toBe(id);
    expect((await post(approved)).status).toBe(200);
  });

  it('[T2] approves this body and no other where the resource binds it, and forwards it as it came', async () => {
    const mandate = await bound.mandate();
    const { id } = await held(await post('/pay', '{"amount":1}', bound, mandate));
    expect(ok(await scene.admin('GET', `/approvals/${id}`)).operation).toMatchObject({
      body_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    await decide(id, 'approve');
    await held(await post('/pay', '{"amount":1000}', bound, mandate));
    expect((await post('/pay', '{"amount":1}', bound, mandate)).status).toBe(200);
    expect(seen.at(-1)).toBe('POST /pay {"amount":1}');
  });

  it('[T8] is 429 rate_limited when too many wait already', async () => {
    const other = await openGateway(app, { upstream: upstream.url });
    const zone = await app.admin('GET', `/v1/zones/${other.scene.zone}`);
    const change = { limits: { holds_per_zone: 2 } };
    await app.admin('PATCH', `/v1/zones/${other.scene.zone}`, change, { 'if-match': zone.headers.get('etag') ?? '' });
    await activate(other.scene, PERMIT, POSTS);
    const mandate = await other.mandate();
    await held(await post('/1', undefined, other, mandate));
    await held(await post('/2', undefined, other, mandate));
    const answer = await post('/3', undefined, other, mandate);
    expect([answer.status, answer.headers.get('caracal-error'), answer.headers.get('retry-after')]).toEqual([
      429,
      'rate_limited',
      '60',
    ]);
    expect((await problem(answer)).limit).toBe('holds_per_zone');
  });
});

describe('a mandate that an approval released', () => {
  it('counts as approved for the rules it satisfied, not for one that reads the operation', async () => {
    const other = await openGateway(app, { upstream: upstream.url });
    await activate(other.scene, PERMIT, needs('operator', 'use'), POSTS);
    const form = { grant_type: 'client_credentials', resource: other.resource.gateway_url, scope: 'use' };
    const { body } = await other.scene.oauth('token', form, other.client);
    ok(await other.scene.admin('POST', `/approvals/${body.approval.id}/approve`, {}));
    const released = ok(await other.scene.oauth('token', { ...form, approval: body.approval.id }, other.client));
    const get = await other.get('/x', { token: released.access_token });
    expect([get.status, await get.text()]).toEqual([200, 'done']);
    expect((await other.get('/x', { token: released.access_token })).status).toBe(200);
    const { id } = await held(await post('/x', undefined, other, released.access_token));
    ok(await other.scene.admin('POST', `/approvals/${id}/approve`, {}));
    expect((await post('/x', undefined, other, released.access_token)).status).toBe(200);
    await held(await post('/x', undefined, other, released.access_token));
  });
});
