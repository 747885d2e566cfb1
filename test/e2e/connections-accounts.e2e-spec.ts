import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { archive } from '../support/administration.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { browse } from '../support/browser.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';
import { type Oracle, startOracle } from '../support/oracle.js';
import { SubjectIssuer } from '../support/subject-issuer.js';
import { eventually, startTokenServer, type TokenServer } from '../support/token-server.js';

const SECRET = 'client-secret-canary-1ac7-0123456789abcdef';
let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let oracle: Oracle;
let tokens: TokenServer;
let upstream: Upstream;
let seen: string[] = [];

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  oracle = await startOracle(
    {
      client_id: 'caracal',
      client_secret: SECRET,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [`${app.url}/oauth2/callback`],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    true,
  );
  tokens = await startTokenServer();
  upstream = await startUpstream((request, response) => {
    seen.push(request.headers.authorization ?? '');
    response.end('ok');
  });
});
afterAll(async () => {
  await oracle.close();
  await tokens.close();
  await upstream.close();
  await app.close();
});
beforeEach(() => {
  tokens.reset();
  seen = [];
});

/** A provider in front of the real authorization server, or of the one whose answers a test decides. */
const realConfig = (): object => ({
  authorization_endpoint: `${oracle.issuer}/auth`,
  token_endpoint: `${oracle.issuer}/token`,
  revocation_endpoint: `${oracle.issuer}/token/revocation`,
  issuer: oracle.issuer,
  client_id: 'caracal',
  auth_method: 'client_secret_basic',
  scope: 'openid offline_access',
  params: { prompt: 'consent' },
});
const scriptedConfig = (): object => ({
  authorization_endpoint: 'https://accounts.example/authorize',
  token_endpoint: `${tokens.url}/token`,
  revocation_endpoint: `${tokens.url}/revoke`,
  client_id: 'c',
  auth_method: 'client_secret_post',
  scope: 'mail',
});

const gateway = (config: object, target: string): Promise<GatewayScene> =>
  addResource(scene, client, {
    upstream: target,
    provider: { kind: 'oauth2_authorization_code', config, secret: { client_secret: SECRET } },
  });

async function providerOf(gateway: GatewayScene): Promise<string> {
  return ok(await scene.admin('GET', `/resources/${gateway.resource.id}`)).provider as string;
}

interface Begun {
  readonly id: string;
  readonly url: URL;
}

async function begin(provider: string, subject?: string): Promise<Begun> {
  const body = created(await scene.admin('POST', '/connections', { provider, ...(subject ? { subject } : {}) }));
  expect(body).toMatchObject({ provider, status: 'pending' });
  return { id: body.id as string, url: new URL(body.authorize_url as string) };
}

const callback = (parameters: Record<string, string>): Promise<Response> =>
  fetch(`${app.url}/oauth2/callback?${new URLSearchParams(parameters).toString()}`);

/** A connection at the scripted server. */
async function connect(provider: string, subject?: string): Promise<string> {
  const { id, url } = await begin(provider, subject);
  const answer = await callback({ state: url.searchParams.get('state') ?? '', code: 'the-code' });
  expect(answer.status).toBe(200);
  return id;
}

const connection = async (id: string): Promise<Record<string, unknown>> =>
  ok(await scene.admin('GET', `/connections/${id}`)) as Record<string, unknown>;

async function sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const direct = new pg.Client(app.dsn);
  await direct.connect();
  try {
    return (await direct.query(text, values)).rows as Record<string, unknown>[];
  } finally {
    await direct.end();
  }
}

/** A rotating server: each refresh token works once; a used one is refused for good (RFC 9700 §4.14.2). */
function rotating(expiresIn: number): { rotations: number } {
  const state = { rotations: 0 };
  const live = new Set<string>();
  tokens.answer = ({ path, form }) => {
    if (path === '/revoke') return { status: 200, body: '' };
    const used = form.get('refresh_token');
    if (used !== null && !live.delete(used)) return { status: 400, body: { error: 'invalid_grant' } };
    state.rotations += 1;
    const refresh = `rt-${state.rotations}-canary`;
    live.add(refresh);
    return {
      access_token: `at-${state.rotations}-canary`,
      refresh_token: refresh,
      token_type: 'Bearer',
      expires_in: expiresIn,
    };
  };
  return state;
}

