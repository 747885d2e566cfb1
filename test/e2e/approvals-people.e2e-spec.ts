import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import { ACCESS_TOKEN, claimsOf, created, OAuthScene, ok } from '../support/oauth-scene.js';
import type { SceneClient, SceneResource } from '../support/oauth-scene.js';
import { SubjectIssuer } from '../support/subject-issuer.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let api: SceneResource;
let issuer: SubjectIssuer;
let token: string;
let receiver: Server;
const told: string[] = [];

beforeAll(async () => {
  app = await startTestApp();
  issuer = await SubjectIssuer.start();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  api = await scene.resource(['write', 'pay', 'own', 'both']);
  await scene.grant(client, api, ['write', 'pay', 'own', 'both']);
  const rules = [needs('operator', 'write'), needs('operator', 'pay', ' @quorum("2")'), needs('subject', 'own')];
  await activate(scene, PERMIT, ...rules, needs('any', 'both', ' @quorum("2")'));
  created(await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' }));
  token = await scene.applicationToken(client);
  receiver = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => told.push(chunk.toString()));
    request.on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await app.close();
  await issuer.close();
  receiver.closeAllConnections();
  receiver.close();
});

interface Operator {
  readonly id: string;
  readonly token: string;
}

/** An admin token that may approve; of a person, when one is named. */
const operator = async (person?: string): Promise<Operator> =>
  created(
    await app.admin('POST', '/v1/admin-tokens', {
      name: 'o',
      capabilities: ['approve'],
      zones: [scene.zone],
      ...(person === undefined ? {} : { person }),
    }),
  );
const decide = (id: string, by: Operator, verdict = 'approve', body: object = {}): Promise<TestAnswer> =>
  call(app.url, {
    method: 'POST',
    path: `/v1/zones/${scene.zone}/approvals/${id}/${verdict}`,
    body,
    headers: { authorization: `Bearer ${by.token}` },
  });
const code = ({ status, body }: TestAnswer): [number, string] => [status, body.code ?? body.status];
const statusOf = async (id: string): Promise<string> => ok(await scene.admin('GET', `/approvals/${id}`)).status;
const hold = async (session: { session_token: string }, scope = 'write'): Promise<string> => {
  const { body } = await scene.exchange(client, session.session_token, { resource: api.gateway_url, scope });
  expect(body.error).toBe('authorization_pending');
  return body.approval.id;
};
const sponsored = (sponsor: string) => scene.session(token, { sponsor });
const ofUser = (sub: string, body: object = {}) =>
  scene.session(token, { subject: { id_token: issuer.mint({ claims: { sub } }) }, ...body });
/** Decides on the page, as a browser would. */
async function decideOnPage(id: string, by: Operator, decision: string): Promise<Response> {
  const at = `${app.url}/approve/${scene.zone}`;
  const post = (rest: string, fields: Record<string, string>, cookie = '') =>
    fetch(at + rest, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields), headers: { cookie } });
  const cookie = ((await post('/login', { token: by.token })).headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const html = await (await fetch(`${at}/${id}`, { headers: { cookie } })).text();
  const value = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
  return post(`/${id}`, { csrf: value('csrf'), binding: value('binding'), decision }, cookie);
}

