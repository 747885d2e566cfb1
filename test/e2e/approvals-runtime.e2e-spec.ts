import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';
import { SubjectIssuer } from '../support/subject-issuer.js';

let app: TestApp;
let other: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let portal: SceneClient;
let api: SceneResource;
let issuer: SubjectIssuer;
let token: string;
let portalToken: string;

beforeAll(async () => {
  // Replicas are one issuer under one name.
  app = await startTestApp({ PUBLIC_URL: 'https://caracal.example' });
  other = await app.replica();
  issuer = await SubjectIssuer.start();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  portal = await scene.client();
  api = await scene.resource(['read', 'write', 'pay']);
  await scene.grant(client, api, ['read', 'write', 'pay']);
  await activate(scene, PERMIT, needs('subject', 'write'), needs('operator', 'pay'));
  created(await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' }));
  token = await scene.applicationToken(client);
  portalToken = await scene.applicationToken(portal);
});
afterAll(async () => {
  await app.close();
  await issuer.close();
});

interface Session {
  readonly id: string;
  readonly session_token: string;
}

const work = (sub = 'alice', bearer = token): Promise<Session> =>
  scene.session(bearer, { subject: { id_token: issuer.mint({ claims: { sub } }) } });
const ask = (session: Session, scope: string, fields: Record<string, string> = {}): Promise<TestAnswer> =>
  scene.exchange(client, session.session_token, { resource: api.gateway_url, scope, ...fields });
const held = async (
  session: Session,
  scope = 'write',
): Promise<{ id: string; binding: string; expires_at: string }> => {
  const { body } = await ask(session, scope);
  expect(body.error).toBe('authorization_pending');
  return body.approval;
};
const see = (id: string, bearer: string, query = ''): Promise<TestAnswer> =>
  scene.runtime('GET', `/approvals/${id}${query}`, bearer);
const decide = (id: string, bearer: string, body: object): Promise<TestAnswer> =>
  scene.runtime('POST', `/approvals/${id}/decision`, bearer, body);
const code = ({ status, body }: TestAnswer): [number, string] => [status, body.code];

describe('the requester’s view', () => {
  it('has id, status, binding and expires_at only, for the session, those above it and its application', async () => {
    const root = await work('viewer');
    const child = created(await scene.runtime('POST', '/sessions', root.session_token, { lifecycle: 'task' }));
    const { id, binding, expires_at } = await held(child);
    expect(Date.parse(expires_at) - Date.now()).toBeLessThanOrEqual(15 * 60_000);
    for (const bearer of [child.session_token, root.session_token, token])
      expect(ok(await see(id, bearer))).toEqual({ id, status: 'pending', binding, expires_at });
    const strangers = [
      portalToken,
      (await scene.session(token)).session_token,
      (await work('eve', portalToken)).session_token,
    ];
    for (const bearer of strangers) expect(code(await see(id, bearer))).toEqual([404, 'not_found']);
    expect(code(await see('apr_00000000-0000-7000-8000-000000000000', token))).toEqual([404, 'not_found']);
    expect(code(await see('x', token))).toEqual([404, 'not_found']);
    const sibling = created(await scene.runtime('POST', '/sessions', root.session_token, { lifecycle: 'task' }));
    expect((await see(id, sibling.session_token)).status).toBe(404);
  });

  it.each(['26', '-1', '1.5', 'x', ''])('refuses wait=%s', async (wait) => {
    const { id } = await held(await work('waiter'));
    expect(code(await see(id, token, `?wait=${wait}`))).toEqual([400, 'invalid_request']);
  });

  it('waits for the decision, also when another replica makes it', async () => {
    const session = await work('patient');
    const { id } = await held(session);
    expect(ok(await see(id, session.session_token, '?wait=0')).status).toBe('pending');
    const waiting = [see(id, session.session_token, '?wait=25'), see(id, token, '?wait=25')];
    const elsewhere = call(`${other.url}/z/${scene.zone}`, {
      method: 'GET',
      path: `/approvals/${id}?wait=25`,
      headers: { authorization: `Bearer ${token}` },
    });
    const approver = await work('patient', portalToken);
    const { binding } = ok(await see(id, approver.session_token));
    ok(
      await call(`${other.url}/z/${scene.zone}`, {
        method: 'POST',
        path: `/approvals/${id}/decision`,
        body: { decision: 'approve', binding },
        headers: { authorization: `Bearer ${approver.session_token}` },
      }),
    );
    for (const answer of await Promise.all([...waiting, elsewhere])) expect(ok(answer).status).toBe('approved');
    expect((await ask(session, 'write', { approval: id })).status).toBe(200);
  });

  it('answers after the wait when nothing happened', async () => {
    const { id } = await held(await work('idle'));
    expect(ok(await see(id, token, '?wait=1')).status).toBe('pending');
  });
});

describe('a federated approver', () => {
  it('sees what it is about and decides in a tree of sessions of its own', async () => {
    const session = await work();
    const { id, binding } = await held(session);
    const approver = await work('alice', portalToken);
    expect(ok(await see(id, approver.session_token))).toMatchObject({
      id,
      scopes: ['write'],
      resources: [api.identifier],
    });
    const decided = ok(await decide(id, approver.session_token, { decision: 'approve', binding, reason: 'mine' }));
    const { sub } = claimsOf(approver.session_token);
    expect(decided).toMatchObject({ status: 'approved', approver: sub, reason: 'mine' });
    const mandate = ok(await ask(session, 'write', { approval: id }));
    expect(claimsOf(mandate.access_token)).toMatchObject({ sub, apr: id });
    const [entry] = (await scene.entries('type=approval.decided')).filter((one) => one.entry['approval'] === id);
    expect(entry?.entry).toMatchObject({
      actor: { kind: 'agent', id: approver.id },
      detail: { approver_class: 'subject' },
    });
  });

  it('denies as well, and once', async () => {
    const session = await work('dora');
    const { id, binding } = await held(session);
    const approver = await work('dora', portalToken);
    expect(ok(await decide(id, approver.session_token, { decision: 'deny', binding })).status).toBe('denied');
    expect(code(await decide(id, approver.session_token, { decision: 'approve', binding }))).toEqual([
      409,
      'approval_not_pending',
    ]);
    const refused = await ask(session, 'write', { approval: id });
    expect([refused.status, refused.body.error]).toEqual([403, 'access_denied']);
  });

  it('[T2] is nobody of the requester’s side, and no stranger', async () => {
    const session = await work('frank');
    const child = created(await scene.runtime('POST', '/sessions', session.session_token, { lifecycle: 'task' }));
    const { id, binding } = await held(session);
    const body = { decision: 'approve', binding };
    const side = [session.session_token, child.session_token, token, (await scene.session(token)).session_token];
    for (const bearer of side) expect(code(await decide(id, bearer, body))).toEqual([403, 'access_denied']);
    const strangers = [portalToken, (await work('grace', portalToken)).session_token];
    for (const bearer of strangers) expect(code(await decide(id, bearer, body))).toEqual([404, 'not_found']);
    expect((await scene.admin('GET', `/approvals/${id}`)).body.status).toBe('pending');
    const own = await work('frank');
    expect(ok(await decide(id, own.session_token, body)).status).toBe('approved');
  });

  it.each([
    ['another binding', { decision: 'approve', binding: '0'.repeat(64) }, 409, 'conflict'],
    ['what is no binding at all', { decision: 'approve', binding: 'x' }, 409, 'conflict'],
    ['no binding', { decision: 'approve' }, 400, 'invalid_request'],
    ['another word', { decision: 'yes', binding: '0'.repeat(64) }, 400, 'invalid_request'],
    ['an unknown member', { decision: 'deny', binding: '0'.repeat(64), who: 'me' }, 400, 'invalid_request'],
  ])('is refused with %s', async (_what, body, status, problem) => {
    const { id } = await held(await work('henry'));
    const approver = await work('henry', portalToken);
    expect(code(await decide(id, approver.session_token, body))).toEqual([status, problem]);
  });

  it('[T2] decides nothing that an operator has to, nor an operator what the subject has to', async () => {
    const session = await work('irene');
    const approver = await work('irene', portalToken);
    const forOperators = await held(session, 'pay');
    const asked = { decision: 'approve', binding: forOperators.binding };
    expect(code(await decide(forOperators.id, approver.session_token, asked))).toEqual([403, 'access_denied']);
    const forSubject = await held(session);
    for (const verdict of ['approve', 'deny'])
      expect(code(await scene.admin('POST', `/approvals/${forSubject.id}/${verdict}`, {}))).toEqual([
        403,
        'access_denied',
      ]);
  });
});

describe('two replicas', () => {
  it('[T4] use one approval once between them', async () => {
    const session = await work('jack');
    const { id } = await held(session, 'pay');
    ok(await other.admin('POST', `/v1/zones/${scene.zone}/approvals/${id}/approve`, {}));
    const bases = [app.url, other.url];
    const elsewhere = Array.from({ length: 40 }, async (_, at) => {
      const response = await fetch(`${bases[at % 2]}/z/${scene.zone}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: session.session_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          resource: api.gateway_url,
          scope: 'pay',
          approval: id,
        }),
      });
      return (await response.json()) as { access_token: string };
    });
    const tokens = await Promise.all(elsewhere);
    expect(new Set(tokens.map(({ access_token }) => claimsOf(access_token)['jti'])).size).toBe(1);
    const used = (await scene.entries('type=approval.consumed')).filter(({ entry }) => entry['approval'] === id);
    expect(used).toHaveLength(1);
  });
});

describe('administration of approvals', () => {
  const as = (bearer: string, method: string, path: string): Promise<TestAnswer> =>
    call(app.url, {
      method,
      path: `/v1/zones/${scene.zone}/approvals${path}`,
      headers: { authorization: `Bearer ${bearer}` },
    });
  const tokenOf = async (capabilities: readonly string[], zones = [scene.zone]): Promise<string> =>
    created(await app.admin('POST', '/v1/admin-tokens', { name: 'a', capabilities, zones })).token;

  it('[T12] is decided with the capability approve only, which implies reading approvals', async () => {
    const { id } = await held(await work('kate'), 'pay');
    const [read, write, approve] = [await tokenOf(['read']), await tokenOf(['write']), await tokenOf(['approve'])];
    for (const bearer of [read, write, approve]) expect((await as(bearer, 'GET', `/${id}`)).status).toBe(200);
    for (const bearer of [read, write])
      expect(code(await as(bearer, 'POST', `/${id}/approve`))).toEqual([403, 'insufficient_capability']);
    expect((await as(approve, 'POST', `/${id}/approve`)).status).toBe(200);
    const foreign = await OAuthScene.open(app);
    const elsewhere = await tokenOf(['approve'], [foreign.zone]);
    expect(code(await as(elsewhere, 'POST', `/${id}/deny`))).toEqual([404, 'not_found']);
    expect((await foreign.admin('GET', `/approvals/${id}`)).status).toBe(404);
  });

  it('lists in pages and by status, application and session', async () => {
    const session = await work('liam');
    const { id } = await held(session, 'pay');
    const mine = ok(await as(app.adminToken, 'GET', `?session=${session.id}`));
    expect(mine.items.map((one: { id: string }) => one.id)).toEqual([id]);
    expect(ok(await as(app.adminToken, 'GET', `?session=${session.id}&status=approved`)).items).toEqual([]);
    expect(ok(await as(app.adminToken, 'GET', `?application=${portal.id}`)).items).toEqual([]);
    const first = ok(await as(app.adminToken, 'GET', '?limit=2'));
    expect(first.items).toHaveLength(2);
    const second = ok(await as(app.adminToken, 'GET', `?limit=2&cursor=${first.next_cursor}`));
    expect(second.items[0].id > first.items[1].id).toBe(true);
    for (const query of ['?status=nonsense', '?limit=0', '?who=me'])
      expect(code(await as(app.adminToken, 'GET', query))).toEqual([400, 'invalid_request']);
  });

  it.each(['/x', '/apr_00000000-0000-7000-8000-000000000000'])('knows no approval %s', async (path) => {
    expect(code(await as(app.adminToken, 'GET', path))).toEqual([404, 'not_found']);
    expect(code(await as(app.adminToken, 'POST', `${path}/approve`))).toEqual([404, 'not_found']);
  });
});
