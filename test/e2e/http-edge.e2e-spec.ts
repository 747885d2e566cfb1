import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { makeZoneOverHttp } from '../support/fixtures.js';

const MEMBERS = ['type', 'title', 'status', 'detail', 'instance', 'code'];

describe('the HTTP edge', () => {
  let app: TestApp;
  let authorization: string;

  beforeAll(async () => {
    app = await startTestApp();
    authorization = `Bearer ${app.adminToken}`;
    await makeZoneOverHttp(app, 'a');
  });

  afterAll(() => app.close());

  const send = (
    method: string,
    path: string,
    init: { body?: string | Buffer; headers?: Record<string, string> } = {},
  ) =>
    fetch(`${app.url}${path}`, {
      method,
      headers: { authorization, ...init.headers },
      ...(init.body === undefined ? {} : { body: init.body as never }),
    });
  const raw = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  const json = { 'content-type': 'application/json' };
  const POST = '/v1/zones/a/applications';

  it.each([
    ['a missing object', 'GET', '/v1/zones/a/applications/app_x', [404, 'not_found'] as const],
    ['a missing route', 'GET', '/v1/nothing', [404, 'not_found'] as const],
    ['a wrong method', 'PUT', '/v1/zones', [405, 'method_not_allowed'] as const],
    ['a bad limit', 'GET', '/v1/zones?limit=0', [400, 'invalid_request'] as const],
    ['a limit beyond the most', 'GET', '/v1/zones?limit=201', [400, 'invalid_request'] as const],
    ['a limit given twice', 'GET', '/v1/zones?limit=1&limit=2', [400, 'invalid_request'] as const],
    ['a foreign cursor', 'GET', '/v1/zones?cursor=%2A', [400, 'invalid_request'] as const],
    ['a malformed path', 'GET', '/v1/zones/%E0%A4%A', [400, 'invalid_request'] as const],
    ['a NUL in a path', 'GET', '/v1/zones/a%00b', [404, 'not_found'] as const],
  ])('answers %s with a problem document (RFC 9457 §3)', async (_name, method, path, [status, code]) => {
    const answer = await send(method, path, { headers: { 'x-request-id': 'req-e2e' } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ status, code, instance: 'req-e2e', type: `${app.url}/problems/${code}` });
    expect(Object.keys(body)).toEqual(expect.arrayContaining(MEMBERS));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toBe('req-e2e');
  });

  it('publishes what the types of its problems mean', async () => {
    const { body } = await call(app.url, { method: 'GET', path: '/problems/limit_exceeded' });
    expect(body).toEqual({ code: 'limit_exceeded', title: 'Limit exceeded', status: 429 });
    expect((await call(app.url, { method: 'GET', path: '/problems/constructor' })).status).toBe(404);
  });

  it.each([
    ['malformed JSON', '{"name":', json, 400],
    ['a duplicate member', '{"name":"a","name":"b"}', json, 400],
    ['a prototype member', '{"name":"a","__proto__":{}}', json, 400],
    ['a nested prototype member', '{"name":"a","settings":{"constructor":{}}}', json, 400],
    ['a lone surrogate', '{"name":"\\ud800"}', json, 400],
    ['ill-formed UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), json, 400],
    ['an unknown member', '{"name":"a","is_admin":true}', json, 400],
    ['a byte order mark', '\ufeff{"name":"a"}', json, 400],
    ['no media type', Buffer.from('{"name":"a"}'), {}, 415],
    ['a form', 'name=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['another charset', '{"name":"a"}', { 'content-type': 'application/json; charset=utf-16' }, 415],
    ['compression', '{"name":"a"}', { ...json, 'content-encoding': 'gzip' }, 415],
    ['too much', `{"name":"${'a'.repeat(1024 * 1024)}"}`, json, 413],
  ])('[T8] refuses a body with %s and makes nothing', async (_name, body, headers, status) => {
    const before = (await app.admin('GET', POST)).body.items.length;
    const answer = await send('POST', POST, { body, headers: headers });
    expect(answer.status).toBe(status);
    expect((await app.admin('GET', POST)).body.items).toHaveLength(before);
  });

  it.each([
    ['a member', '{"dry_run":true}', 'dry_run', 'is not known here; the request takes no body'],
    ['a list', '[1]', '', 'must be left out; the request takes no body'],
  ])('[T1] refuses a body with %s where the route takes none', async (_name, body, field, message) => {
    const answer = await send('POST', '/v1/zones/a/audit/retention/apply', { body, headers: json });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: 'invalid_request', errors: [{ field, message }] },
    ]);
  });

  it.each([
    ['GET', '/v1/zones/a', 'the request takes no query'],
    ['GET', '/v1/system', 'the request takes no query'],
    ['GET', '/v1/config/export', 'the request takes no query'],
    ['POST', '/v1/zones/a/kill', 'the request takes no query'],
    ['POST', '/v1/zones/a/audit/verify', 'the request takes no query'],
    ['GET', '/v1/zones/a/keys', 'known are cursor, limit'],
    ['GET', '/v1/zones/a/policies', 'known are cursor, limit'],
    ['GET', '/v1/policy-templates', 'known are cursor, limit'],
    ['GET', '/v1/admin-tokens', 'known are cursor, limit'],
    ['GET', '/v1/zones/a/grants', 'known are '],
  ])('[T1] refuses a query that nothing reads, and says what is known: %s %s', async (method, path, known) => {
    const answer = await app.admin(method, `${path}?dry_run=true`);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors).toEqual([
      { field: 'dry_run', message: expect.stringContaining(`is not known here; ${known}`) },
    ]);
  });

  it.each([
    '/health/ready',
    '/metrics',
    '/openapi.json',
    '/z/a/jwks.json',
    '/z/a/.well-known/oauth-authorization-server',
  ])('ignores parameters that clients of standard endpoints add (RFC 6749 §3.1): %s', async (path) => {
    expect((await app.admin('GET', `${path}?surprise=1`)).status).toBe(200);
  });

  it.each(['{}', 'null'])('takes %s for no body', async (body) => {
    const answer = await send('POST', '/v1/zones/a/audit/retention/apply', { body, headers: json });
    expect(answer.status).toBe(200);
  });

  it.each(['/v1/zones', '/g/a/nothing/x', '/z/a/jwks.json'])(
    '[T3] refuses two hosts for %s (RFC 9112 §3.2)',
    async (path) => {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('"code":"invalid_request"');
    },
  );

  it.each([
    ['QUERY', '/v1/zones', 'GET, HEAD, POST'],
    ['PURGE', '/v1/zones', 'GET, HEAD, POST'],
    ['QUERY', '/z/a/jwks.json', 'GET, HEAD'],
    ['QUERY', '/z/a/oauth2/token', 'POST'],
  ])('answers %s %s with 405 and what is allowed (RFC 9110 §15.5.6)', async (method, path, allowed) => {
    const answer = await raw(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer.toLowerCase()).toContain(`\r\nallow: ${allowed.toLowerCase()}\r\n`);
    expect(answer).toContain('"code":"method_not_allowed"');
  });

  it('does not send again what the caller has (RFC 9110 §13.1.2)', async () => {
    for (const path of ['/v1/zones/a', '/v1/config/export', '/z/a/jwks.json']) {
      const tag = (await send('GET', path)).headers.get('etag') ?? '';
      for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
        const answer = await send('GET', path, { headers: { 'if-none-match': known } });
        const { status, headers } = answer;
        expect([path, known, status, headers.get('etag'), await answer.text()]).toEqual([path, known, 304, tag, '']);
        expect(headers.get('content-type')).toBeNull();
      }
      for (const other of ['"x"', 'x', tag.slice(1), '']) {
        const answer = await send('GET', path, { headers: { 'if-none-match': other } });
        expect([path, other, answer.status]).toEqual([path, other, 200]);
      }
    }
  });

  it.each(['/v1/zones/a/policy-sets', '/v1/dead-letters', '/v1/policy-templates'])(
    'refuses cursors of other lists at %s',
    async (path) => {
      for (const key of ['1e400', '99999999999999999999', '-1', 'NaN', 'app_018f', '\u00e9']) {
        const answer = await send('GET', `${path}?cursor=${Buffer.from(key).toString('base64url')}`);
        expect([key, answer.status, await answer.json()]).toMatchObject([
          key,
          400,
          { code: 'invalid_request', errors: [{ field: 'cursor' }] },
        ]);
      }
    },
  );

  it('[T8] refuses a chunked body that grows beyond the limit', async () => {
    const chunk = 'a'.repeat(64 * 1024);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest(
        `${app.url}${POST}`,
        { method: 'POST', headers: { ...json, authorization } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      );
      sent.on('error', reject);
      sent.write('{"name":"');
      for (let index = 0; index < 20; index += 1) sent.write(chunk);
      sent.end('"}');
    });
    expect(status).toBe(413);
  });

  it.each([
    ['printable', 'abc 123', 'abc 123'],
    ['the longest', 'x'.repeat(128), 'x'.repeat(128)],
    ['too long', 'x'.repeat(129), undefined],
    ['not ASCII', '\u00e9', undefined],
  ])('treats a request id that is %s by the rule', async (_name, sent, echoed) => {
    const { headers } = await send('GET', '/v1/zones', { headers: { 'x-request-id': sent } });
    const id = headers.get('x-request-id');
    if (echoed === undefined) expect(id).toMatch(/^req_[0-9a-f-]{36}$/);
    else expect(id).toBe(echoed);
  });

  it('logs one line per request, with its id and without its token', async () => {
    await send('GET', '/v1/zones/a', { headers: { 'x-request-id': 'one-line' } });
    const lines = app
      .logs()
      .split('\n')
      .filter((line) => line.includes('"one-line"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      msg: 'request',
      method: 'GET',
      route: '/v1/zones/:zone',
      status: 200,
      principal: 'bootstrap',
    });
    expect(app.logs()).not.toContain(app.adminToken);
  });

  it('[T3] refuses two Authorization headers like a wrong token', async () => {
    const answer = await raw(
      `GET /v1/zones HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${authorization}\r\nAuthorization: ${authorization}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain('error="invalid_token"');
  });

  it('[T5] takes no token from the query or the body', async () => {
    const query = await fetch(`${app.url}/v1/zones?access_token=${app.adminToken}`);
    expect(query.status).toBe(401);
    const body = await fetch(`${app.url}/v1/zones`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ access_token: app.adminToken }),
    });
    expect(body.status).toBe(401);
  });

  it('answers HEAD where it answers GET, without a body', async () => {
    const answer = await send('HEAD', '/v1/zones');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it('sends no token into caches and nothing into frames', async () => {
    const { headers } = await send('GET', '/v1/zones');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
  });

  it('is alive and ready', async () => {
    expect((await call(app.url, { method: 'GET', path: '/health/live' })).status).toBe(200);
    const ready = await call(app.url, { method: 'GET', path: '/health/ready' });
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready' }]);
  });

  it('counts requests by route, never by id', async () => {
    await send('GET', '/v1/zones/a');
    const metrics = await call(app.url, { method: 'GET', path: '/metrics' });
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(metrics.body).toContain(
      'http_request_duration_seconds_count{method="GET",route="/v1/zones/:zone",status="2xx"}',
    );
    expect(metrics.body).not.toContain('/v1/zones/a"');
  });

  it('shows its description to people while developing', async () => {
    const page = await call(app.url, { method: 'GET', path: '/docs' });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.body).toContain('/v1/zones/{zone}/applications');
  });
});

describe('[T12] an administration listener of its own', () => {
  it('takes administration, health and metrics off the main one', async () => {
    const app = await startTestApp({ ADMIN_PORT: '0', HOST: '127.0.0.1' });
    try {
      const admin = app.running.adminUrl ?? '';
      const statuses = (base: string) =>
        Promise.all(
          ['/v1/zones', '/health/live', '/openapi.json', '/metrics', '/.well-known/oauth-authorization-server/z/a'].map(
            async (path) =>
              (await call(base, { method: 'GET', path, headers: { authorization: `Bearer ${app.adminToken}` } }))
                .status,
          ),
        );
      await makeZoneOverHttp(app, 'a');
      await expect(statuses(app.url)).resolves.toEqual([404, 404, 404, 404, 200]);
      await expect(statuses(admin)).resolves.toEqual([200, 200, 200, 200, 404]);
    } finally {
      await app.close();
    }
  });
});

describe('[T1] metrics of a server that is not bound to loopback', () => {
  it('are read with the metrics token or an admin token, not without', async () => {
    const token = 'metrics-token-of-this-test';
    const app = await startTestApp({ HOST: '0.0.0.0', METRICS_TOKEN: token });
    try {
      const read = (authorization?: string) =>
        call(app.url, {
          method: 'GET',
          path: '/metrics',
          headers: authorization === undefined ? {} : { authorization },
        });
      expect((await read()).status).toBe(401);
      expect((await read('Bearer wrong')).status).toBe(401);
      expect((await read(`Bearer ${token}`)).status).toBe(200);
      expect((await read(`Bearer ${app.adminToken}`)).status).toBe(200);
      const elsewhere = await call(app.url, {
        method: 'GET',
        path: '/v1/zones',
        headers: { authorization: `Bearer ${token}` },
      });
      expect(elsewhere.status).toBe(401);
    } finally {
      await app.close();
    }
  });
});