describe('nobody decides a request of their own', () => {
  it('[T1] whoever answers for the session decides it neither over REST nor on the page; somebody else does', async () => {
    const id = await hold(await sponsored('ann@example.com'));
    const ann = await operator('ann@example.com');
    for (const verdict of ['approve', 'deny']) {
      expect(code(await decide(id, ann, verdict))).toEqual([403, 'access_denied']);
      const shown = await decideOnPage(id, ann, verdict);
      expect([shown.status, (await shown.text()).includes('Nobody decides a request of their own.')]).toEqual([
        409,
        true,
      ]);
    }
    expect(await statusOf(id)).toBe('pending');
    expect(code(await decide(id, await operator('bob@example.com')))).toEqual([200, 'approved']);
  });

  it('[T1] nor through a child, nor with another token, nor with the one that a rotation made', async () => {
    const parent = await sponsored('carl@example.com');
    const child = created(await scene.runtime('POST', '/sessions', parent.session_token, { lifecycle: 'task' }));
    const id = await hold(child);
    const first = await operator('carl@example.com');
    const rotated = created(await app.admin('POST', `/v1/admin-tokens/${first.id}/rotate`, { overlap_seconds: 60 }));
    for (const one of [first, await operator('carl@example.com'), rotated])
      expect(code(await decide(id, one))).toEqual([403, 'access_denied']);
    expect(await statusOf(id)).toBe('pending');
  });

  it('[T1] nor as an operator for the user that the work is for', async () => {
    const session = await ofUser('dora');
    const { sub } = claimsOf(session.session_token) as { sub: string };
    const id = await hold(session);
    expect(code(await decide(id, await operator(sub)))).toEqual([403, 'access_denied']);
    expect(code(await decide(id, await operator()))).toEqual([200, 'approved']);
  });

  it('[T1] nor what a client asked for by CIBA', async () => {
    const session = await sponsored('eve@example.com');
    const fields = {
      resource: api.gateway_url,
      scope: 'openid write',
      login_hint: 'operator',
      subject_token: session.session_token,
      subject_token_type: ACCESS_TOKEN,
    };
    const { auth_req_id: id } = ok(await scene.oauth('bc-authorize', fields, client));
    const eve = await operator('eve@example.com');
    expect(code(await decide(id, eve))).toEqual([403, 'access_denied']);
    expect((await decideOnPage(id, eve, 'approve')).status).toBe(409);
    expect(code(await decide(id, await operator()))).toEqual([200, 'approved']);
    const form = { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: id };
    expect((await scene.oauth('token', form, client)).status).toBe(200);
  });

  it('the user is asked about what is done in its name, also when it answers for the session', async () => {
    const probe = claimsOf((await ofUser('fay')).session_token).sub as string;
    const session = await ofUser('fay', { sponsor: probe });
    const id = await hold(session, 'own');
    const approver = await ofUser('fay');
    const { binding } = ok(await scene.runtime('GET', `/approvals/${id}`, approver.session_token));
    const verdict = { decision: 'approve', binding };
    const decided = await scene.runtime('POST', `/approvals/${id}/decision`, approver.session_token, verdict);
    expect(ok(decided).status).toBe('approved');
  });
});

describe('a quorum is of people', () => {
  it('[T2] two tokens of one person, and both of a rotation, count once, over REST and on the page', async () => {
    const id = await hold(await scene.session(token), 'pay');
    const first = await operator('gus@example.com');
    const second = await operator('gus@example.com');
    expect(code(await decide(id, first))).toEqual([200, 'pending']);
    expect(code(await decide(id, second))).toEqual([409, 'conflict']);
    expect((await decideOnPage(id, second, 'approve')).status).toBe(409);
    const rotated = created(await app.admin('POST', `/v1/admin-tokens/${second.id}/rotate`, {}));
    expect(code(await decide(id, rotated))).toEqual([409, 'conflict']);
    expect(code(await decide(id, await operator('hal@example.com')))).toEqual([200, 'approved']);
  });

  it('[T2] a token of nobody in particular and its successor are one', async () => {
    const id = await hold(await scene.session(token), 'pay');
    const old = await operator();
    expect(code(await decide(id, old))).toEqual([200, 'pending']);
    const next = created(await app.admin('POST', `/v1/admin-tokens/${old.id}/rotate`, { overlap_seconds: 60 }));
    const last = created(await app.admin('POST', `/v1/admin-tokens/${next.id}/rotate`, { overlap_seconds: 60 }));
    for (const one of [next, last, old]) expect(code(await decide(id, one))).toEqual([409, 'conflict']);
    expect(code(await decide(id, await operator()))).toEqual([200, 'approved']);
  });

  it('[T2] a user who is an operator, too, counts once', async () => {
    const session = await ofUser('ida');
    const { sub } = claimsOf(session.session_token) as { sub: string };
    const id = await hold(session, 'both');
    const approver = await ofUser('ida');
    const { binding } = ok(await scene.runtime('GET', `/approvals/${id}`, approver.session_token));
    const verdict = { decision: 'approve', binding };
    ok(await scene.runtime('POST', `/approvals/${id}/decision`, approver.session_token, verdict));
    expect(code(await decide(id, await operator(sub)))).toEqual([403, 'access_denied']);
    expect(await statusOf(id)).toBe('pending');
    expect(code(await decide(id, await operator()))).toEqual([200, 'approved']);
  });

  it('a token says of whom it is to those who manage tokens, and approvals to nobody', async () => {
    const { id } = await operator('jan@example.com');
    expect(ok(await app.admin('GET', `/v1/admin-tokens/${id}`)).person).toBe('jan@example.com');
    expect(JSON.stringify(ok(await scene.admin('GET', '/approvals?limit=200')))).not.toContain('@example.com');
  });
});

