import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { KeyHolder, type ProofChanges } from '../support/dpop.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { ACCESS_TOKEN, claimsOf, created, EXCHANGE, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let calendar: GatewayScene;
let upstream: Upstream;
let calls = 0;

beforeAll(async () => {
  upstream = await startUpstream((request, response) => {
    calls += 1;
    response.setHeader('dpop-nonce', 'of-the-upstream').end(JSON.stringify(request.headers));
  });
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  calendar = await addResource(scene, client, { upstream: upstream.url });
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

const tokenUrl = (at = scene): string => `${at.issuer}/oauth2/token`;
const CC = { grant_type: 'client_credentials' };

/** A request to the token endpoint with the proof of a key. */
function request(key: KeyHolder, fields: Record<string, string | string[]>, by?: SceneClient, changes?: ProofChanges) {
  return scene.oauth('token', fields, by, { dpop: key.proof('POST', tokenUrl(), changes) });
}

function runtime(key: KeyHolder, token: string, method: string, path: string, body?: unknown): Promise<TestAnswer> {
  const dpop = key.proof(method, `${scene.issuer}${path}`, { token });
  return call(scene.issuer, { method, path, body, headers: { authorization: `DPoP ${token}`, dpop } });
}

function get(token: string, headers: Record<string, string>, path = '/x'): Promise<Response> {
  return fetch(`${calendar.resource.gateway_url}${path}`, { headers: { authorization: `DPoP ${token}`, ...headers } });
}

async function boundMandate(key: KeyHolder): Promise<string> {
  return ok(await request(key, { ...CC, resource: calendar.resource.gateway_url }, client)).access_token;
}

async function boundSession(key: KeyHolder): Promise<{ id: string; session_token: string }> {
  return scene.session(await scene.applicationToken(client), { jwk: key.jwk });
}

const subject = (token: string): Record<string, string> => ({
  grant_type: EXCHANGE,
  subject_token: token,
  subject_token_type: ACCESS_TOKEN,
  resource: calendar.resource.gateway_url,
});

describe('the token endpoint (RFC 9449 §5)', () => {
  it.each(['ES256', 'EdDSA', 'Ed25519'] as const)('binds the new token to the key of a proof by %s', async (alg) => {
    const key = new KeyHolder(alg);
    const answer = ok(await request(key, { ...CC, resource: calendar.resource.gateway_url }, client));
    expect(answer.token_type).toBe('DPoP');
    const { jkt } = claimsOf(answer.access_token)['cnf'] as { jkt: string };
    expect(jkt).toHaveLength(43);
    const seen = ok(await scene.oauth('introspect', { token: answer.access_token }, client));
    expect(seen).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt } });
    expect(
      (
        await get(answer.access_token, {
          dpop: key.proof('GET', `${calendar.resource.gateway_url}/x`, { token: answer.access_token }),
        })
      ).status,
    ).toBe(200);
  });

  it('[T2] refuses a bad proof with invalid_dpop_proof and keeps one ledger entry', async () => {
    const answer = await request(new KeyHolder(), CC, client, { claims: { htm: 'GET' } });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_dpop_proof']);
    const entries = await scene.entries(`request_id=${answer.headers.get('x-request-id')}`);
    expect(entries.map(({ entry }) => [entry['decision'], entry['reasons'], entry['application']])).toEqual([
      ['deny', ['invalid_dpop_proof'], client.id],
    ]);
  });

  it('[T2] 200 parallel uses of one proof yield exactly one token, on two replicas (RFC 9449 §11.1)', async () => {
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const dpop = new KeyHolder().proof('POST', tokenUrl());
    const bases = [scene.issuer, `${replica.url}/z/${scene.zone}`];
    const fields = new URLSearchParams({ ...CC, client_id: client.id, client_secret: client.secret }).toString();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const answer = await fetch(`${bases[at % 2]}/oauth2/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', dpop },
          body: fields,
        });
        return `${answer.status} ${((await answer.json()) as { error?: string }).error}`;
      }),
    );
    expect(answers.filter((answer) => answer.startsWith('200'))).toHaveLength(1);
    expect(answers.filter((answer) => answer === '400 invalid_dpop_proof')).toHaveLength(199);
  });

  describe('[T2] does not loosen a binding', () => {
    const key = new KeyHolder();
    const downgrades: [string, (token: string) => Promise<TestAnswer>][] = [
      ['without a proof', (token) => scene.oauth('token', subject(token), client)],
      ['with the proof of another key', (token) => request(new KeyHolder(), subject(token), client)],
    ];
    it.each(downgrades)('%s: application token as subject', async (_name, exchange) => {
      const answer = await exchange(ok(await request(key, CC, client)).access_token);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_dpop_proof']);
    });

    it.each(downgrades)('%s: session token as subject', async (_name, exchange) => {
      const answer = await exchange((await boundSession(key)).session_token);
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_dpop_proof']);
    });

    it('with the proof of its key the mandate is bound to that key', async () => {
      const token = ok(await request(key, CC, client)).access_token;
      const answer = ok(await request(key, subject(token), client));
      expect(claimsOf(answer.access_token)['cnf']).toEqual(claimsOf(token)['cnf']);
    });

    it('a bound actor token needs its proof as well', async () => {
      const session = await boundSession(key);
      const free = await scene.applicationToken(client);
      const fields = { ...subject(free), actor_token: session.session_token, actor_token_type: ACCESS_TOKEN };
      expect((await scene.oauth('token', fields, client)).body.error).toBe('invalid_dpop_proof');
    });
  });

  it('gives one bound mandate for resources that verify for themselves, and none unbound (RFC 8707 §2)', async () => {
    const direct = { enforcement: 'direct', upstream_url: undefined, operations: undefined, provider: undefined };
    const resources = [await scene.resource(['read'], direct), await scene.resource(['read'], direct)];
    for (const resource of resources) await scene.grant(client, resource, ['read']);
    const fields = { ...CC, resource: resources.map((resource) => resource.identifier), scope: 'read' };
    expect((await scene.oauth('token', fields, client)).body.error).toBe('invalid_target');
    const answer = ok(await request(new KeyHolder(), fields, client));
    expect(claimsOf(answer.access_token)['aud']).toEqual(fields.resource);
  });
});

describe('a session token in the place of client authentication', () => {
  it('obtains a mandate with the proof of its key and nothing else', async () => {
    const key = new KeyHolder();
    const { id, session_token } = await boundSession(key);
    const answer = ok(await request(key, subject(session_token)));
    expect(claimsOf(answer.access_token)).toMatchObject({ client_id: client.id, sid: id, crd: expect.any(String) });
    expect(answer.token_type).toBe('DPoP');
  });

  const key = new KeyHolder();
  const refused: [string, () => Promise<TestAnswer>][] = [
    ['without a proof', async () => scene.oauth('token', subject((await boundSession(key)).session_token))],
    [
      'with the proof of another key',
      async () => request(new KeyHolder(), subject((await boundSession(key)).session_token)),
    ],
    [
      'when it is not bound',
      async () => request(key, subject((await scene.session(await scene.applicationToken(client))).session_token)),
    ],
    [
      'when it is an application token',
      async () => request(key, subject(ok(await request(key, CC, client)).access_token)),
    ],
    [
      'as actor token',
      async () => {
        const { session_token } = await boundSession(key);
        const free = await scene.applicationToken(client);
        return request(key, { ...subject(free), actor_token: session_token, actor_token_type: ACCESS_TOKEN });
      },
    ],
    [
      'for another grant',
      async () => request(key, { ...CC, client_id: client.id, subject_token: (await boundSession(key)).session_token }),
    ],
    [
      'when it was terminated',
      async () => {
        const { id, session_token } = await boundSession(key);
        ok(await runtime(key, session_token, 'POST', `/sessions/${id}/terminate`, {}));
        return request(key, subject(session_token));
      },
    ],
  ];
  it.each(refused)('[T2] %s it is no authentication', async (_name, attempt) => {
    const answer = await attempt();
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  it.each(['introspect', 'revoke'])('[T2] it authenticates nobody to %s', async (endpoint) => {
    const { session_token } = await boundSession(key);
    const dpop = key.proof('POST', `${scene.issuer}/oauth2/${endpoint}`, { token: session_token });
    const answer = await scene.oauth(endpoint, { token: session_token, ...subject(session_token) }, undefined, {
      dpop,
    });
    expect(answer.status).toBe(401);
  });
});

describe('the runtime API (RFC 9449 §7)', () => {
  it('takes a bound token with its proof, once', async () => {
    const key = new KeyHolder();
    const { id, session_token: token } = await boundSession(key);
    const path = `/sessions/${id}`;
    const headers = { authorization: `DPoP ${token}`, dpop: key.proof('GET', `${scene.issuer}${path}`, { token }) };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call(scene.issuer, { method: 'GET', path, headers })),
    );
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
    expect(answers.find((answer) => answer.status === 401)?.body.code).toBe('replayed');
  });

  it('[T3] spends no proof on a failure that is not the caller’s, and spends it once the call has left', async () => {
    const probe = await startUpstream(() => undefined);
    await probe.close();
    const limits = { max_concurrent: 1, queue_timeout_ms: 1 };
    const down = await addResource(scene, client, { upstream: probe.url, members: { limits } });
    const key = new KeyHolder();
    const url = `${down.resource.gateway_url}/x`;
    const token = ok(await request(key, { ...CC, resource: down.resource.gateway_url }, client)).access_token;
    const dpop = key.proof('GET', url, { token });
    const send = (proof = dpop) => fetch(url, { headers: { authorization: `DPoP ${token}`, dpop: proof } });
    const seen = async (): Promise<string> => (await send()).headers.get('caracal-error') ?? 'passed';
    expect([await seen(), await seen()]).toEqual(['upstream_unavailable', 'upstream_unavailable']);
    let finish: () => void = () => undefined;
    const back = createServer((_request, response) => void (finish = () => response.end())).listen(
      probe.port,
      '127.0.0.1',
    );
    const first = send(key.proof('GET', url, { token }));
    await once(back, 'request');
    expect(await seen()).toBe('overloaded');
    finish();
    await (await first).text();
    const passing = send();
    await once(back, 'request');
    finish();
    expect((await passing).status).toBe(200);
    expect(await seen()).toBe('replayed');
    back.closeAllConnections();
    back.close();
  });

  it.each<[string, (key: KeyHolder, token: string, url: string) => Record<string, string>, RegExp]>([
    [
      'as bearer',
      (_k, token) => ({ authorization: `Bearer ${token}` }),
      /^Bearer .*error="invalid_token", DPoP .*algs="ES256 EdDSA Ed25519"$/,
    ],
    [
      'as bearer with its proof',
      (key, token, url) => ({ authorization: `Bearer ${token}`, dpop: key.proof('GET', url, { token }) }),
      /^Bearer /,
    ],
    [
      'without a proof',
      (_k, token) => ({ authorization: `DPoP ${token}` }),
      /^DPoP .*error="invalid_dpop_proof", algs="/,
    ],
    [
      'with another key’s proof',
      (_k, token, url) => ({ authorization: `DPoP ${token}`, dpop: new KeyHolder().proof('GET', url, { token }) }),
      /^DPoP .*error="invalid_token"/,
    ],
    [
      'with the proof of another token',
      (key, token, url) => ({ authorization: `DPoP ${token}`, dpop: key.proof('GET', url, { token: 'x' }) }),
      /^DPoP .*error="invalid_dpop_proof"/,
    ],
    [
      'with the proof for another path',
      (key, token, url) => ({ authorization: `DPoP ${token}`, dpop: key.proof('GET', `${url}/tree`, { token }) }),
      /^DPoP .*error="invalid_dpop_proof"/,
    ],
  ])('[T2] refuses a bound token %s', async (_name, headersOf, challenge) => {
    const key = new KeyHolder();
    const { id, session_token } = await boundSession(key);
    const path = `/sessions/${id}`;
    const answer = await call(scene.issuer, {
      method: 'GET',
      path,
      headers: headersOf(key, session_token, `${scene.issuer}${path}`),
    });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
    expect(answer.headers.get('www-authenticate')).toMatch(challenge);
  });

  it('[T2] refuses an unbound token under the DPoP scheme', async () => {
    const token = await scene.applicationToken(client);
    expect((await runtime(new KeyHolder(), token, 'GET', '/sessions')).status).toBe(401);
  });

  it('binds a session to the proved key, and its refreshed token too', async () => {
    const key = new KeyHolder();
    const token = ok(await request(key, CC, client)).access_token;
    const started = created(await runtime(key, token, 'POST', '/sessions', { lifecycle: 'task' }));
    const renewed = ok(await runtime(key, started.session_token, 'POST', `/sessions/${started.id}/token`));
    expect(claimsOf(renewed.session_token)['cnf']).toEqual(claimsOf(token)['cnf']);
  });

  it('[T2] refreshes a bound session for nobody without the proof of its key', async () => {
    const key = new KeyHolder();
    const { id } = await boundSession(key);
    const path = `/sessions/${id}/token`;
    const token = await scene.applicationToken(client);
    const plain = await scene.runtime('POST', path, token);
    expect([plain.status, plain.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^DPoP /)]);
    const dpop = key.proof('POST', `${scene.issuer}${path}`, { token });
    const proved = await call(scene.issuer, {
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${token}`, dpop },
    });
    expect(claimsOf(ok(proved).session_token)['cnf']).toBeDefined();
  });
});

