import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { type GatewayScene, openGateway, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, created } from '../support/oauth-scene.js';

let app: TestApp;
let events: Upstream;

beforeAll(async () => {
  app = await startTestApp();
  events = await startUpstream((request, response) => {
    if (request.url?.startsWith('/quick') === true) return void response.end('quick');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
  });
});

afterAll(async () => {
  await events.close();
  await app.close();
});

/** What arrives until the connection ends, and how it ended. */
async function readAll(answer: Response): Promise<{ text: string; clean: boolean }> {
  let text = '';
  try {
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>)
      text += Buffer.from(chunk).toString();
    return { text, clean: true };
  } catch {
    return { text, clean: false };
  }
}

async function outcome(gateway: GatewayScene, requestId: string): Promise<Record<string, unknown>> {
  for (;;) {
    const entries = await gateway.scene.entries(`request_id=${requestId}`);
    const found = entries.find(({ entry }) => entry['type'] === 'gateway.outcome');
    if (found) return found.entry['detail'] as Record<string, unknown>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('[T3] authority that ends while an answer is open', () => {
  it('a mandate that expires ends its stream, with an aborted connection', async () => {
    const gateway = await openGateway(app, { upstream: events.url });
    const open = await gateway.get('/', {
      token: await gateway.mandate({ lifetime: '2' }),
      headers: { 'x-request-id': 'expiring' },
    });
    expect(open.status).toBe(200);
    expect(await readAll(open)).toEqual({
      text: 'data: one\n\nevent: error\ndata: {"code":"invalid_token"}\n\n',
      clean: false,
    });
    expect(await outcome(gateway, 'expiring')).toMatchObject({ ended: 'invalid_token', status: 200 });
  });

  it('a revocation on another replica cuts the stream here', async () => {
    const other = await app.replica();
    const gateway = await openGateway(app, { upstream: events.url });
    const token = await gateway.mandate();
    const open = await gateway.get('/', { token, headers: { 'x-request-id': 'elsewhere' } });
    const body = { kind: 'token', id: claimsOf(token)['jti'], reason: 'test' };
    created(await other.admin('POST', `/v1/zones/${gateway.scene.zone}/revocations`, body));
    expect(await readAll(open)).toMatchObject({ clean: false });
    expect(await outcome(gateway, 'elsewhere')).toMatchObject({ ended: 'revoked' });
  });

  it('a stream without progress ends at the idle limit, and at the total limit however much it says', async () => {
    const idle = await openGateway(app, { upstream: events.url, members: { limits: { idle_timeout_ms: 100 } } });
    expect(await readAll(await idle.get('/'))).toMatchObject({ clean: false });
    const total = await openGateway(app, { upstream: events.url, members: { limits: { total_timeout_ms: 150 } } });
    expect(await readAll(await total.get('/'))).toMatchObject({ clean: false });
  });
});

describe('[T8] a full resource', () => {
  it('lets callers wait for a moment, then answers overloaded with Retry-After', async () => {
    const limits = { max_concurrent: 1, queue_timeout_ms: 100 };
    const gateway = await openGateway(app, { upstream: events.url, members: { limits } });
    const abort = new AbortController();
    const first = await gateway.get('/', { signal: abort.signal });
    expect(first.status).toBe(200);
    const refused = await gateway.get('/quick');
    expect([refused.status, refused.headers.get('caracal-error')]).toEqual([503, 'overloaded']);
    expect(refused.headers.get('retry-after')).toBe('1');
    abort.abort();
    let next = await gateway.get('/quick');
    while (next.status === 503) next = await gateway.get('/quick');
    expect(await next.text()).toBe('quick');
  });
});

describe('[T3] where a resource may lead', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://metadata.google.internal/',
    'http://10.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'http://0.0.0.0:80/',
    'http://user:pw@127.0.0.1:9/',
    'ftp://127.0.0.1/',
    'http://example.com/',
  ])('%s is refused when it is registered', async (upstream_url) => {
    const { scene } = await openGateway(app, { upstream: events.url });
    const answer = await scene.admin('POST', '/resources', {
      slug: 'bad',
      name: 'bad',
      enforcement: 'gateway',
      upstream_url,
      scopes: [],
      operations: [],
    });
    expect([answer.status, answer.body.code]).toEqual([
      400,
      expect.stringMatching(/^(?:egress_denied|invalid_request)$/),
    ]);
  });

  it('the process’s own listener and database are refused under the development flag as well', async () => {
    const { scene } = await openGateway(app, { upstream: events.url });
    for (const upstream_url of [
      app.url,
      app.url.replace('127.0.0.1', 'localhost'),
      `http://127.0.0.1:${new URL(app.dsn).port}`,
    ]) {
      const answer = await scene.admin('POST', '/resources', {
        slug: 'own',
        name: 'own',
        enforcement: 'gateway',
        upstream_url,
        scopes: [],
        operations: [],
      });
      expect([upstream_url, answer.status, answer.body.code]).toEqual([upstream_url, 400, 'egress_denied']);
    }
  });
});
