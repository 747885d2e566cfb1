import { createPublicKey, generateKeyPair, generateKeyPairSync } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jwtVerify, createRemoteJWKSet } from 'jose';
import pg from 'pg';
import { startTestApp, type TestApp } from '../support/app.js';
import { patch } from '../support/administration.js';
import { addResource, bodyOf, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { OAuthScene, type SceneClient } from '../support/oauth-scene.js';
import { startTokenServer, type TokenServer } from '../support/token-server.js';

const SECRET = 'client-secret-canary-7d1f';
let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let tokens: TokenServer;
let upstream: Upstream;
/** `Authorization` of each call that arrived, and what the next ones are answered. */
let seen: string[] = [];
let reply: (authorization: string, body: string) => { status: number; body?: string } = () => ({ status: 200 });

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  tokens = await startTokenServer();
  upstream = await startUpstream((request, response) => {
    void bodyOf(request).then((body) => {
      const authorization = request.headers.authorization ?? '';
      seen.push(authorization);
      const { status, body: text = 'ok' } = reply(authorization, body.toString());
      response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
    });
  });
});
afterAll(async () => {
  await tokens.close();
  await upstream.close();
  await app.close();
});
beforeEach(() => {
  tokens.reset();
  seen = [];
  reply = () => ({ status: 200 });
});

const config = (more: object = {}): object => ({
  token_endpoint: `${tokens.url}/token`,
  client_id: 'the client',
  auth_method: 'client_secret_basic',
  ...more,
});

function gateway(provider: object = {}): Promise<GatewayScene> {
  const kind = { kind: 'oauth2_client_credentials', config: config(), secret: { client_secret: SECRET }, ...provider };
  return addResource(scene, client, { upstream: upstream.url, provider: kind });
}

async function sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const direct = new pg.Client(app.dsn);
  await direct.connect();
  try {
    return (await direct.query(text, values)).rows as Record<string, unknown>[];
  } finally {
    await direct.end();
  }
}

/** Calls the same resource by another replica's address. */
function through(replica: TestApp, scene: GatewayScene, token: string): Promise<Response> {
  const { pathname } = new URL(scene.resource.gateway_url);
  return fetch(`${replica.url}${pathname}/x`, { headers: { authorization: `Bearer ${token}` } });
}

