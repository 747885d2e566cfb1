import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { constants, createBrotliCompress, createBrotliDecompress, createGunzip, createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Replicas } from '../../src/platform/replicas/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  exchangeRaw,
  type GatewayScene,
  openGateway,
  serve,
  startUpstream,
  type Upstream,
} from '../support/gateway-scene.js';
import { claimsOf, created } from '../support/oauth-scene.js';
import { redisIsPresent, startRedis } from '../support/redis.js';

let app: TestApp;
let events: Upstream;
let redis: Awaited<ReturnType<typeof startRedis>> | undefined;

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
  await redis?.stop();
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

/** The status of so many calls in a row, with one mandate. */
async function statuses(url: string, token: string, times: number): Promise<number[]> {
  const seen: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const answer = await fetch(`${url}/quick`, { headers: { authorization: `Bearer ${token}` } });
    await answer.text();
    seen.push(answer.status);
  }
  return seen;
}

/** The same resource as another replica serves it. */
function elsewhere({ resource }: GatewayScene, other: TestApp): string {
  return resource.gateway_url.replace(app.url, other.url);
}

async function beatAll(...replicas: readonly TestApp[]): Promise<void> {
  for (let round = 0; round < 2; round += 1)
    for (const { running } of replicas) await running.app.get(Replicas, { strict: false }).show();
}

