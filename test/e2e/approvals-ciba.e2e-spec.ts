import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as openid from 'openid-client';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import {
  ACCESS_TOKEN,
  claimsOf,
  created,
  OAuthScene,
  ok,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';
import { SubjectIssuer } from '../support/subject-issuer.js';

const CIBA = 'urn:openid:params:grant-type:ciba';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let api: SceneResource;
let issuer: SubjectIssuer;

beforeAll(async () => {
  app = await startTestApp();
  issuer = await SubjectIssuer.start();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  api = await scene.resource(['read', 'write', 'own', 'never']);
  await scene.grant(client, api, ['read', 'write', 'own', 'never']);
  created(await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' }));
  const never = 'forbid(principal, action == Action::"never", resource);';
  await activate(scene, PERMIT, needs('operator', 'write'), needs('subject', 'own'), never);
});
afterAll(async () => {
  await app.close();
  await issuer.close();
});

type Fields = Readonly<Record<string, string>>;
/** Each test asks under a client of its own, so that a hold of another test is not found. */
const newClient = async (): Promise<SceneClient> => {
  const who = await scene.client();
  await scene.grant(who, api, ['read', 'write', 'own', 'never']);
  return who;
};
const ask = (who: SceneClient, fields: Fields): Promise<TestAnswer> =>
  scene.oauth(
    'bc-authorize',
    { resource: api.gateway_url, scope: 'openid write', login_hint: 'operator', ...fields },
    who,
  );
const poll = (who: SceneClient, id: string): Promise<TestAnswer> =>
  scene.oauth('token', { grant_type: CIBA, auth_req_id: id }, who);
const decide = async (id: string, verdict: 'approve' | 'deny'): Promise<void> => {
  ok(await scene.admin('POST', `/approvals/${id}/${verdict}`, {}));
};

describe('CIBA in poll mode', () => {
  it('is in the metadata (CIBA Core §4)', async () => {
    const metadata = ok(await app.admin('GET', `/.well-known/oauth-authorization-server/z/${scene.zone}`));
    expect(metadata).toMatchObject({
      backchannel_authentication_endpoint: `${scene.issuer}/oauth2/bc-authorize`,
      backchannel_token_delivery_modes_supported: ['poll'],
      backchannel_user_code_parameter_supported: false,
    });
    expect(metadata.grant_types_supported).toContain(CIBA);
  });

  it('answers auth_req_id, expires_in and interval; the id is the approval’s (§7.3)', async () => {
    const answer = await ask(await newClient(), { binding_message: 'W4-SCT' });
    const { auth_req_id, expires_in, interval } = ok(answer);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(auth_req_id).toMatch(/^apr_/);
    expect(expires_in).toBeLessThanOrEqual(600);
    expect(expires_in).toBeGreaterThan(590);
    expect(interval).toBe(5);
    expect(ok(await scene.admin('GET', `/approvals/${auth_req_id}`))).toMatchObject({
      origin: 'ciba',
      status: 'pending',
      approver_class: 'operator',
      binding_message: 'W4-SCT',
      scopes: ['write'],
    });
  });

  it('openid-client drives it unmodified', async () => {
    const config = await openid.discovery(
      new URL(scene.issuer),
      client.id,
      undefined,
      openid.ClientSecretBasic(client.secret),
      {
        execute: [openid.allowInsecureRequests],
        algorithm: 'oauth2',
      },
    );
    const response = await openid.initiateBackchannelAuthentication(config, {
      scope: 'openid write',
      login_hint: 'operator',
      resource: api.gateway_url,
    });
    await decide(response.auth_req_id, 'approve');
    const tokens = await openid.pollBackchannelAuthenticationGrant(config, response);
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'write' });
    expect(claimsOf(tokens.access_token)).toMatchObject({ apr: response.auth_req_id, aud: api.gateway_url });
  });

  it('pending, slow_down, then the token; the same one again, as long as it is kept (§11)', async () => {
    const who = await newClient();
    const { auth_req_id } = ok(await ask(who, {}));
    const first = await poll(who, auth_req_id);
    expect([first.status, first.body.error]).toEqual([400, 'authorization_pending']);
    const second = await poll(who, auth_req_id);
    expect([second.status, second.body.error]).toEqual([400, 'slow_down']);
    await decide(auth_req_id, 'approve');
    const token = ok(await poll(who, auth_req_id)).access_token;
    expect(claimsOf(ok(await poll(who, auth_req_id)).access_token)).toEqual(claimsOf(token));
  });

  it('denied is access_denied, late is expired_token (§11)', async () => {
    const who = await newClient();
    const { auth_req_id } = ok(await ask(who, {}));
    await decide(auth_req_id, 'deny');
    const denied = await poll(who, auth_req_id);
    expect([denied.status, denied.body.error]).toEqual([403, 'access_denied']);
    const other = await newClient();
    const short = ok(await ask(other, { requested_expiry: '1' }));
    expect(short.expires_in).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const late = await poll(other, short.auth_req_id);
    expect([late.status, late.body.error]).toEqual([400, 'expired_token']);
  });

  it('[T2] an auth_req_id is bound to its client', async () => {
    const who = await newClient();
    const { auth_req_id } = ok(await ask(who, {}));
    await decide(auth_req_id, 'approve');
    for (const [by, id] of [
      [await newClient(), auth_req_id],
      [who, 'apr_00000000-0000-7000-8000-000000000000'],
      [who, 'x'],
    ] as const) {
      const refused = await poll(by, id);
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
    }
  });

  it('asks whom the client names even where policy would not', async () => {
    const who = await newClient();
    const { auth_req_id } = ok(await ask(who, { scope: 'read' }));
    expect((await poll(who, auth_req_id)).body.error).toBe('authorization_pending');
    await decide(auth_req_id, 'approve');
    expect(ok(await poll(who, auth_req_id)).scope).toBe('read');
  });

  it('reaches the person that a session works for, by its sub', async () => {
    const token = await scene.applicationToken(client);
    const begin = (): Promise<{ id: string; session_token: string }> =>
      scene.session(token, { subject: { id_token: issuer.mint({ claims: { sub: 'mary' } }) } });
    const session = await begin();
    const fields = {
      scope: 'openid own',
      login_hint: 'mary',
      subject_token: session.session_token,
      subject_token_type: ACCESS_TOKEN,
    };
    const { auth_req_id } = ok(await ask(client, fields));
    const approver = await begin();
    const { binding } = ok(await scene.runtime('GET', `/approvals/${auth_req_id}`, approver.session_token));
    ok(
      await scene.runtime('POST', `/approvals/${auth_req_id}/decision`, approver.session_token, {
        decision: 'approve',
        binding,
      }),
    );
    const released = ok(await poll(client, auth_req_id));
    expect(claimsOf(released.access_token)).toMatchObject({ sid: session.id, apr: auth_req_id, sub_type: 'user' });
    const gone = ok(await ask(client, { ...fields, scope: 'own read' }));
    ok(await scene.runtime('POST', `/sessions/${session.id}/terminate`, token, {}));
    expect((await poll(client, gone.auth_req_id)).body.error).toBe('invalid_grant');
  });

  it.each<[string, Fields, number, string]>([
    ['no scope', { scope: '' }, 400, 'invalid_request'],
    ['no hint', { login_hint: '' }, 400, 'invalid_request'],
    ['two hints', { login_hint_token: 'x' }, 400, 'invalid_request'],
    ['a hint of another kind', { login_hint: '', id_token_hint: 'x' }, 400, 'unknown_user_id'],
    ['a hint for nobody', { login_hint: 'alice' }, 400, 'unknown_user_id'],
    ['an operator where the subject decides', { scope: 'own' }, 400, 'unknown_user_id'],
    [
      'a binding message that could persuade',
      { binding_message: 'please approve this' },
      400,
      'invalid_binding_message',
    ],
    ['an expiry that is no number', { requested_expiry: 'soon' }, 400, 'invalid_request'],
    ['a signed request', { request: 'x' }, 400, 'invalid_request'],
    ['a scope that is not held', { scope: 'other' }, 400, 'invalid_scope'],
    ['no resource', { resource: '' }, 400, 'invalid_target'],
    ['what policy denies', { scope: 'never' }, 403, 'access_denied'],
    ['a token that is none', { subject_token: 'x', subject_token_type: ACCESS_TOKEN }, 400, 'invalid_request'],
  ])('refuses %s', async (_what, fields, status, error) => {
    const answer = await ask(client, fields);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  it('needs an authenticated client', async () => {
    const { status, body } = await scene.oauth('bc-authorize', { scope: 'write', login_hint: 'operator' });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  it('[T6] the request is in the ledger as a hold', async () => {
    const who = await newClient();
    const { auth_req_id } = ok(await ask(who, {}));
    const entries = (await scene.entries('')).filter(({ entry }) => entry['approval'] === auth_req_id);
    expect(entries.map(({ entry }) => [entry['type'], entry['decision']])).toEqual([
      ['approval.requested', undefined],
      ['exchange', 'hold'],
    ]);
  });
});