describe('client credentials at an upstream (RFC 6749 §4.4)', () => {
  it('are obtained once, kept, and sent in place of the mandate', async () => {
    const one = await gateway({
      config: config({ scope: 'a b', audience: 'api', resource: 'https://r.example/x', params: { tenant: 't' } }),
    });
    for (let call = 0; call < 3; call += 1) expect((await one.get('/x')).status).toBe(200);
    expect(tokens.requests).toHaveLength(1);
    const { form, headers } = tokens.requests[0] as (typeof tokens.requests)[0];
    expect([...form]).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'a b'],
      ['audience', 'api'],
      ['resource', 'https://r.example/x'],
      ['tenant', 't'],
    ]);
    expect(headers.authorization).toBe(`Basic ${Buffer.from(`the+client:${SECRET}`).toString('base64')}`);
    expect(new Set(seen)).toEqual(new Set(['Bearer at-1-secret']));
  });

  it('are proved with a key when the provider has one (RFC 7523 §2.2), or sent in the form', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const keyed = await gateway({
      config: config({ auth_method: 'private_key_jwt', key_id: 'k1' }),
      secret: { private_key: pem },
    });
    expect((await keyed.get('/x')).status).toBe(200);
    const posted = await gateway({ config: config({ auth_method: 'client_secret_post' }) });
    expect((await posted.get('/x')).status).toBe(200);
    const [first, second] = tokens.requests.map(({ form }) => form);
    const assertion = await jwtVerify(
      first?.get('client_assertion') ?? '',
      createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
      {
        issuer: 'the client',
        subject: 'the client',
        audience: `${tokens.url}/token`,
        requiredClaims: ['jti', 'exp', 'iat'],
      },
    );
    expect(assertion.protectedHeader).toMatchObject({ alg: 'ES256', kid: 'k1' });
    expect([second?.get('client_id'), second?.get('client_secret')]).toEqual(['the client', SECRET]);
  });

  it('are renewed 30 seconds before they expire, and not sooner', async () => {
    const one = await gateway();
    tokens.answer = (_, count) => ({
      access_token: `short-${count}`,
      token_type: 'Bearer',
      expires_in: count === 1 ? 29 : 31,
    });
    for (let call = 0; call < 3; call += 1) expect((await one.get('/x')).status).toBe(200);
    expect([tokens.requests.length, seen]).toEqual([2, ['Bearer short-1', 'Bearer short-2', 'Bearer short-2']]);
  });

  it('[T5] nothing is sent upstream when there is no token, whatever is wrong, and the next good answer serves', async () => {
    const one = await gateway();
    const faults = [
      { status: 401, body: { error: 'invalid_client', error_description: SECRET } },
      { status: 500, body: SECRET },
      { status: 200, body: 'not json' },
      { status: 302, body: '', headers: { location: upstream.url } },
      'reset' as const,
    ];
    for (const fault of faults) {
      await sql('UPDATE caracal.upstream_tokens SET retry_at = NULL, failures = 0');
      tokens.answer = () => fault;
      const answer = await one.get('/x');
      expect([answer.status, answer.headers.get('caracal-error')]).toEqual([502, 'credential_unavailable']);
      expect(await answer.text()).not.toContain(SECRET);
    }
    expect(seen).toEqual([]);
    tokens.reset();
    await sql('UPDATE caracal.upstream_tokens SET retry_at = NULL');
    expect((await one.get('/x')).status).toBe(200);
    expect(seen).toHaveLength(1);
  });

  it('[T8] a failing server is asked less and less, and not at all while the delay runs', async () => {
    const one = await gateway();
    tokens.answer = () => ({ status: 503, body: '', headers: { 'retry-after': '30' } });
    for (let call = 0; call < 4; call += 1) expect((await one.get('/x')).status).toBe(502);
    expect(tokens.requests).toHaveLength(1);
    // What an administrator changes is tried at once.
    tokens.reset();
    const provider = (await scene.admin('GET', `/resources/${one.resource.id}`)).body.provider as string;
    await patch(scene.admin.bind(scene), `/providers/${provider}`, { secret: { client_secret: 'another' } });
    expect((await one.get('/x')).status).toBe(200);
  });

  it('[T12] a secret does not follow its provider to another place unasked', async () => {
    const one = await gateway();
    const provider = (await scene.admin('GET', `/resources/${one.resource.id}`)).body.provider as string;
    const elsewhere = { config: config({ token_endpoint: `${upstream.url}/token` }) };
    const ask = scene.admin.bind(scene);
    expect((await patch(ask, `/providers/${provider}`, elsewhere)).body).toMatchObject({
      status: 409,
      code: 'conflict',
    });
    expect(
      (await patch(ask, `/providers/${provider}`, { ...elsewhere, secret: { client_secret: 'new' } })).status,
    ).toBe(200);
  });

  it('[T3] a token endpoint where requests may not go is refused at registration', async () => {
    const body = { name: 'x', kind: 'oauth2_client_credentials', secret: { client_secret: SECRET } };
    for (const url of ['https://169.254.169.254/token', 'http://10.0.0.1/token', `${app.url}/token`]) {
      const answer = await scene.admin('POST', '/providers', { ...body, config: config({ token_endpoint: url }) });
      expect([url, answer.body.code]).toEqual([url, 'egress_denied']);
    }
  });
});