describe('accounts at a real authorization server (oidc-provider)', () => {
  it('are connected by their owners with PKCE, renewed with rotation, and never mixed up', async () => {
    const one = await gateway(realConfig(), oracle.issuer);
    const provider = await providerOf(one);
    const other = await scene.client();
    await scene.grant(other, one.resource, ['use']);
    const stranger = await scene.client();
    await scene.grant(stranger, one.resource, ['use']);
    for (const [subject, login] of [
      [`app:${client.id}`, 'alice'],
      [`app:${other.id}`, 'bob'],
    ] as const) {
      const { id, url } = await begin(provider, subject);
      expect(url.searchParams.get('code_challenge_method')).toBe('S256');
      url.searchParams.set('login_hint', login);
      const page = await browse(url.href);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Connected')]);
      expect(await connection(id)).toMatchObject({ status: 'active', subject, renewable: true });
    }
    const who = async (owner: SceneClient): Promise<unknown> => {
      const fields = { grant_type: 'client_credentials', resource: one.resource.gateway_url };
      const token = ok(await scene.oauth('token', fields, owner)).access_token as string;
      const answer = await one.get('/me', { token });
      return answer.status === 200
        ? ((await answer.json()) as { sub: string }).sub
        : answer.headers.get('caracal-error');
    };
    // Every access token is in its last 30 seconds from the beginning, so each of these renews, and each renewal rotates.
    for (let round = 0; round < 3; round += 1) expect([await who(client), await who(other)]).toEqual(['alice', 'bob']);
    expect(await who(stranger)).toBe('credential_unavailable');
    const rows = await sql('SELECT refresh_version FROM caracal.connections WHERE provider = $1', [provider]);
    expect(rows.map((row) => Number(row['refresh_version']) >= 3)).toEqual([true, true]);
  });

  it('are revoked there as well (RFC 7009)', async () => {
    const one = await gateway(realConfig(), oracle.issuer);
    const { id, url } = await begin(await providerOf(one));
    url.searchParams.set('login_hint', 'carol');
    expect((await browse(url.href)).status).toBe(200);
    expect((await one.get('/me')).status).toBe(200);
    const answer = await scene.admin('POST', '/revocations', { kind: 'connection', id, reason: 'left' });
    expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ kind: 'connection', id })]);
    expect((await one.get('/me')).headers.get('caracal-error')).toBe('credential_unavailable');
    const [forgotten] = await eventually(async () => {
      const found = (await scene.entries('type=connection.forgotten')).filter(
        ({ entry }) => (entry['detail'] as { connection: string }).connection === id,
      );
      return found.length > 0 && found;
    }, 'the upstream is told');
    expect(forgotten?.entry['detail']).not.toHaveProperty('upstream');
    expect(await sql('SELECT refresh_sealed, verifier_sealed FROM caracal.connections WHERE id = $1', [id])).toEqual([
      { refresh_sealed: null, verifier_sealed: null },
    ]);
  });
});

