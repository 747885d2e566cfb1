import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { KeyHolder } from '../support/dpop.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { SubjectIssuer } from '../support/subject-issuer.js';
import { ACCESS_TOKEN, EXCHANGE, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

const CLASSES = [
  'application',
  'session',
  'bound application',
  'bound session',
  'mandate',
  'bound mandate',
  'mandate of another resource',
  'direct mandate',
  'upstream mandate',
  'admin',
  'token of another zone',
  'id_token',
  'no token',
] as const;
type TokenKind = (typeof CLASSES)[number];

interface Held {
  readonly token: string;
  readonly key?: KeyHolder;
}

let app: TestApp;
let upstream: Upstream;
let scene: OAuthScene;
let client: SceneClient;
let calendar: GatewayScene;
let issuer: SubjectIssuer;
const held = new Map<TokenKind, Held>();

beforeAll(async () => {
  let seen = '';
  upstream = await startUpstream((request, response) => {
    seen = request.headers.authorization?.replace('Bearer ', '') ?? '';
    response.end('ok');
  });
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  calendar = await addResource(scene, client, { upstream: upstream.url });
  const passing = await addResource(scene, client, {
    upstream: upstream.url,
    provider: { kind: 'mandate', config: {} },
  });
  const direct = await scene.resource(['read'], {
    enforcement: 'direct',
    upstream_url: undefined,
    operations: undefined,
    provider: undefined,
  });
  await scene.grant(client, direct, ['read']);
  const key = new KeyHolder();
  const get = async (fields: Record<string, string> = {}, bound = false): Promise<Held> => {
    const headers = bound ? { dpop: key.proof('POST', `${scene.issuer}/oauth2/token`) } : {};
    const answer = await scene.oauth('token', { grant_type: 'client_credentials', ...fields }, client, headers);
    return { token: ok(answer).access_token, ...(bound ? { key } : {}) };
  };
  const application = await get();
  const session = await scene.session(application.token);
  const boundSession = await scene.session(application.token, { jwk: key.jwk });
  const target = { resource: calendar.resource.gateway_url };
  expect((await passing.get('/x')).status).toBe(200);
  issuer = await SubjectIssuer.start();
  await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' });
  const stranger = await OAuthScene.open(app);
  held
    .set('application', application)
    .set('session', { token: session.session_token })
    .set('bound application', await get({}, true))
    .set('bound session', { token: boundSession.session_token, key })
    .set('mandate', await get(target))
    .set('bound mandate', await get(target, true))
    .set('mandate of another resource', await get({ resource: passing.resource.gateway_url }))
    .set('direct mandate', await get({ resource: direct.identifier }))
    .set('upstream mandate', { token: seen })
    .set('id_token', { token: issuer.mint() })
    .set('admin', { token: app.adminToken })
    .set('token of another zone', { token: await stranger.applicationToken(await stranger.client()) });
});

afterAll(async () => {
  await app.close();
  await issuer.close();
  await upstream.close();
});

/** A request with the token in the header, with a proof when the token is bound. */
async function present(kind: TokenKind, method: string, url: string): Promise<number> {
  const one = held.get(kind);
  const headers: Record<string, string> = one ? { authorization: `${one.key ? 'DPoP' : 'Bearer'} ${one.token}` } : {};
  if (one?.key) headers['dpop'] = one.key.proof(method, url, { token: one.token });
  return (await call('', { method, path: url, headers })).status;
}

/** A token exchange with the token in a parameter. */
async function exchange(kind: TokenKind, as: 'subject' | 'actor'): Promise<string> {
  const one = held.get(kind);
  const token = one?.token ?? '';
  const subject = as === 'subject' ? token : (held.get('application')?.token ?? '');
  const actor = as === 'actor' ? { actor_token: token, actor_token_type: ACCESS_TOKEN } : {};
  const fields = {
    grant_type: EXCHANGE,
    subject_token: subject,
    subject_token_type: ACCESS_TOKEN,
    resource: calendar.resource.gateway_url,
    ...actor,
  };
  const dpop: Record<string, string> = one?.key ? { dpop: one.key.proof('POST', `${scene.issuer}/oauth2/token`) } : {};
  const { status, body } = await scene.oauth('token', fields, client, dpop);
  return status === 200 ? '200' : `${status} ${body.error}`;
}

const OURS: readonly TokenKind[] = ['application', 'session', 'bound application', 'bound session'];

describe('[T2] every class of token at every endpoint', () => {
  describe.each(CLASSES)('%s', (kind) => {
    const is = (...kinds: readonly TokenKind[]): boolean => kinds.includes(kind);

    it('at the runtime API', async () => {
      expect(await present(kind, 'GET', `${scene.issuer}/sessions`)).toBe(is(...OURS) ? 200 : 401);
    });

    it('at the gateway', async () => {
      const accepted = is('mandate', 'bound mandate');
      expect(await present(kind, 'GET', `${calendar.resource.gateway_url}/x`)).toBe(accepted ? 200 : 401);
    });

    it('at the administration API', async () => {
      expect(await present(kind, 'GET', `${app.url}/v1/zones/${scene.zone}`)).toBe(is('admin') ? 200 : 401);
    });

    it('at control invoke', async () => {
      expect([401, 403, 404, 503]).toContain(await present(kind, 'POST', `${app.url}/control/v1/invoke`));
    });

    it('as subject token', async () => {
      expect(await exchange(kind, 'subject')).toBe(is(...OURS) ? '200' : '400 invalid_request');
    });

    it('as id_token subject', async () => {
      const one = held.get(kind);
      const fields = {
        grant_type: EXCHANGE,
        subject_token: one?.token ?? '',
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        actor_token: held.get('application')?.token ?? '',
        actor_token_type: ACCESS_TOKEN,
        resource: calendar.resource.gateway_url,
      };
      const { status, body } = await scene.oauth('token', fields, client);
      expect([status, body.error]).toEqual(is('id_token') ? [200, undefined] : [400, 'invalid_request']);
    });

    it('as the proof of a session’s subject', async () => {
      const token = kind === 'id_token' ? issuer.mint() : (held.get(kind)?.token ?? '');
      const body = { lifecycle: 'task', subject: { id_token: token } };
      const answer = await scene.runtime('POST', '/sessions', held.get('application')?.token ?? '', body);
      expect([answer.status, answer.body.code]).toEqual(is('id_token') ? [201, undefined] : [400, 'invalid_subject']);
    });

    it('as actor token', async () => {
      // Without an actor token the exchange is the plain one.
      expect(await exchange(kind, 'actor')).toBe(is(...OURS) ? '200' : '400 invalid_request');
    });

    it.each(['token', 'introspect', 'revoke'])('in place of client authentication at %s', async (endpoint) => {
      const one = held.get(kind);
      const headers: Record<string, string> = one ? { authorization: `Bearer ${one.token}` } : {};
      const fields = { grant_type: 'client_credentials', token: 'x' };
      const { status, body } = await scene.oauth(endpoint, fields, undefined, headers);
      expect([status, body.error]).toEqual([401, 'invalid_client']);
    });

    it('asked about by the application it was issued to', async () => {
      const { active } = ok(await scene.oauth('introspect', { token: held.get(kind)?.token ?? 'none' }, client));
      expect(active).toBe(!is('admin', 'token of another zone', 'id_token', 'no token'));
    });
  });
});