describe('one renewal upstream, however many ask', () => {
  it('[T4] a hundred calls at expiry over two replicas cause exactly one', async () => {
    const one = await gateway();
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const token = await one.mandate();
    tokens.answer = () => ({ access_token: 'expiring', token_type: 'Bearer', expires_in: 1 });
    for (const through_ of [app, replica]) expect((await through(through_, one, token)).status).toBe(200);
    tokens.reset();
    tokens.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { access_token: 'fresh', token_type: 'Bearer', expires_in: 3_600 };
    };
    seen = [];
    const calls = Array.from({ length: 100 }, (_, at) => through(at % 2 === 0 ? app : replica, one, token));
    const statuses = new Set((await Promise.all(calls)).map((answer) => answer.status));
    expect([[...statuses], tokens.requests.length, new Set(seen)]).toEqual([[200], 1, new Set(['Bearer fresh'])]);
    await replica.running.close(1_000);
  });

  it('[T4] a holder that died is waited for no longer than its lease; then another renews', async () => {
    const one = await gateway();
    expect((await one.get('/x')).status).toBe(200);
    tokens.reset();
    await sql(
      `UPDATE caracal.upstream_tokens SET access_sealed = NULL, generation = generation + 1,
         lease_holder = 'the dead', lease_until = now() + interval '1 second' WHERE provider = (SELECT provider FROM caracal.resources WHERE id = $1)`,
      [one.resource.id],
    );
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const token = await one.mandate();
    const answers = await Promise.all(Array.from({ length: 10 }, () => through(replica, one, token)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(tokens.requests).toHaveLength(1);
    await replica.running.close(1_000);
  });

  it('[T5] a warm call reads no database for its token', async () => {
    const one = await gateway();
    expect((await one.get('/x')).status).toBe(200);
    await sql('ALTER TABLE caracal.upstream_tokens RENAME TO upstream_tokens_away');
    try {
      expect((await one.get('/x')).status).toBe(200);
    } finally {
      await sql('ALTER TABLE caracal.upstream_tokens_away RENAME TO upstream_tokens');
    }
  });
});

describe('a token that the upstream refuses', () => {
  it('is replaced, and the request sent once more with the new one, body and all', async () => {
    const one = await gateway();
    reply = (authorization, body) =>
      authorization === 'Bearer at-1-secret' ? { status: 401, body: 'old' } : { status: 200, body };
    tokens.answer = (_, count) => ({ access_token: `at-${count}-secret`, token_type: 'Bearer', expires_in: 3_600 });
    const answer = await one.get('/x', { method: 'POST', body: 'the body', headers: { 'x-request-id': 'retried-1' } });
    expect([answer.status, await answer.text()]).toEqual([200, 'the body']);
    expect(seen).toEqual(['Bearer at-1-secret', 'Bearer at-2-secret']);
    expect((await one.get('/x')).status).toBe(200);
    expect(seen.at(-1)).toBe('Bearer at-2-secret');
  });

  it('is not replaced again and again: the second refusal is the caller’s answer', async () => {
    const one = await gateway();
    reply = () => ({ status: 401, body: 'never' });
    const answers = [];
    for (let call = 0; call < 3; call += 1) answers.push(await one.get('/x'));
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['never', 'never', 'never']);
    expect(answers.map((answer) => [answer.status, answer.headers.get('caracal-error')])).toEqual(
      Array.from({ length: 3 }, () => [401, null]),
    );
    expect([tokens.requests.length, seen.length]).toEqual([2, 4]);
  });

  it('a body too large to keep is sent once', async () => {
    const one = await gateway();
    reply = (_, body) => ({ status: 401, body: String(body.length) });
    const answer = await one.get('/x', { method: 'POST', body: 'x'.repeat(100_000) });
    expect([answer.status, await answer.text(), seen.length]).toEqual([401, '100000', 1]);
  });

  it('[T5] neither the old token nor the new one comes back', async () => {
    const one = await gateway();
    let first = true;
    reply = (authorization) => {
      const status = first ? 401 : 200;
      first = false;
      return { status, body: `${authorization} at-1-secret ${Buffer.from(`u:${authorization}`).toString('base64')}` };
    };
    tokens.answer = (_, count) => ({ access_token: `at-${count}-secret`, token_type: 'Bearer', expires_in: 3_600 });
    const text = await (await one.get('/x')).text();
    expect(text).toContain('[redacted] [redacted]');
    expect(text).not.toMatch(/at-\d-secret/);
    expect(Buffer.from(text.split(' ').at(-1) ?? '', 'base64').toString()).not.toContain('at-2-secret');
  });
});