describe('the way back of the connect flow', () => {
  it('[T2] takes each state once, whatever comes with it and however many come at once', async () => {
    const provider = await providerOf(await gateway(scriptedConfig(), upstream.url));
    const { id, url } = await begin(provider);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'c',
      redirect_uri: `${app.url}/oauth2/callback`,
      scope: 'mail',
    });
    const state = url.searchParams.get('state') ?? '';
    const answers = await Promise.all(Array.from({ length: 10 }, () => callback({ state, code: 'the-code' })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
    expect(tokens.requests).toHaveLength(1);
    const { form } = tokens.requests[0] as (typeof tokens.requests)[0];
    expect(form.get('code')).toBe('the-code');
    expect(form.get('code_verifier')).toHaveLength(43);
    expect(await connection(id)).toMatchObject({ status: 'active' });
  });

  it.each([
    ['no state', {}],
    ['a state of another zone', { state: `other.${'a'.repeat(43)}`, code: 'c' }],
    ['text that is none', { state: "'; DROP TABLE connections", code: 'c' }],
  ])('[T2] refuses %s', async (_, parameters) => {
    const answer = await callback(parameters);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store']);
    expect(tokens.requests).toHaveLength(0);
  });

  it('[T2] a guessed state of the zone, one past its time, and a refusal leave no account connected', async () => {
    const provider = await providerOf(await gateway(scriptedConfig(), upstream.url));
    expect((await callback({ state: `${scene.zone}.${'a'.repeat(43)}`, code: 'c' })).status).toBe(400);
    const late = await begin(provider);
    await sql("UPDATE caracal.connections SET pending_until = now() - interval '1 second' WHERE id = $1", [late.id]);
    expect(await connection(late.id)).toMatchObject({ status: 'broken', reason: 'expired' });
    expect((await callback({ state: late.url.searchParams.get('state') ?? '', code: 'c' })).status).toBe(400);
    const denied = await begin(provider);
    const answer = await callback({
      state: denied.url.searchParams.get('state') ?? '',
      error: 'access_denied',
      error_description: '<b>',
    });
    expect([answer.status, await answer.text()]).toEqual([400, expect.not.stringContaining('<b>')]);
    expect(await connection(denied.id)).toMatchObject({ status: 'broken', reason: 'access_denied' });
    expect(tokens.requests).toHaveLength(0);
  });

  it('a connection that is made again replaces the one before', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    const provider = await providerOf(one);
    rotating(3_600);
    const first = await connect(provider);
    expect((await one.get('/x')).status).toBe(200);
    const second = await connect(provider);
    expect((await one.get('/x')).status).toBe(200);
    expect(seen).toEqual(['Bearer at-1-canary', 'Bearer at-2-canary']);
    expect([await connection(first), await connection(second)]).toEqual([
      expect.objectContaining({ status: 'revoked', reason: 'replaced' }),
      expect.objectContaining({ status: 'active' }),
    ]);
  });
});

describe('renewal of an account', () => {
  it('[T4] a hundred calls at expiry over two replicas use the refresh token once', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const state = rotating(3_600);
    await connect(await providerOf(one));
    const token = await one.mandate();
    await sql(
      'UPDATE caracal.upstream_tokens SET expires_at = now() WHERE connection IN (SELECT id FROM caracal.connections WHERE provider = $1)',
      [await providerOf(one)],
    );
    const { pathname } = new URL(one.resource.gateway_url);
    const calls = Array.from({ length: 100 }, (_, at) =>
      fetch(`${at % 2 === 0 ? app.url : replica.url}${pathname}/x`, { headers: { authorization: `Bearer ${token}` } }),
    );
    expect(new Set((await Promise.all(calls)).map((answer) => answer.status))).toEqual(new Set([200]));
    expect([state.rotations, new Set(seen)]).toEqual([2, new Set(['Bearer at-2-canary'])]);
    await replica.running.close(1_000);
  });

  it('an answer that was lost with the new refresh token breaks the connection; a server that fails does not', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    const provider = await providerOf(one);
    rotating(20);
    const { answer } = tokens;
    const id = await connect(provider);
    tokens.answer = () => ({ status: 503, body: '' });
    // What is left of the token serves while it works.
    expect((await one.get('/x')).status).toBe(200);
    expect(await connection(id)).toMatchObject({ status: 'active' });
    await sql('UPDATE caracal.upstream_tokens SET retry_at = NULL WHERE connection = $1', [id]);
    let lost = false;
    tokens.answer = async (request, count) => {
      const reply = await answer(request, count);
      if (lost) return reply;
      lost = true;
      return 'reset';
    };
    expect((await one.get('/x')).headers.get('caracal-error')).toBe('credential_unavailable');
    expect(await connection(id)).toMatchObject({ status: 'broken', reason: 'invalid_grant', renewable: false });
    const [broken] = await scene.entries('type=connection.broken').then((entries) => entries.slice(-1));
    expect(broken?.entry).toMatchObject({
      actor: { kind: 'system' },
      detail: { connection: id, provider, reason: 'invalid_grant' },
    });
    const asked = tokens.requests.length;
    expect((await one.get('/x')).status).toBe(502);
    expect(tokens.requests).toHaveLength(asked);
  });

  it('an account whose token has no end is used until the upstream refuses it', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    tokens.answer = () => ({ access_token: 'endless-canary', token_type: 'bearer' });
    await connect(await providerOf(one));
    for (let call = 0; call < 2; call += 1) expect((await one.get('/x')).status).toBe(200);
    expect([tokens.requests.length, seen]).toEqual([1, ['Bearer endless-canary', 'Bearer endless-canary']]);
  });
});

