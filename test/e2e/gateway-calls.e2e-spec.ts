import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { bodyOf, type GatewayScene, openGateway, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, created, OAuthScene, ok } from '../support/oauth-scene.js';

let app: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
let seen: { method: string | undefined; url: string | undefined; headers: IncomingMessage['headers']; body: string }[] =
  [];

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: body.toString() });
      response
        .setHeader('content-type', 'application/json')
        .setHeader('server', 'secret-stack/1.0')
        .setHeader('set-cookie', 'a=b');
      response.end(JSON.stringify({ hello: 'world' }));
    });
  });
  gateway = await openGateway(app, {
    upstream: `${upstream.url}/base`,
    provider: { kind: 'api_key', config: { in: 'header', name: 'X-Api-Key' }, secret: { value: 'k-123456' } },
  });
});

afterAll(async () => {
  await upstream.close();
  await app.close();
});

async function problem(answer: Response): Promise<Record<string, unknown>> {
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  return (await answer.json()) as Record<string, unknown>;
}

describe('a governed call', () => {
  it('reaches the upstream with the credential and without the mandate, and carries a receipt', async () => {
    seen = [];
    const answer = await gateway.get('/things/1?q=%2F&&x', {
      headers: { 'x-request-id': 'call-1', cookie: 'c=1', 'x-api-key': 'mine', 'x-custom': 'kept' },
    });
    expect([answer.status, await answer.json()]).toEqual([200, { hello: 'world' }]);
    expect(answer.headers.get('x-request-id')).toBe('call-1');
    expect(answer.headers.get('authority-receipt')).toMatch(new RegExp(`^${gateway.scene.zone}/\\d+$`));
    expect([
      answer.headers.get('server'),
      answer.headers.get('set-cookie'),
      answer.headers.get('caracal-error'),
    ]).toEqual([null, null, null]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/base/things/1?q=%2F&&x',
      headers: {
        host: `127.0.0.1:${upstream.port}`,
        via: '1.1 caracal',
        'x-request-id': 'call-1',
        'x-api-key': 'k-123456',
        'x-custom': 'kept',
      },
    });
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
    expect(seen[0]?.headers).not.toHaveProperty('cookie');
    expect(seen[0]?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('[T6] is in the ledger before it leaves, and its outcome follows', async () => {
    const answer = await gateway.get('/ledger/path', { headers: { 'x-request-id': 'call-ledger' } });
    const index = Number(answer.headers.get('authority-receipt')?.split('/')[1]);
    const entries = await gateway.scene.entries('request_id=call-ledger');
    const intent = entries.find((one) => one.index === index)?.entry;
    expect(intent).toMatchObject({
      type: 'gateway.request',
      decision: 'allow',
      resource: gateway.resource.identifier,
      operation: { method: 'GET', path: '/ledger/path', template: '/**' },
      application: gateway.client.id,
      request_id: 'call-ledger',
    });
    let outcome: Record<string, unknown> | undefined;
    while (!outcome) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      outcome = (await gateway.scene.entries('request_id=call-ledger')).find(
        ({ entry }) => entry['type'] === 'gateway.outcome',
      )?.entry;
    }
    expect(outcome).toMatchObject({ detail: { ended: 'complete', status: 200, request: index, bytes_out: 17 } });
    expect(JSON.stringify(entries)).not.toContain('k-123456');
  });

  it('sends a body on as it is', async () => {
    seen = [];
    const answer = await gateway.get('', {
      method: 'POST',
      body: '{"a": 1 }',
      headers: { 'content-type': 'not even a type' },
    });
    expect(answer.status).toBe(200);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/base',
      body: '{"a": 1 }',
      headers: { 'content-type': 'not even a type', 'content-length': '9' },
    });
  });

  it('publishes protected resource metadata (RFC 9728 §2)', async () => {
    const answer = await fetch(
      `${app.url}/.well-known/oauth-protected-resource/g/${gateway.scene.zone}/${gateway.resource.slug}`,
    );
    expect(await answer.json()).toMatchObject({
      resource: gateway.resource.gateway_url,
      authorization_servers: [gateway.scene.issuer],
      scopes_supported: ['use'],
      bearer_methods_supported: ['header'],
    });
    expect(
      (await fetch(`${app.url}/.well-known/oauth-protected-resource/g/${gateway.scene.zone}/nothing`)).status,
    ).toBe(404);
  });
});