describe('[T8] quotas', () => {
  it('of an application and an address are counted apart and named in the RateLimit fields', async () => {
    await beatAll(app);
    const share = app.running.app.get(Replicas, { strict: false }).count;
    const limits = { application_requests_per_minute: 2 * share, address_requests_per_minute: 3 * share };
    const gateway = await openGateway(app, { upstream: events.url, members: { limits } });
    const token = await gateway.mandate();
    expect(await statuses(gateway.resource.gateway_url, token, 3)).toEqual([200, 200, 429]);
    const client = await gateway.scene.client();
    await gateway.scene.grant(client, gateway.resource, ['use']);
    const fields = { grant_type: 'client_credentials', resource: gateway.resource.gateway_url };
    const other = (await gateway.scene.oauth('token', fields, client)).body as { access_token: string };
    expect(await statuses(gateway.resource.gateway_url, other.access_token, 1)).toEqual([200]);
    const refused = await gateway.get('/quick', { token: other.access_token });
    expect([refused.status, refused.headers.get('ratelimit-policy'), refused.headers.get('ratelimit')]).toEqual([
      429,
      `"application";q=${2 * share};w=60, "address";q=${3 * share};w=60`,
      expect.stringMatching(/^"application";r=1;t=\d+, "address";r=0;t=\d+$/),
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('are divided among the replicas that live', async () => {
    const other = await app.replica();
    await beatAll(app, other);
    const gateway = await openGateway(app, { upstream: events.url, members: { limits: { requests_per_minute: 4 } } });
    const token = await gateway.mandate();
    const share = app.running.app.get(Replicas, { strict: false }).count;
    expect(share).toBeGreaterThan(1);
    const own = Math.max(1, Math.floor(4 / share));
    const expected = Array.from({ length: 4 }, (_, at) => (at < own ? 200 : 429));
    expect(await statuses(gateway.resource.gateway_url, token, 4)).toEqual(expected);
  });
});

// Without redis-server the replicas divide the quota, which is proven above; the test run says that it was missing.
if (redisIsPresent())
  describe('[T8] quotas with Redis', () => {
    it('are counted together by all replicas, whichever of them is asked', async () => {
      redis = await startRedis();
      const together = { REDIS_URL: redis.url, PUBLIC_URL: app.url };
      const [one, two] = [await app.replica(together), await app.replica(together)];
      const gateway = await openGateway(app, { upstream: events.url, members: { limits: { requests_per_minute: 3 } } });
      const token = await gateway.mandate();
      const [first, second] = [elsewhere(gateway, one), elsewhere(gateway, two)];
      expect(await statuses(first, token, 2)).toEqual([200, 200]);
      expect(await statuses(second, token, 2)).toEqual([200, 429]);
      expect(await statuses(first, token, 1)).toEqual([429]);
    });

    it('[T3] neither Redis nor a listener of its own for administration is an upstream', async () => {
      redis ??= await startRedis();
      const one = await app.replica({ REDIS_URL: redis.url, PUBLIC_URL: app.url, ADMIN_PORT: '0' });
      const { scene } = await openGateway(app, { upstream: events.url });
      const { adminUrl = '' } = one.running;
      for (const upstream_url of [redis.url.replace('redis:', 'http:'), adminUrl]) {
        const resource = { slug: 'own', name: 'own', enforcement: 'gateway', upstream_url, scopes: [], operations: [] };
        const answer = await one.admin('POST', `/v1/zones/${scene.zone}/resources`, resource);
        expect([upstream_url, answer.status, answer.body.code]).toEqual([upstream_url, 400, 'egress_denied']);
      }
    });
  });

describe('[T8] an upstream that is down', () => {
  it('is left alone after ten failures, with Retry-After, and served again when it is back', async () => {
    const probe = await startUpstream((_request, response) => response.end('back'));
    const gateway = await openGateway(app, { upstream: probe.url });
    const token = await gateway.mandate();
    await probe.close();
    const failed = await Promise.all(Array.from({ length: 10 }, () => gateway.get('/', { token })));
    expect(new Set(failed.map((answer) => answer.status))).toEqual(new Set([502]));
    const left = await gateway.get('/', { token });
    expect([left.status, left.headers.get('caracal-error')]).toEqual([502, 'upstream_unavailable']);
    expect(Number(left.headers.get('retry-after'))).toBeGreaterThan(0);
    const back = createServer((_request, response) => response.end('back')).listen(probe.port, '127.0.0.1');
    let answer = await gateway.get('/', { token });
    while (answer.status === 502) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      answer = await gateway.get('/', { token });
    }
    expect([answer.status, await answer.text()]).toEqual([200, 'back']);
    back.closeAllConnections();
    back.close();
  });
});

describe('[T8] a body while its upstream is dialled', () => {
  it.each([
    ['of a caller that goes away', 'abc', (socket: Socket) => socket.resetAndDestroy(), ''],
    ['that grows beyond the limit', 'a'.repeat(32), () => undefined, 'HTTP/1.1 413'],
  ])('%s ends its call and nothing else', async (_name, piece, leave, answered) => {
    // Takes connections and says nothing, so that TLS is never agreed on.
    const mute = await serve(createTcpServer() as Server);
    const upstream = mute.url.replace('http:', 'https:');
    const gateway = await openGateway(app, { upstream, members: { limits: { max_body_bytes: 10 } } });
    const { port, pathname } = new URL(gateway.resource.gateway_url);
    let seen = '';
    const caller = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    caller.on('data', (bytes: Buffer) => (seen += bytes.toString('latin1')));
    const head = `POST ${pathname}/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await gateway.mandate()}\r\n`;
    const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
    caller.write(`${head}X-Request-Id: dialled\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
    while (mute.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    leave(caller);
    expect(await outcome(gateway, 'dialled')).toMatchObject({ bytes_in: piece.length });
    while (!seen.startsWith(answered)) await new Promise((resolve) => setTimeout(resolve, 5));
    caller.destroy();
    await mute.close();
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

describe('[T5] an encoded answer that echoes the credential', () => {
  const SECRET = 'echo-me-encoded-1';
  const codecs = {
    gzip: { encoder: () => createGzip(), flush: constants.Z_SYNC_FLUSH, decoder: () => createGunzip() },
    br: {
      encoder: () => createBrotliCompress(),
      flush: constants.BROTLI_OPERATION_FLUSH,
      decoder: () => createBrotliDecompress(),
    },
  };
  type Coding = keyof typeof codecs;

  let encoding: Upstream;
  let gateway: GatewayScene;
  /** What the upstream sent last, as it left. */
  let sent: Buffer[] = [];

  /** Answers in three pieces, each flushed; the credential of the request stands across the second cut. */
  beforeAll(async () => {
    encoding = await startUpstream((request, response) => {
      const [, coding, what] = (request.url ?? '').split('/') as [string, Coding, string];
      const word = what === 'echo' ? String(request.headers['x-api-key']) : 'echo-me-of-another-kind';
      const { encoder, flush } = codecs[coding];
      const stream = encoder();
      sent = [];
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
      stream.on('data', (piece: Buffer) => {
        sent.push(piece);
        response.write(piece);
      });
      stream.on('end', () => response.end());
      void (async () => {
        for (const text of ['{"clear":1,', `"key":"${word.slice(0, 10)}`, `${word.slice(10)}"}`]) {
          stream.write(text);
          await new Promise<void>((resolve) => stream.flush(flush, resolve));
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
        stream.end();
      })();
    });
    gateway = await openGateway(app, {
      upstream: encoding.url,
      provider: { kind: 'api_key', config: { in: 'header', name: 'X-Api-Key' }, secret: { value: SECRET } },
    });
  });
  afterAll(() => encoding.close());

  /** The head and the body of the answer, as bytes, and whether it came to its end. */
  async function bytesOf(path: string): Promise<{ head: string; body: Buffer; whole: boolean }> {
    const { host, port, pathname } = new URL(gateway.resource.gateway_url);
    const fields = `Host: ${host}\r\nAuthorization: Bearer ${await gateway.mandate()}\r\nX-Request-Id: enc${path.replaceAll('/', '-')}`;
    const request = `GET ${pathname}${path} HTTP/1.1\r\n${fields}\r\nConnection: close\r\n\r\n`;
    const seen = await exchangeRaw(Number(port), request);
    const at = seen.indexOf('\r\n\r\n');
    const chunks: string[] = [];
    let rest = seen.slice(at + 4);
    for (let size = parseInt(rest, 16); size > 0; size = parseInt(rest, 16)) {
      const from = rest.indexOf('\r\n') + 2;
      chunks.push(rest.slice(from, from + size));
      rest = rest.slice(from + size + 2);
    }
    return { head: seen.slice(0, at), body: Buffer.from(chunks.join(''), 'latin1'), whole: rest === '0\r\n\r\n' };
  }

  async function decoded(coding: Coding, bytes: Buffer): Promise<string> {
    const stream = codecs[coding].decoder();
    let text = '';
    stream.on('data', (piece: Buffer) => (text += piece.toString()));
    stream.on('error', () => undefined);
    const closed = new Promise((resolve) => stream.on('close', resolve));
    stream.end(bytes);
    await closed;
    return text;
  }

  it.each<Coding>(['gzip', 'br'])('in %s is cut before any of it leaves', async (coding) => {
    const { head, body, whole } = await bytesOf(`/${coding}/echo`);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 200 .*content-encoding: ${coding}`, 'is'));
    expect([await decoded(coding, body), whole]).toEqual(['{"clear":1,', false]);
    expect(await outcome(gateway, `enc-${coding}-echo`)).toMatchObject({
      ended: 'upstream_unavailable',
      credential_echoed: ['body'],
    });
  });

  it.each<Coding>(['gzip', 'br'])('in %s without it passes byte by byte, its beginning included', async (coding) => {
    const { body, whole } = await bytesOf(`/${coding}/other`);
    expect([body.equals(Buffer.concat(sent)), whole]).toEqual([true, true]);
    expect(await decoded(coding, body)).toBe('{"clear":1,"key":"echo-me-of-another-kind"}');
    expect(await outcome(gateway, `enc-${coding}-other`)).toMatchObject({ ended: 'complete', bytes_out: body.length });
  });
});