describe('whose account serves', () => {
  it('[T5] the subject’s own if it ever had one, else the shared one; never another subject’s', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    const provider = await providerOf(one);
    const issue = (name: string): void => {
      tokens.answer = () => ({ access_token: name, refresh_token: 'r', token_type: 'Bearer', expires_in: 3_600 });
    };
    issue('of-another');
    await connect(provider, 'app:app_another');
    expect((await one.get('/x')).status).toBe(502);
    issue('shared');
    await connect(provider);
    issue('own');
    expect((await one.get('/x')).status).toBe(200);
    const own = await connect(provider, `app:${client.id}`);
    expect((await one.get('/x')).status).toBe(200);
    expect(seen).toEqual(['Bearer shared', 'Bearer own']);
    // What was taken away is not replaced by another account unasked.
    expect((await scene.admin('DELETE', `/connections/${own}`)).status).toBe(204);
    expect((await one.get('/x')).status).toBe(502);
    const listed = ok(await scene.admin('GET', `/connections?provider=${provider}`)).items as { status: string }[];
    expect(listed.map(({ status }) => status)).toEqual(['active', 'active']);
    const revoked = ok(await scene.admin('GET', `/connections?provider=${provider}&status=revoked`)).items as {
      id: string;
    }[];
    expect(revoked.map(({ id }) => id)).toEqual([own]);
  });
});

describe('federated users', () => {
  let people: SubjectIssuer;
  let issuerId: string;
  beforeAll(async () => {
    people = await SubjectIssuer.start();
    const body = { issuer: people.url, audience: 'caracal' };
    issuerId = created(await scene.admin('POST', '/subject-issuers', body)).id as string;
  });
  afterAll(() => people.close());

  /** A mandate of the same application for one user. */
  async function mandateFor(sub: string, one: GatewayScene): Promise<string> {
    const session = await scene.session(await scene.applicationToken(client), {
      subject: { id_token: people.mint({ claims: { sub } }) },
    });
    const fields = { resource: one.resource.gateway_url };
    return ok(await scene.exchange(client, session.session_token, fields)).access_token as string;
  }

  it('[T5] two users of one application never share an account', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    const provider = await providerOf(one);
    for (const name of ['alice', 'bob']) {
      tokens.answer = () => ({
        access_token: `of-${name}`,
        refresh_token: 'r',
        token_type: 'Bearer',
        expires_in: 3_600,
      });
      await connect(provider, `user:${issuerId}:${name}`);
    }
    const bearers = await Promise.all(['alice', 'bob', 'carol'].map((name) => mandateFor(name, one)));
    const statuses = [];
    for (const token of [...bearers, ...bearers]) statuses.push((await one.get('/x', { token })).status);
    expect(statuses).toEqual([200, 200, 502, 200, 200, 502]);
    expect(seen).toEqual(['Bearer of-alice', 'Bearer of-bob', 'Bearer of-alice', 'Bearer of-bob']);
  });

  it('an assertion may speak for the user, as the user’s own issuer calls them, and for nobody without one', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const one = await addResource(scene, client, {
      upstream: upstream.url,
      provider: {
        kind: 'oauth2_jwt_bearer',
        config: { token_endpoint: `${tokens.url}/token`, assertion_issuer: 'svc', assertion_subject: '{subject}' },
        secret: { private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
      },
    });
    tokens.answer = ({ form }) => {
      const { sub } = claimsOf(form.get('assertion') ?? '') as { sub: string };
      return { access_token: `for-${sub}`, token_type: 'Bearer', expires_in: 600 };
    };
    const bearers = await Promise.all(['alice', 'bob'].map((name) => mandateFor(name, one)));
    for (const token of [...bearers, ...bearers]) expect((await one.get('/x', { token })).status).toBe(200);
    expect(seen).toEqual(['Bearer for-alice', 'Bearer for-bob', 'Bearer for-alice', 'Bearer for-bob']);
    expect(tokens.requests).toHaveLength(2);
    expect((await one.get('/x')).headers.get('caracal-error')).toBe('credential_unavailable');
  });
});