describe('private approvals', () => {
  const secret = 'kim';
  let id: string;

  beforeAll(async () => {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    created(await app.admin('POST', '/v1/webhooks', { url, events: ['*'], zone: scene.zone }));
    const { headers } = await app.admin('GET', `/v1/zones/${scene.zone}`);
    const match = { 'if-match': headers.get('etag') ?? '' };
    ok(await app.admin('PATCH', `/v1/zones/${scene.zone}`, { approval_privacy: 'minimal' }, match));
    id = await hold(await ofUser(secret), 'both');
  });

  it('[T5] operators learn neither from lists nor from objects, the stream or the page for whom it is', async () => {
    const bodies = [
      ok(await scene.admin('GET', `/approvals/${id}`)),
      ok(await scene.admin('GET', '/approvals?status=pending')).items.find((one: { id: string }) => one.id === id),
      await firstEvent(id),
    ];
    for (const body of bodies) {
      expect(body).toMatchObject({ privacy: 'minimal', scopes: ['both'], requester: { subject: 'user' } });
      expect(JSON.stringify(body)).not.toContain(secret);
    }
    const page = await decideOnPage(id, await operator(), 'nonsense');
    expect(page.status).toBe(400);
    const html = await pageOf(id, await operator());
    expect(html).toContain(id);
    expect(html).not.toContain(secret);
  });

  it('[T5] the user sees its work and not who else decides it', async () => {
    const ops = await operator('lea@example.com');
    expect(code(await decide(id, ops, 'approve', { reason: 'words of lea' }))).toEqual([200, 'pending']);
    const approver = await ofUser(secret);
    const seen = ok(await scene.runtime('GET', `/approvals/${id}`, approver.session_token));
    expect(seen).toMatchObject({ requester: { subject: expect.stringContaining(secret) } });
    expect(seen.decisions).toMatchObject([{ approver: 'operator', decision: 'approve' }]);
    expect(JSON.stringify(seen)).not.toMatch(new RegExp(`${ops.id}|lea`));
    const verdict = { decision: 'approve', binding: seen.binding };
    ok(await scene.runtime('POST', `/approvals/${id}/decision`, approver.session_token, verdict));
    expect(ok(await scene.admin('GET', `/approvals/${id}`))).toMatchObject({ status: 'approved', approver: 'user' });
  });

  it('[T5] webhooks say no more than operators see, whatever entry names the approval', async () => {
    const types = ['approval.requested', 'approval.decided', 'exchange'];
    const mine = (): readonly string[] => told.filter((text) => text.includes(id));
    const came = (): readonly string[] => mine().map((text) => JSON.parse(text).type as string);
    for (let turn = 0; turn < 400 && !types.every((type) => came().includes(type)); turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(came()).toEqual(expect.arrayContaining(types));
    for (const text of mine()) expect(text).not.toContain(secret);
  });

  it('a resource may be stricter than its zone, and the ledger keeps everything for who may audit', async () => {
    const open = await OAuthScene.open(app);
    const who = await open.client();
    const guarded = await open.resource(['write'], { approval_privacy: 'minimal' });
    await open.grant(who, guarded, ['write']);
    await activate(open, PERMIT, needs('operator', 'write'));
    const { body } = await open.exchange(who, await open.applicationToken(who), {
      resource: guarded.gateway_url,
      scope: 'write',
    });
    expect(ok(await open.admin('GET', `/approvals/${body.approval.id}`)).privacy).toBe('minimal');
    const entries = (await scene.entries('type=approval.requested')).filter(({ entry }) => entry['approval'] === id);
    expect(entries[0]?.entry).toMatchObject({
      subject: expect.stringContaining(secret),
      detail: { privacy: 'minimal' },
    });
  });

  async function pageOf(of: string, by: Operator): Promise<string> {
    const at = `${app.url}/approve/${scene.zone}`;
    const login = await fetch(`${at}/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ token: by.token }),
    });
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    return (await fetch(`${at}/${of}`, { headers: { cookie } })).text();
  }

  /** What the stream shows first of an approval. */
  async function firstEvent(of: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${app.adminToken}`, accept: 'text/event-stream' };
    const path = `${app.url}/v1/zones/${scene.zone}/approvals/stream`;
    const { body } = await fetch(path, { headers });
    let text = '';
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      const data = text
        .split('\n')
        .find((line) => line.startsWith('data: ') && line.includes(of) && line.endsWith('}'));
      if (data !== undefined) return JSON.parse(data.slice(6)) as unknown;
    }
    return undefined;
  }
});
