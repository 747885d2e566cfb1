import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import { claimsOf, OAuthScene, ok, created, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let api: SceneResource;
let subject: string;
let session: { id: string; session_token: string };

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  api = await scene.resource(['read', 'write', 'pay']);
  await scene.grant(client, api, ['read', 'write', 'pay']);
  await activate(scene, PERMIT, needs('operator', 'write'), needs('operator', 'pay', ' @quorum("2")'));
  subject = await scene.applicationToken(client);
  session = await scene.session(subject);
});
afterAll(() => app.close());

const ask = (scope: string, fields: Record<string, string> = {}, token = session.session_token): Promise<TestAnswer> =>
  scene.exchange(client, token, { resource: api.gateway_url, scope, ...fields });
const hold = async (
  scope = 'write',
  token = session.session_token,
): Promise<{ id: string; binding: string; expires_at: string }> => {
  const { status, body } = await ask(scope, {}, token);
  expect([status, body.error]).toEqual([400, 'authorization_pending']);
  return body.approval;
};
const decide = (id: string, verdict: 'approve' | 'deny', reason?: string): Promise<TestAnswer> =>
  scene.admin('POST', `/approvals/${id}/${verdict}`, reason === undefined ? {} : { reason });
/** A session of its own, so that a hold of an earlier test is not this one's. */
const fresh = async (): Promise<string> => (await scene.session(subject)).session_token;