describe('what ends a connection', () => {
  it('a revocation is repeatable, one of nothing is not found, and the other replica follows', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    rotating(3_600);
    const id = await connect(await providerOf(one));
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const token = await one.mandate();
    const { pathname } = new URL(one.resource.gateway_url);
    const there = (): Promise<Response> =>
      fetch(`${replica.url}${pathname}/x`, { headers: { authorization: `Bearer ${token}` } });
    expect((await there()).status).toBe(200);
    expect((await scene.admin('POST', `/connections/${id}/revoke`, { reason: 'x' })).body).toMatchObject({
      status: 'revoked',
      reason: 'x',
    });
    await eventually(async () => (await there()).status === 502, 'the other replica knows');
    expect((await scene.admin('POST', `/connections/${id}/revoke`, {})).status).toBe(200);
    const body = { kind: 'connection', id, reason: 'again' };
    expect((await scene.admin('POST', '/revocations', body)).status).toBe(200);
    const unknown = { ...body, id: 'con_0193a1f0-0000-7000-8000-000000000000' };
    expect((await scene.admin('POST', '/revocations', unknown)).status).toBe(404);
    await eventually(async () => tokens.requests.some(({ path }) => path === '/revoke'), 'the upstream is told');
    await replica.running.close(1_000);
  });

  it('archiving the provider ends its connections in the same transaction, tells the upstream, and forgets the secret', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    const provider = await providerOf(one);
    rotating(3_600);
    const id = await connect(provider);
    const ask = scene.admin.bind(scene);
    expect((await archive(ask, `/providers/${provider}`)).status).toBe(204);
    expect(await connection(id)).toMatchObject({ status: 'revoked', reason: 'provider archived' });
    const told = await eventually(
      async () => tokens.requests.find(({ path }) => path === '/revoke'),
      'the upstream is told',
    );
    expect([told.form.get('token'), told.form.get('token_type_hint')]).toEqual(['rt-1-canary', 'refresh_token']);
    await eventually(async () => {
      const [row] = await sql('SELECT secret_sealed FROM caracal.providers WHERE id = $1', [provider]);
      return row?.['secret_sealed'] === null;
    }, 'the secret is forgotten');
  });

  it('[T1] only a connectable provider of the zone can be connected', async () => {
    const none = created(await scene.admin('POST', '/providers', { name: 'n', kind: 'none' }));
    for (const provider of [none.id as string, 'prv_0193a1f0-0000-7000-8000-000000000000', 'x'])
      expect((await scene.admin('POST', '/connections', { provider })).body).toMatchObject({
        status: 400,
        errors: [{ field: 'provider' }],
      });
  });

  it('[T5] a repeated creation does not show the link again, and no token is in the log, the ledger or an unsealed column', async () => {
    const one = await gateway(scriptedConfig(), upstream.url);
    rotating(3_600);
    const provider = await providerOf(one);
    await connect(provider);
    expect((await one.get('/x')).status).toBe(200);
    const key = { 'idempotency-key': '"connect-1"' };
    const first = await scene.admin('POST', '/connections', { provider }, key);
    const again = await scene.admin('POST', '/connections', { provider }, key);
    expect([first.status, again.status, again.body.authorize_url, again.body.id]).toEqual([
      201,
      201,
      undefined,
      first.body.id,
    ]);
    const state = new URL(first.body.authorize_url as string).searchParams.get('state') ?? '';
    expect((await callback({ state, code: 'code-canary-55' })).status).toBe(200);
    const tables = await sql(
      `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
       WHERE table_schema IN ('caracal', 'caracal_ledger', 'bullmq') AND table_type = 'BASE TABLE'`,
    );
    const rows = await Promise.all(tables.map(({ name }) => sql(`SELECT t::text AS row FROM ${String(name)} t`)));
    const kept =
      rows
        .flat()
        .map(({ row }) => String(row))
        .join('\n') + app.logs();
    expect(kept).not.toMatch(/(at|rt)-\d+-canary|code-canary|client-secret-canary/);
    expect(kept.includes(state.slice(-43))).toBe(false);
  });
});