describe('assertions and exchanged tokens', () => {
  it('an assertion under the provider’s own key is the grant (RFC 7523 §2.1)', async () => {
    // Not in this thread, where the server runs as well.
    const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 });
    const one = await gateway({
      kind: 'oauth2_jwt_bearer',
      config: {
        token_endpoint: `${tokens.url}/token`,
        assertion_issuer: 'svc',
        assertion_subject: 'robot',
        scope: 'mail',
      },
      secret: { private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    });
    expect((await one.get('/x')).status).toBe(200);
    const form = tokens.requests[0]?.form;
    expect([form?.get('grant_type'), form?.get('scope')]).toEqual([
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'mail',
    ]);
    const { payload } = await jwtVerify(form?.get('assertion') ?? '', publicKey, { algorithms: ['RS256'] });
    expect(payload).toMatchObject({ iss: 'svc', sub: 'robot', aud: `${tokens.url}/token`, scope: 'mail' });
  });

  it('the caller’s own authority is exchanged at the upstream’s server (RFC 8693), per caller', async () => {
    const provider = {
      kind: 'oauth2_token_exchange',
      config: config({ audience: 'api', issuer: 'https://as.example' }),
    };
    const one = await gateway(provider);
    const { provider: id } = (await scene.admin('GET', `/resources/${one.resource.id}`)).body as { provider: string };
    const other = await scene.client();
    await scene.grant(other, one.resource, ['use']);
    tokens.answer = (request) => {
      const { client_id } = JSON.parse(
        Buffer.from((request.form.get('subject_token') ?? '').split('.')[1] ?? '', 'base64url').toString(),
      ) as { client_id: string };
      return { access_token: `for-${client_id}`, issued_token_type: 'x', token_type: 'Bearer', expires_in: 600 };
    };
    const theirs = await scene.oauth(
      'token',
      { grant_type: 'client_credentials', resource: one.resource.gateway_url },
      other,
    );
    for (const token of [await one.mandate(), theirs.body.access_token as string, await one.mandate()])
      expect((await one.get('/x', { token })).status).toBe(200);
    expect(seen).toEqual([`Bearer for-${client.id}`, `Bearer for-${other.id}`, `Bearer for-${client.id}`]);
    expect(tokens.requests).toHaveLength(2);
    const { payload } = await jwtVerify(
      tokens.requests[0]?.form.get('subject_token') ?? '',
      createRemoteJWKSet(new URL(`${scene.issuer}/jwks.json`)),
      { issuer: scene.issuer, audience: 'https://as.example' },
    );
    expect(payload).toMatchObject({ client_id: client.id, sub: `app:${client.id}` });
    expect(await sql('SELECT count(*)::int AS n FROM caracal.upstream_tokens WHERE provider = $1', [id])).toEqual([
      { n: 2 },
    ]);
  });
});

describe('the test of a provider', () => {
  it('tries what can be tried without a caller, keeps nothing and shows nothing', async () => {
    const one = await gateway();
    const { provider } = (await scene.admin('GET', `/resources/${one.resource.id}`)).body as { provider: string };
    const good = await scene.admin('POST', `/providers/${provider}/test`);
    expect([good.status, good.body]).toEqual([
      200,
      {
        ok: true,
        checks: [
          { check: 'secret', outcome: 'ok' },
          { check: 'token', outcome: 'ok' },
          { check: 'upstream', outcome: 'ok' },
        ],
      },
    ]);
    expect(await sql('SELECT FROM caracal.upstream_tokens WHERE provider = $1', [provider])).toEqual([]);
    tokens.answer = () => ({ status: 401, body: { error: 'invalid_client', error_description: SECRET } });
    const bad = await scene.admin('POST', `/providers/${provider}/test`, {});
    expect(bad.body).toMatchObject({ ok: false, checks: [{}, { outcome: 'failed', code: 'invalid_client' }, {}] });
    expect(JSON.stringify([good.body, bad.body])).not.toMatch(/canary|at-\d/);
    expect(seen).toEqual([]);
    const entries = await scene.entries('type=admin.providers.test');
    expect(entries.length).toBeGreaterThanOrEqual(2);
    expect((await scene.admin('POST', '/providers/prv_0193a1f0-0000-7000-8000-000000000000/test', {})).status).toBe(
      404,
    );
  });
});

it('[T5] no secret and no token of an upstream stands in the log, the ledger, a job or a column that is not sealed', async () => {
  const one = await gateway();
  tokens.answer = () => ({
    access_token: 'token-canary-91c2',
    refresh_token: 'refresh-canary-02ab',
    token_type: 'Bearer',
    expires_in: 600,
  });
  expect((await one.get('/x')).status).toBe(200);
  expect(seen).toEqual(['Bearer token-canary-91c2']);
  const tables = await sql(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
     WHERE table_schema IN ('caracal', 'caracal_ledger', 'bullmq') AND table_type = 'BASE TABLE'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => sql(`SELECT t::text AS row FROM ${String(name)} t`)));
  const dump = rows
    .flat()
    .map(({ row }) => String(row))
    .join('\n');
  const forms = [SECRET, 'token-canary-91c2', 'refresh-canary-02ab'].flatMap((text) => [
    text,
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
    Buffer.from(text).toString('hex'),
  ]);
  for (const form of forms) {
    expect(dump.includes(form)).toBe(false);
    expect(app.logs().includes(form)).toBe(false);
  }
});
