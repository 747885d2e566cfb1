import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import {
  ACCESS_TOKEN,
  claimsOf,
  created,
  OAuthScene,
  ok,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';
import { startFederatedIssuer } from '../support/federated-issuer.js';
import { type IdTokenChanges, SubjectIssuer } from '../support/subject-issuer.js';

const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

let app: TestApp;
let issuer: SubjectIssuer;
let scene: OAuthScene;
let client: SceneClient;
let resource: SceneResource;
let token: string;

beforeAll(async () => {
  app = await startTestApp();
  issuer = await SubjectIssuer.start();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  resource = await scene.resource(['read', 'write']);
  await scene.grant(client, resource, ['read', 'write']);
  created(await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' }));
  token = await scene.applicationToken(client);
});

afterAll(async () => {
  await app.close();
  await issuer.close();
});

const start = (idToken: string, body: object = {}, bearer = token): Promise<TestAnswer> =>
  scene.runtime('POST', '/sessions', bearer, { lifecycle: 'task', subject: { id_token: idToken }, ...body });

const exchangeUser = (
  idToken: string,
  actor: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<TestAnswer> =>
  scene.exchange(client, idToken, {
    subject_token_type: ID_TOKEN,
    actor_token: actor,
    actor_token_type: ACCESS_TOKEN,
    resource: resource.gateway_url,
    ...fields,
  });

const code = ({ status, body }: TestAnswer): [number, string] => [status, body.code ?? body.error];

describe('the keys of an issuer', () => {
  const withIssuer = async (
    run: (own: SubjectIssuer, open: (changes?: IdTokenChanges) => Promise<TestAnswer>) => Promise<void>,
    alg: 'ES256' | 'RS256' | 'PS256' | 'EdDSA' = 'ES256',
  ): Promise<void> => {
    const own = await SubjectIssuer.start(alg);
    try {
      created(await scene.admin('POST', '/subject-issuers', { issuer: own.url, audience: 'caracal' }));
      await run(own, (changes) => start(own.mint(changes)));
    } finally {
      await own.close();
    }
  };

  it.each(['RS256', 'PS256', 'EdDSA'] as const)('may sign with %s', (alg) =>
    withIssuer(async (_own, open) => expect((await open()).status).toBe(201), alg),
  );

  it('[T8] are fetched once for many at once, once more for a rotation, and not again for keys that nobody has', () =>
    withIssuer(async (own, open) => {
      const many = await Promise.all(Array.from({ length: 20 }, () => open()));
      expect(new Set(many.map((answer) => answer.status))).toEqual(new Set([201]));
      expect(own.asked).toEqual({ discovery: 1, keys: 1 });
      own.rotate();
      expect((await open()).status).toBe(201);
      expect(own.asked).toEqual({ discovery: 2, keys: 2 });
      for (let n = 0; n < 10; n += 1)
        expect(code(await open({ header: { kid: `unknown-${n}` } }))).toEqual([400, 'invalid_subject']);
      expect(own.asked).toEqual({ discovery: 2, keys: 2 });
    }));

  it.each<[string, (own: SubjectIssuer) => void]>([
    ['discovery is down', (own) => void (own.discovery = () => ({ status: 500 }))],
    [
      'discovery is another issuer’s',
      (own) => void (own.discovery = () => ({ body: '{"issuer":"https://evil.example"}' })),
    ],
    [
      'discovery leads elsewhere',
      (own) =>
        void (own.discovery = () => ({ status: 302, location: `${issuer.url}/.well-known/openid-configuration` })),
    ],
    ['the keys are no keys', (own) => void (own.keys = () => ({ body: '[]' }))],
    [
      'the keys are where nobody may go',
      (own) =>
        void (own.discovery = () => ({
          body: JSON.stringify({ issuer: own.url, jwks_uri: 'http://169.254.169.254/keys' }),
        })),
    ],
  ])('[T3] when %s nothing is believed and the failure is remembered', (_name, spoil) =>
    withIssuer(async (own, open) => {
      spoil(own);
      const answer = await open();
      expect(code(answer)).toEqual([503, 'temporarily_unavailable']);
      expect(answer.headers.get('retry-after')).not.toBeNull();
      const asked = { ...own.asked };
      const exchanged = await exchangeUser(own.mint(), token);
      expect(code(exchanged)).toEqual([503, 'temporarily_unavailable']);
      expect(own.asked).toEqual(asked);
    }),
  );
});

describe('a real OpenID provider (oidc-provider)', () => {
  it.each(['RS256', 'ES256'] as const)(
    'its users open sessions and are exchanged, with %s',
    async (alg) => {
      const real = await startFederatedIssuer(alg);
      try {
        const { id: its } = created(
          await scene.admin('POST', '/subject-issuers', { issuer: real.url, audience: 'caracal', algorithms: [alg] }),
        );
        const idToken = await real.signIn('nina', 'n-7');
        const session = created(await start('', { subject: { id_token: idToken, nonce: 'n-7' } }));
        expect(session.subject).toBe(`user:${its}:nina`);
        const answer = ok(await exchangeUser(await real.signIn('oscar', 'n-8'), token, { nonce: 'n-8' }));
        expect(claimsOf(answer.access_token)['sub']).toBe(`user:${its}:oscar`);
        expect(code(await exchangeUser(await real.signIn('oscar', 'n-9'), token, { nonce: 'n-8' }))).toEqual([
          400,
          'invalid_request',
        ]);
      } finally {
        await real.close();
      }
    },
    60_000,
  );
});

describe('subject issuers (administration)', () => {
  const post = (body: object): Promise<TestAnswer> => scene.admin('POST', '/subject-issuers', body);

  it('are made, read, listed, changed and archived', async () => {
    const made = await post({ issuer: 'https://login.example.com/tenant', audience: 'x', algorithms: ['ES256'] });
    const body = created(made);
    expect(body).toMatchObject({ audience: 'x', algorithms: ['ES256'], subject_claim: 'sub', status: 'active' });
    const path = `/subject-issuers/${body.id}`;
    expect(made.headers.get('location')).toBe(`/v1/zones/${scene.zone}${path}`);
    const read = await scene.admin('GET', path);
    const tag = { 'if-match': read.headers.get('etag') ?? '' };
    expect(ok(read)).toEqual(body);
    expect((ok(await scene.admin('GET', '/subject-issuers')).items as { id: string }[]).map((one) => one.id)).toContain(
      body.id,
    );
    expect(code(await scene.admin('PATCH', path, { audience: 'y' }))).toEqual([428, 'precondition_required']);
    expect(ok(await scene.admin('PATCH', path, { audience: 'y' }, tag))).toMatchObject({ audience: 'y' });
    expect(code(await scene.admin('PATCH', path, { audience: 'z' }, tag))).toEqual([412, 'precondition_failed']);
    expect(code(await post({ issuer: 'https://login.example.com/tenant', audience: 'x' }))).toEqual([409, 'conflict']);
    expect((await scene.admin('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
    expect(ok(await scene.admin('GET', path))).toMatchObject({ status: 'archived' });
    const anew = created(await post({ issuer: 'https://login.example.com/tenant', audience: 'x' }));
    expect(anew.id).not.toBe(body.id);
    expect(code(await scene.admin('PATCH', path, { audience: 'z' }, { 'if-match': '*' }))).toEqual([409, 'conflict']);
  });

  it('[T2] one that is archived proves nobody any more', async () => {
    const own = await SubjectIssuer.start();
    const { id: its } = created(await post({ issuer: own.url, audience: 'caracal', subject_claim: 'oid' }));
    const session = created(await start(own.mint({ claims: { oid: 'u-1' } })));
    expect(session.subject).toBe(`user:${its}:u-1`);
    expect(code(await start(own.mint()))).toEqual([400, 'invalid_subject']);
    await scene.admin('DELETE', `/subject-issuers/${its}`, undefined, { 'if-match': '*' });
    expect(code(await start(own.mint({ claims: { oid: 'u-1' } })))).toEqual([400, 'invalid_subject']);
    await own.close();
  });

  it.each<[string, object, number, string]>([
    ['no issuer', { audience: 'x' }, 400, 'invalid_request'],
    ['no audience', { issuer: 'https://a.example' }, 400, 'invalid_request'],
    ['an empty audience', { issuer: 'https://a.example', audience: '' }, 400, 'invalid_request'],
    ['plain http', { issuer: 'http://a.example', audience: 'x' }, 400, 'invalid_request'],
    ['a query', { issuer: 'https://a.example?x=1', audience: 'x' }, 400, 'invalid_request'],
    ['a fragment', { issuer: 'https://a.example#x', audience: 'x' }, 400, 'invalid_request'],
    ['a user', { issuer: 'https://u:p@a.example', audience: 'x' }, 400, 'invalid_request'],
    ['no URL', { issuer: 'a.example', audience: 'x' }, 400, 'invalid_request'],
    ['alg none', { issuer: 'https://a.example', audience: 'x', algorithms: ['none'] }, 400, 'invalid_request'],
    [
      'a symmetric algorithm',
      { issuer: 'https://a.example', audience: 'x', algorithms: ['HS256'] },
      400,
      'invalid_request',
    ],
    ['no algorithm', { issuer: 'https://a.example', audience: 'x', algorithms: [] }, 400, 'invalid_request'],
    [
      'a claim that names nobody',
      { issuer: 'https://a.example', audience: 'x', subject_claim: 'iss' },
      400,
      'invalid_request',
    ],
    [
      'an unknown member',
      { issuer: 'https://a.example', audience: 'x', jwks_uri: 'https://b' },
      400,
      'invalid_request',
    ],
    ['a private address', { issuer: 'https://10.0.0.1', audience: 'x' }, 400, 'egress_denied'],
    ['the metadata service', { issuer: 'https://169.254.169.254', audience: 'x' }, 400, 'egress_denied'],
  ])('[T3] refuses %s', async (_name, body, status, error) => {
    expect(code(await post(body))).toEqual([status, error]);
  });
});