describe('a hold from token exchange', () => {
  it('answers authorization_pending with the approval, and the same one when asked again', async () => {
    const first = await hold();
    expect(first).toEqual({
      id: expect.stringMatching(/^apr_[0-9a-f-]{36}$/),
      binding: expect.stringMatching(/^[0-9a-f]{64}$/),
      expires_at: expect.any(String),
    });
    expect(await hold()).toEqual(first);
    const polled = await ask('write', { approval: first.id });
    expect([polled.status, polled.body.error, polled.body.approval]).toEqual([400, 'authorization_pending', first]);
    expect(polled.headers.get('cache-control')).toBe('no-store');
  });

  it('shows administrators server-derived facts of it', async () => {
    const { id, binding, expires_at } = await hold();
    const shown = ok(await scene.admin('GET', `/approvals/${id}`));
    expect(shown).toMatchObject({
      id,
      binding,
      expires_at,
      status: 'pending',
      approver_class: 'operator',
      quorum: 1,
      decisions: [],
      requester: { application: client.id, session: session.id, subject: `app:${client.id}` },
      resources: [api.identifier],
      scopes: ['write'],
      authorization_details: null,
      operation: null,
      policy_version: 1,
      decided_at: null,
      approver: null,
      reason: null,
    });
    expect(Date.parse(shown.expires_at) - Date.parse(shown.created_at)).toBe(4 * 3_600_000);
    const { items } = ok(await scene.admin('GET', '/approvals?status=pending'));
    expect(items).toContainEqual(shown);
  });

  it('releases one mandate after approval, which names it and re-delivers the same claims for a while', async () => {
    const token = await fresh();
    const { id } = await hold('write', token);
    expect(ok(await decide(id, 'approve', 'looks right'))).toMatchObject({ status: 'approved', reason: 'looks right' });
    const first = await ask('write', { approval: id }, token);
    expect(first.status).toBe(200);
    const claims = claimsOf(first.body.access_token);
    expect(claims).toMatchObject({ apr: id, scope: 'write', aud: api.gateway_url });
    const again = await ask('write', { approval: id }, token);
    expect(again.status).toBe(200);
    expect(claimsOf(again.body.access_token)).toEqual(claims);
    expect(ok(await scene.admin('GET', `/approvals/${id}`)).status).toBe('consumed');
    const next = await ask('write', {}, token);
    expect(next.body.error).toBe('authorization_pending');
    expect(next.body.approval.id).not.toBe(id);
  });

  it('[T6] is in the ledger from request to use, each by whom it was', async () => {
    const token = await fresh();
    const { id, binding } = await hold('write', token);
    await decide(id, 'approve');
    const { receipt } = ok(await ask('write', { approval: id }, token));
    const entries = (await scene.entries('')).filter(({ entry }) => entry['approval'] === id);
    expect(entries.map(({ entry }) => [entry['type'], entry['decision']])).toEqual([
      ['approval.requested', undefined],
      ['exchange', 'hold'],
      ['approval.decided', undefined],
      ['exchange', 'allow'],
      ['approval.consumed', undefined],
    ]);
    expect(entries[0]?.entry).toMatchObject({ detail: { binding, approver_class: 'operator' }, scopes: ['write'] });
    expect(entries[2]?.entry).toMatchObject({
      actor: { kind: 'human', token: 'bootstrap' },
      detail: { decision: 'approve' },
    });
    expect(entries[3]?.index).toBe(receipt.index);
    expect(entries[3]?.entry).toMatchObject({ policy: { input: { context: { approved: true } } } });
    const { items } = ok(await app.admin('GET', '/v1/admin-audit?limit=200'));
    expect(items).toContainEqual(expect.objectContaining({ action: 'approvals.approve', target: `approval:${id}` }));
  });

  it('[T2] is refused under another request, another caller or no such id', async () => {
    const token = await fresh();
    const { id } = await hold('write', token);
    await decide(id, 'approve');
    const other = await scene.client();
    await scene.grant(other, api, ['write']);
    const theirs = await scene.session(await scene.applicationToken(other));
    const refused = [
      await ask('write', { approval: id }),
      await ask('read', { approval: id }, token),
      await ask('write read', { approval: id }, token),
      await scene.exchange(client, token, { resource: api.gateway_url, approval: id }),
      await scene.exchange(other, theirs.session_token, { resource: api.gateway_url, scope: 'write', approval: id }),
      await ask('write', { approval: 'apr_00000000-0000-7000-8000-000000000000' }, token),
      await ask('write', { approval: 'nonsense' }, token),
    ];
    expect(refused.map(({ status, body }) => [status, body.error])).toEqual(
      refused.map(() => [400, 'invalid_request']),
    );
    expect((await ask('write', { approval: id }, token)).status).toBe(200);
  });

  it('is denied at once by one denial', async () => {
    const token = await fresh();
    const { id } = await hold('write', token);
    expect(ok(await decide(id, 'deny', 'no'))).toMatchObject({ status: 'denied', reason: 'no', approver: 'bootstrap' });
    const { status, body } = await ask('write', { approval: id }, token);
    expect([status, body.error, body.reason]).toEqual([403, 'access_denied', 'approval_denied']);
    for (const verdict of ['approve', 'deny'] as const) {
      const late = await decide(id, verdict);
      expect([late.status, late.body.code]).toEqual([409, 'approval_not_pending']);
    }
  });

  it('leaves out what needs an approval where no scope is asked for', async () => {
    const { body } = await scene.exchange(client, session.session_token, { resource: api.gateway_url });
    expect(body.scope).toBe('read');
  });

  it('holds the whole request when part of it needs an approval', async () => {
    const token = await fresh();
    const { body } = await ask('read write', {}, token);
    expect(ok(await scene.admin('GET', `/approvals/${body.approval.id}`)).scopes).toEqual(['read', 'write']);
  });

  it('waits for its quorum of different people', async () => {
    const token = await fresh();
    const { id } = await hold('pay', token);
    const second = created(
      await app.admin('POST', '/v1/admin-tokens', { name: 'second', capabilities: ['approve'], zones: [scene.zone] }),
    );
    expect(ok(await decide(id, 'approve'))).toMatchObject({ status: 'pending', quorum: 2, approver: null });
    const twice = await decide(id, 'approve');
    expect([twice.status, twice.body.code]).toEqual([409, 'conflict']);
    expect((await ask('pay', { approval: id }, token)).body.error).toBe('authorization_pending');
    const other = await call(app.url, {
      method: 'POST',
      path: `/v1/zones/${scene.zone}/approvals/${id}/approve`,
      headers: { authorization: `Bearer ${second.token}` },
    });
    expect(other.body).toMatchObject({ status: 'approved', approver: second.id });
    expect(other.body.decisions.map((one: { approver: string }) => one.approver)).toEqual(['bootstrap', second.id]);
    expect((await ask('pay', { approval: id }, token)).status).toBe(200);
  });

  it('[T2] needs its policy as it was: another version asks again', async () => {
    const other = await OAuthScene.open(app);
    const who = await other.client();
    const resource = await other.resource(['write']);
    await other.grant(who, resource, ['write']);
    await activate(other, PERMIT, needs('operator', 'write'));
    const token = await other.applicationToken(who);
    const fields = { resource: resource.gateway_url, scope: 'write' };
    const { body } = await other.exchange(who, token, fields);
    ok(await other.admin('POST', `/approvals/${body.approval.id}/approve`, {}));
    await activate(other, PERMIT, needs('operator', 'write'), 'permit(principal, action, resource);');
    const late = await other.exchange(who, token, { ...fields, approval: body.approval.id });
    expect([late.status, late.body.error]).toEqual([400, 'invalid_request']);
    expect((await other.exchange(who, token, fields)).body.approval.id).not.toBe(body.approval.id);
  });

  it('ends with its time: undecided or unused it is expired_token, and maintenance writes it down', async () => {
    const other = await OAuthScene.open(app);
    const who = await other.client();
    const resource = await other.resource(['write']);
    await other.grant(who, resource, ['write']);
    await activate(other, PERMIT, needs('operator', 'write'));
    const zone = await app.admin('GET', `/v1/zones/${other.zone}`);
    await app.admin(
      'PATCH',
      `/v1/zones/${other.zone}`,
      { hold_ttl_seconds: 1 },
      { 'if-match': zone.headers.get('etag') ?? '' },
    );
    const token = await other.applicationToken(who);
    const fields = { resource: resource.gateway_url, scope: 'write' };
    const { body } = await other.exchange(who, token, fields);
    ok(await other.admin('POST', `/approvals/${body.approval.id}/approve`, {}));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const late = await other.exchange(who, token, { ...fields, approval: body.approval.id });
    expect([late.status, late.body.error]).toEqual([400, 'expired_token']);
    expect(ok(await other.admin('GET', `/approvals/${body.approval.id}`)).status).toBe('expired');
    expect((await other.exchange(who, token, fields)).body.approval.id).not.toBe(body.approval.id);
    expect((await other.entries('type=approval.expired')).map(({ entry }) => entry['approval'])).toContain(
      body.approval.id,
    );
  });

  it('[T8] cannot be raised without end: 429 names the limit, denied ones count', async () => {
    const small = await scene.client({ limits: { holds_per_session: 2 } });
    await scene.grant(small, api, ['read', 'write', 'pay']);
    const token = (await scene.session(await scene.applicationToken(small))).session_token;
    const one = await scene.exchange(small, token, { resource: api.gateway_url, scope: 'write' });
    await decide(one.body.approval.id, 'deny');
    await scene.exchange(small, token, { resource: api.gateway_url, scope: 'pay' });
    const third = await scene.exchange(small, token, { resource: api.gateway_url, scope: 'write' });
    expect([third.status, third.body.error, third.body.limit]).toEqual([
      429,
      'temporarily_unavailable',
      'holds_per_session',
    ]);
    expect(third.headers.get('retry-after')).toBe('60');
    const converging = await scene.exchange(small, token, { resource: api.gateway_url, scope: 'pay' });
    expect(converging.body.error).toBe('authorization_pending');
  });

  it('client_credentials with a resource is held and released alike', async () => {
    const form = { grant_type: 'client_credentials', resource: api.gateway_url, scope: 'write' };
    const held = await scene.oauth('token', form, client);
    expect([held.status, held.body.error]).toEqual([400, 'authorization_pending']);
    await decide(held.body.approval.id, 'approve');
    const { access_token } = ok(await scene.oauth('token', { ...form, approval: held.body.approval.id }, client));
    expect(claimsOf(access_token)).toMatchObject({ apr: held.body.approval.id, sub: `app:${client.id}` });
  });
});

describe('races', () => {
  it('[T4] of a hundred uses one approval releases one token', async () => {
    const token = await fresh();
    const { id } = await hold('write', token);
    await decide(id, 'approve');
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('write', { approval: id }, token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => claimsOf(body.access_token)['jti'])).size).toBe(1);
    const used = (await scene.entries('type=approval.consumed')).filter(({ entry }) => entry['approval'] === id);
    expect(used).toHaveLength(1);
  });

  it('[T4] of a hundred decisions one is made', async () => {
    const { id } = await hold('write', await fresh());
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => decide(id, at % 2 === 0 ? 'approve' : 'deny')),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.code))).toEqual(
      new Set(['approval_not_pending']),
    );
  });

  it('[T4] a hundred requests for the same raise one hold', async () => {
    const token = await fresh();
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask('write', {}, token)));
    expect(new Set(answers.map(({ body }) => body.approval.id)).size).toBe(1);
  });
});