describe('the gateway (RFC 9449 §7)', () => {
  it('passes a proved call on without proof or token, and its proof works once across replicas', async () => {
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const key = new KeyHolder();
    const token = await boundMandate(key);
    const dpop = key.proof('GET', `${calendar.resource.gateway_url}/x`, { token });
    const urls = [calendar.resource.gateway_url, calendar.resource.gateway_url.replace(app.url, replica.url)];
    const before = calls;
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        fetch(`${urls[at % 2]}/x?q=${at}`, { headers: { authorization: `DPoP ${token}`, dpop } }),
      ),
    );
    const passed = answers.filter((answer) => answer.status === 200);
    expect([passed.length, calls - before]).toEqual([1, 1]);
    expect(passed[0]?.headers.get('dpop-nonce')).toBeNull();
    expect(Object.keys((await passed[0]?.json()) as object)).not.toContain('dpop');
    const refused = answers.find((answer) => answer.status === 401);
    expect(refused?.headers.get('caracal-error')).toBe('replayed');
    expect(refused?.headers.get('www-authenticate')).toMatch(
      /^DPoP resource_metadata="[^"]+", error="invalid_dpop_proof", algs=/,
    );
  });

  it.each<[string, (key: KeyHolder, token: string, url: string) => Record<string, string>, RegExp]>([
    [
      'as bearer',
      (key, token, url) => ({ authorization: `Bearer ${token}`, dpop: key.proof('GET', url, { token }) }),
      /^Bearer resource_metadata="[^"]+", error="invalid_token", DPoP resource_metadata="[^"]+", algs="/,
    ],
    ['without a proof', () => ({}), /^DPoP resource_metadata="[^"]+", error="invalid_dpop_proof", algs="/],
    [
      'with another key’s proof',
      (_k, token, url) => ({ dpop: new KeyHolder().proof('GET', url, { token }) }),
      /error="invalid_token"/,
    ],
    ['with a proof without ath', (key, _t, url) => ({ dpop: key.proof('GET', url) }), /error="invalid_dpop_proof"/],
    [
      'with a proof for another method',
      (key, token, url) => ({ dpop: key.proof('POST', url, { token }) }),
      /error="invalid_dpop_proof"/,
    ],
  ])('[T3] refuses a bound mandate %s', async (_name, headersOf, challenge) => {
    const key = new KeyHolder();
    const token = await boundMandate(key);
    const answer = await get(token, headersOf(key, token, `${calendar.resource.gateway_url}/x`));
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([401, 'invalid_token']);
    expect(answer.headers.get('www-authenticate')).toMatch(challenge);
    expect(answer.headers.get('authority-receipt')).not.toBeNull();
  });

  it('[T3] refuses an unbound mandate under the DPoP scheme', async () => {
    const token = await calendar.mandate();
    const dpop = new KeyHolder().proof('GET', `${calendar.resource.gateway_url}/x`, { token });
    expect((await get(token, { dpop })).status).toBe(401);
  });
});