describe('[T3] refusals', () => {
  const metadata = (): string =>
    `${app.url}/.well-known/oauth-protected-resource/g/${gateway.scene.zone}/${gateway.resource.slug}`;

  it('no token: 401 with a challenge that names no error (RFC 6750 §3.1)', async () => {
    const answer = await gateway.get('/x', { token: undefined });
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([401, 'invalid_token']);
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${metadata()}"`);
    expect(await problem(answer)).toMatchObject({ status: 401, code: 'invalid_token' });
  });

  it('tokens that are not a mandate for this resource: 401 invalid_token', async () => {
    const scene = gateway.scene;
    const other = await openGateway(app, { upstream: upstream.url });
    const good = await gateway.mandate();
    const tokens = [
      'nonsense',
      `${good}x`,
      good.slice(0, -8),
      await scene.applicationToken(gateway.client),
      (await scene.session(await scene.applicationToken(gateway.client))).session_token,
      await other.mandate(),
      'a'.repeat(9_000),
    ];
    for (const token of tokens) {
      const answer = await gateway.get('/x', { token });
      expect([answer.status, answer.headers.get('caracal-error')]).toEqual([401, 'invalid_token']);
      expect(answer.headers.get('www-authenticate')).toBe(
        `Bearer resource_metadata="${metadata()}", error="invalid_token"`,
      );
    }
    for (const authorization of [`Basic ${good}`, good, `Bearer`, `Bearer ${good} ${good}`, `DPoP ${good}`]) {
      const answer = await gateway.get('/x', { token: undefined, headers: { authorization } });
      expect([authorization.slice(0, 12), answer.status]).toEqual([authorization.slice(0, 12), 401]);
    }
  });

  it('unknown zones and resources: 404 before any token is looked at', async () => {
    for (const path of [
      '/g/nowhere/none/x',
      `/g/${gateway.scene.zone}/none`,
      `/g/${gateway.scene.zone}`,
      '/g/',
      '/g/_system/x',
      '/g/A/b',
    ]) {
      const answer = await fetch(`${app.url}${path}`, { headers: { authorization: 'Bearer x' } });
      expect([path, answer.status, answer.headers.get('caracal-error')]).toEqual([path, 404, 'not_found']);
      expect(answer.headers.get('authority-receipt')).toBeNull();
    }
  });

  it('scopes and operations: 403', async () => {
    const limited = await openGateway(app, {
      upstream: upstream.url,
      scopes: ['read', 'write'],
      members: {
        operations: [
          { method: 'GET', path: '/items/{id}', scope: 'read' },
          { method: 'POST', path: '/items', scope: 'write' },
        ],
      },
    });
    const token = await limited.mandate({ scope: 'read' });
    expect((await limited.get('/items/1', { token })).status).toBe(200);
    expect((await limited.get('/items/1', { token, method: 'HEAD' })).status).toBe(200);
    const insufficient = await limited.get('/items', { token, method: 'POST', body: 'x' });
    expect([insufficient.status, insufficient.headers.get('caracal-error')]).toEqual([403, 'insufficient_scope']);
    expect(insufficient.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="write"');
    expect(insufficient.headers.get('authority-receipt')).toMatch(/\/\d+$/);
    for (const [method, path] of [
      ['GET', '/items'],
      ['DELETE', '/items/1'],
      ['OPTIONS', '/items/1'],
      ['GET', '/items/1/'],
      ['GET', '/Items/1'],
    ] as const) {
      const answer = await limited.get(path, { token, method });
      expect([method, path, answer.status, answer.headers.get('caracal-error')]).toEqual([
        method,
        path,
        403,
        'operation_not_permitted',
      ]);
    }
  });

  it('a scope withdrawn from the grant after the mandate was issued: insufficient_scope', async () => {
    const one = await openGateway(app, { upstream: upstream.url });
    const token = await one.mandate();
    expect((await one.get('/', { token })).status).toBe(200);
    const grants = ok(await one.scene.admin('GET', '/grants'));
    const etag = (await one.scene.admin('GET', `/grants/${one.grant}`)).headers.get('etag') ?? '';
    expect(grants.items).toHaveLength(1);
    expect(
      (await one.scene.admin('DELETE', `/grants/${one.grant}`, undefined, { 'if-match': etag })).status,
    ).toBeLessThan(300);
    const answer = await one.get('/', { token });
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([403, 'insufficient_scope']);
  });

  it('a body over the limit: 413 before the upstream is called', async () => {
    const small = await openGateway(app, { upstream: upstream.url, members: { limits: { max_body_bytes: 10 } } });
    seen = [];
    const announced = await small.get('/', { method: 'POST', body: 'x'.repeat(11) });
    expect([announced.status, announced.headers.get('caracal-error')]).toEqual([413, 'request_too_large']);
    expect(seen).toHaveLength(0);
    const chunked = await small.get('/', { method: 'POST', duplex: 'half', body: new Blob(['x'.repeat(20)]).stream() });
    expect(chunked.status).toBe(413);
    expect((await small.get('/', { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200);
  });

  it('too many calls: 429 with RateLimit fields, and RateLimit on answers before', async () => {
    const limited = await openGateway(app, { upstream: upstream.url, members: { limits: { requests_per_minute: 2 } } });
    const token = await limited.mandate();
    const first = await limited.get('/', { token });
    expect([first.status, first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([
      200,
      '"resource";q=2;w=60',
      '"resource";r=1;t=30',
    ]);
    expect((await limited.get('/', { token })).status).toBe(200);
    const third = await limited.get('/', { token });
    expect([third.status, third.headers.get('caracal-error')]).toEqual([429, 'rate_limited']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(third.headers.get('ratelimit')).toMatch(/^"resource";r=0;t=\d+$/);
  });
});

describe('[T3] the upstream side', () => {
  it('a dead upstream is 502, a slow one 504, an own listener 502 egress_denied', async () => {
    const dead = await startUpstream(() => undefined);
    await dead.close();
    const slow = await startUpstream(() => undefined);
    const cases: [string, object, number, string][] = [
      [dead.url, {}, 502, 'upstream_unavailable'],
      [slow.url, { limits: { timeout_ms: 50 } }, 504, 'upstream_timeout'],
    ];
    for (const [url, members, status, code] of cases) {
      const answer = await (await openGateway(app, { upstream: url, members })).get('/');
      expect([answer.status, answer.headers.get('caracal-error')]).toEqual([status, code]);
      expect(answer.headers.get('authority-receipt')).toMatch(/\/\d+$/);
    }
    await slow.close();
    const scene = await OAuthScene.open(app);
    const refused = await scene.admin('POST', '/resources', {
      slug: 'self',
      name: 'self',
      upstream_url: app.url,
      scopes: [],
      operations: [],
      enforcement: 'gateway',
    });
    expect([refused.status, refused.body.code]).toEqual([400, 'egress_denied']);
  });

  it.each([
    [{ kind: 'bearer', config: {}, secret: { token: 'tok-123456' } }, 'authorization', 'Bearer tok-123456'],
    [
      { kind: 'basic', config: { username: 'u' }, secret: { password: 'pass1234' } },
      'authorization',
      `Basic ${Buffer.from('u:pass1234').toString('base64')}`,
    ],
    [{ kind: 'none', config: {} }, 'authorization', undefined],
  ])('injects %j', async (provider, header, value) => {
    const one = await openGateway(app, { upstream: upstream.url, provider });
    seen = [];
    expect((await one.get('/')).status).toBe(200);
    expect(seen[0]?.headers[header]).toBe(value);
  });

  it('injects a key into the query in place of the caller’s own', async () => {
    const one = await openGateway(app, {
      upstream: upstream.url,
      provider: { kind: 'api_key', config: { in: 'query', name: 'key' }, secret: { value: 'q-123456' } },
    });
    seen = [];
    await one.get('/p?a=1&k%65y=mine&b=%2F');
    expect(seen[0]?.url).toBe('/p?a=1&b=%2F&key=q-123456');
  });

  it('mints an upstream mandate that says on whose behalf', async () => {
    const one = await openGateway(app, { upstream: upstream.url, provider: { kind: 'mandate', config: {} } });
    const token = await one.mandate();
    seen = [];
    await one.get('/', { token });
    const sent = seen[0]?.headers.authorization?.replace('Bearer ', '') ?? '';
    const [presented, minted] = [claimsOf(token), claimsOf(sent)];
    expect(minted).toMatchObject({
      aud: one.resource.identifier,
      sub: presented['sub'],
      txn: presented['txn'],
      scope: presented['scope'],
      client_id: one.client.id,
    });
    expect(minted['jti']).not.toBe(presented['jti']);
    expect(Number(minted['exp']) - Number(minted['iat'])).toBeLessThanOrEqual(60);
    expect((await one.get('/', { token: sent })).status).toBe(401);
  });

  it('[T5] an upstream that echoes the credential is scrubbed', async () => {
    const echo = await startUpstream((request, response) =>
      response.setHeader('x-echo', String(request.headers['x-api-key'])).end(JSON.stringify(request.headers)),
    );
    const one = await openGateway(app, {
      upstream: echo.url,
      provider: { kind: 'api_key', config: { in: 'header', name: 'X-Api-Key' }, secret: { value: 'echo-me-123456' } },
    });
    const answer = await one.get('/');
    const text = await answer.text();
    expect([answer.status, answer.headers.get('x-echo')]).toEqual([200, null]);
    expect(text).toContain('[redacted]');
    expect(text).not.toContain('echo-me-123456');
    await echo.close();
  });
});

describe('[T3] single use', () => {
  it('a mandate is good for one call; a failure that is the gateway’s own gives it back', async () => {
    const once = await openGateway(app, { upstream: upstream.url, members: { single_use: true } });
    const token = await once.mandate();
    expect((await once.get('/', { token })).status).toBe(200);
    const again = await once.get('/', { token });
    expect([again.status, again.headers.get('caracal-error')]).toEqual([401, 'replayed']);

    const dead = await startUpstream((_q, r) => r.end('late'));
    const { port } = dead;
    await dead.close();
    const flaky = await openGateway(app, { upstream: `http://127.0.0.1:${port}`, members: { single_use: true } });
    const kept = await flaky.mandate();
    expect((await flaky.get('/', { token: kept })).status).toBe(502);
    expect((await flaky.get('/', { token: kept })).headers.get('caracal-error')).toBe('upstream_unavailable');
  });
});

describe('[T3] the kill switch', () => {
  const cut = async (answer: Response): Promise<string> => {
    let text = '';
    try {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>)
        text += Buffer.from(chunk).toString();
      return `${text} CLEAN END`;
    } catch {
      return text;
    }
  };

  async function streaming(): Promise<{
    readonly events: Upstream;
    readonly gone: Promise<void>;
    readonly gateway: GatewayScene;
  }> {
    let went: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (went = resolve));
    const events = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
      response.on('close', went);
    });
    return { events, gone, gateway: await openGateway(app, { upstream: events.url }) };
  }

  it('terminating a session refuses the next call and cuts its open stream, told by an event, never a clean end', async () => {
    const { events, gone, gateway: one } = await streaming();
    const subject = await one.scene.applicationToken(one.client);
    const session = await one.scene.session(subject);
    const token = ok(
      await one.scene.exchange(one.client, session.session_token, { resource: one.resource.gateway_url }),
    ).access_token as string;
    const open = await one.get('/', { token });
    expect(open.status).toBe(200);
    const rest = cut(open);
    expect((await one.scene.runtime('POST', `/sessions/${session.id}/terminate`, subject, {})).status).toBe(200);
    expect(await rest).toBe('data: one\n\nevent: error\ndata: {"code":"revoked"}\n\n');
    await gone;
    const next = await one.get('/', { token });
    expect([next.status, next.headers.get('caracal-error')]).toEqual([401, 'revoked']);
    await events.close();
  });

  it.each(['token', 'application', 'zone', 'grant', 'resource'])('ending the %s cuts the stream', async (kind) => {
    const { events, gone, gateway: one } = await streaming();
    const token = await one.mandate();
    const open = await one.get('/', { token });
    const rest = cut(open);
    const ids: Record<string, string> = {
      token: String(claimsOf(token)['jti']),
      application: one.client.id,
      zone: one.scene.zone,
    };
    if (ids[kind] !== undefined)
      created(await one.scene.admin('POST', '/revocations', { kind, id: ids[kind], reason: 'test' }));
    else {
      const path = kind === 'grant' ? `/grants/${one.grant}` : `/resources/${one.resource.id}`;
      const etag = (await one.scene.admin('GET', path)).headers.get('etag') ?? '';
      expect((await one.scene.admin('DELETE', path, undefined, { 'if-match': etag })).status).toBeLessThan(300);
    }
    expect(await rest).not.toContain('CLEAN END');
    await gone;
    const next = await one.get('/', { token });
    expect(next.status).toBe({ token: 401, application: 401, zone: 401, grant: 403, resource: 404 }[kind]);
    await events.close();
  });

  it('a caller that goes away ends the call at the upstream', async () => {
    const { events, gone, gateway: one } = await streaming();
    const abort = new AbortController();
    await one.get('/', { signal: abort.signal });
    abort.abort();
    await gone;
    await events.close();
  });
});