describe('nonces (RFC 9449 §8, §9)', () => {
  let strict: OAuthScene;
  let who: SceneClient;
  let guarded: GatewayScene;

  beforeAll(async () => {
    strict = await OAuthScene.open(app);
    who = await strict.client();
    guarded = await addResource(strict, who, { upstream: upstream.url });
    const zone = await app.admin('GET', `/v1/zones/${strict.zone}`);
    const match = { 'if-match': zone.headers.get('etag') ?? '' };
    ok(await app.admin('PATCH', `/v1/zones/${strict.zone}`, { dpop_nonce: 'required' }, match));
  });

  it('are demanded and handed out by token endpoint, gateway and runtime API', async () => {
    const key = new KeyHolder();
    const fields = { ...CC, resource: guarded.resource.gateway_url };
    const ask = (fields: Record<string, string>, claims: object): Promise<TestAnswer> =>
      strict.oauth('token', fields, who, { dpop: key.proof('POST', tokenUrl(strict), { claims: { ...claims } }) });
    const first = await ask(fields, {});
    expect([first.status, first.body.error]).toEqual([400, 'use_dpop_nonce']);
    const nonce = first.headers.get('dpop-nonce');
    expect((await ask(fields, { nonce: `${nonce}x` })).body.error).toBe('use_dpop_nonce');
    const token = ok(await ask(fields, { nonce })).access_token;

    const url = `${guarded.resource.gateway_url}/x`;
    const at = (claims: object) =>
      fetch(url, {
        headers: { authorization: `DPoP ${token}`, dpop: key.proof('GET', url, { token, claims: { ...claims } }) },
      });
    const refused = await at({});
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="use_dpop_nonce"'),
    ]);
    const passed = await at({ nonce: refused.headers.get('dpop-nonce') });
    expect([passed.status, passed.headers.get('dpop-nonce')]).toEqual([200, expect.any(String)]);

    const application = ok(await ask(CC, { nonce })).access_token;
    const list = (claims: object) =>
      call(strict.issuer, {
        method: 'GET',
        path: '/sessions',
        headers: {
          authorization: `DPoP ${application}`,
          dpop: key.proof('GET', `${strict.issuer}/sessions`, { token: application, claims: { ...claims } }),
        },
      });
    const unready = await list({});
    expect([unready.status, unready.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="use_dpop_nonce"'),
    ]);
    expect((await list({ nonce: unready.headers.get('dpop-nonce') })).status).toBe(200);
  });

  it('do not burn the client assertion of the request that is to be repeated', async () => {
    const signer = new KeyHolder();
    const jwks = { keys: [signer.jwk] };
    created(await strict.admin('POST', `/applications/${who.id}/credentials`, { type: 'jwks', jwks }));
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: who.id, sub: who.id, aud: strict.issuer, iat: now, exp: now + 60, jti: 'once' };
    const fields = {
      ...CC,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signer.sign({ alg: 'ES256' }, claims),
    };
    const first = await strict.oauth('token', fields, undefined, { dpop: signer.proof('POST', tokenUrl(strict)) });
    expect(first.body.error).toBe('use_dpop_nonce');
    const nonce = first.headers.get('dpop-nonce');
    const dpop = signer.proof('POST', tokenUrl(strict), { claims: { nonce } });
    ok(await strict.oauth('token', fields, undefined, { dpop }));
  });
});

describe('metadata', () => {
  it('names the proof algorithms (RFC 9449 §5.1, RFC 9728 §2)', async () => {
    const algorithms = { dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519'] };
    const server = await fetch(`${scene.issuer}/.well-known/oauth-authorization-server`);
    expect(await server.json()).toMatchObject(algorithms);
    const path = calendar.resource.gateway_url.slice(app.url.length);
    const resource = await fetch(`${app.url}/.well-known/oauth-protected-resource${path}`);
    expect(await resource.json()).toMatchObject(algorithms);
  });
});
