import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  addResource,
  bodyOf,
  exchangeRaw,
  type GatewayScene,
  openGateway,
  startUpstream,
  type Upstream,
} from '../support/gateway-scene.js';

const sha256 = (...pieces: (string | Buffer)[]): string => {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
};

const PROVIDER = { kind: 'api_key', config: { in: 'header', name: 'X-Key' }, secret: { value: 'k-123456789' } };
const ANSWER = Buffer.alloc(300_000, 'answer ');

let app: TestApp;
let upstream: Upstream;
let received: Buffer;
/** Asks for digests. */
let asked: GatewayScene;
/** In front of the same upstream, asks for nothing. */
let silent: GatewayScene;

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    void bodyOf(request).then((body) => {
      received = body;
      if (request.url === '/echo') return response.end(request.headers['x-key']);
      if (request.url !== '/cut') return response.end(ANSWER);
      response.writeHead(200, { 'content-length': '100' });
      response.write('a part', () => setTimeout(() => request.socket.destroy(), 100));
      return response;
    });
  });
  asked = await openGateway(app, {
    upstream: upstream.url,
    members: { digests: true },
    provider: PROVIDER,
  });
  silent = await addResource(asked.scene, asked.client, { upstream: upstream.url });
});

afterAll(async () => {
  await upstream.close();
  await app.close();
});

async function outcome(requestId: string): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 200; tries += 1) {
    const entries = await asked.scene.entries(`request_id=${requestId}`);
    const found = entries.find(({ entry }) => entry['type'] === 'gateway.outcome');
    if (found) return found.entry['detail'] as Record<string, unknown>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no outcome of ${requestId}`);
}

async function call(gateway: GatewayScene, path: string, id: string, init: RequestInit = {}): Promise<Response> {
  return gateway.get(path, { ...init, headers: { 'x-request-id': id, ...(init.headers as Record<string, string>) } });
}

describe('[T6] the outcome of a call', () => {
  it('names the address that the request went to', async () => {
    await (await call(silent, '/', 'plain', { method: 'POST', body: 'abc' })).arrayBuffer();
    const detail = await outcome('plain');
    expect(detail).toMatchObject({ ended: 'complete', upstream_address: `127.0.0.1:${upstream.port}` });
    expect(detail).not.toHaveProperty('request_digest');
    expect(detail).not.toHaveProperty('response_digest');
  });

  it('holds the digests of both bodies where the resource asks for them', async () => {
    const sent = Buffer.alloc(200_000, 'request ');
    const answer = await call(asked, '/', 'digests', { method: 'POST', body: sent });
    expect(Buffer.from(await answer.arrayBuffer()).equals(ANSWER)).toBe(true);
    expect(received.equals(sent)).toBe(true);
    expect(await outcome('digests')).toMatchObject({
      upstream_address: `127.0.0.1:${upstream.port}`,
      request_digest: sha256(sent),
      response_digest: sha256(ANSWER),
      bytes_in: sent.length,
    });
  });

  it('without a body they are digests of nothing', async () => {
    await (await call(asked, '/', 'empty', { method: 'HEAD' })).arrayBuffer();
    expect(await outcome('empty')).toMatchObject({ request_digest: sha256(), response_digest: sha256() });
  });

  it('of an answer that broke off it is the digest of what came', async () => {
    const plain = await addResource(asked.scene, asked.client, { upstream: upstream.url, members: { digests: true } });
    const answer = await call(plain, '/cut', 'cut');
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(await outcome('cut')).toMatchObject({
      ended: 'upstream_unavailable',
      status: 200,
      response_digest: sha256('a part'),
    });
  });

  it('the digest is of what the upstream said, not of what was made of it', async () => {
    const answer = await call(asked, '/echo', 'echo');
    expect(await answer.text()).toBe('[redacted]');
    expect(await outcome('echo')).toMatchObject({
      credential_echoed: ['body'],
      response_digest: sha256('k-123456789'),
    });
  });

  it('a body that is judged before it is sent has the same digest', async () => {
    const judged = await addResource(asked.scene, asked.client, {
      upstream: upstream.url,
      members: {
        digests: true,
        operations: [{ method: 'POST', path: '/**', scope: 'use', body: { type: 'object', required: ['a'] } }],
      },
    });
    const body = '{"a" : 1}';
    const headers = { 'content-type': 'application/json' };
    expect((await call(judged, '/', 'judged', { method: 'POST', body, headers })).status).toBe(200);
    expect(received.toString()).toBe(body);
    expect(await outcome('judged')).toMatchObject({ request_digest: sha256(body) });
  });

  it('a call that reached nobody has neither address nor digests', async () => {
    const gone = await startUpstream(() => undefined);
    await gone.close();
    const nobody = await addResource(asked.scene, asked.client, { upstream: gone.url, members: { digests: true } });
    expect((await call(nobody, '/', 'nobody')).status).toBe(502);
    const detail = await outcome('nobody');
    expect(detail['ended']).toBe('upstream_unavailable');
    expect(Object.keys(detail).filter((name) => /_address$|_digest$/.test(name))).toEqual([]);
  });

  it('the option is shown, changed and judged like any other', async () => {
    const { scene } = asked;
    const at = `/resources/${silent.resource.id}`;
    expect((await scene.admin('GET', at)).body).toMatchObject({ digests: false });
    const get = async (): Promise<unknown> => ((await scene.admin('GET', at)).body as { digests: unknown }).digests;
    const patch = async (digests: unknown): Promise<number> => {
      const etag = (await scene.admin('GET', at)).headers.get('etag');
      return (await scene.admin('PATCH', at, { digests }, { 'if-match': String(etag) })).status;
    };
    expect([await patch('yes'), await get()]).toEqual([400, false]);
    expect([await patch(true), await get()]).toEqual([200, true]);
    expect([await patch(null), await get()]).toEqual([200, false]);
    const direct = {
      slug: 'direct',
      identifier: 'https://direct.test',
      enforcement: 'direct',
      scopes: [{ name: 'x' }],
    };
    expect((await scene.admin('POST', '/resources', { ...direct, digests: true })).status).toBe(400);
  });
});

describe('informational answers', () => {
  const INFORMATION =
    'HTTP/1.1 102 Processing\r\n\r\n' +
    'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\nSet-Cookie: a=b\r\nX-Powered-By: x\r\n\r\n' +
    'HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 7\r\nAuthority-Receipt: forged/1\r\nX-Echo: k-123456789\r\n\r\n' +
    'HTTP/1.1 199 Whatever\r\n\r\n';

  it('each of the upstream passes before the answer, under the rules for answers (RFC 9110 §15.2)', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('data', () => {
          socket.write(INFORMATION);
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const informed = await addResource(asked.scene, asked.client, {
      upstream: `http://127.0.0.1:${port}`,
      provider: { ...PROVIDER, name: 'informed' },
    });
    const { pathname } = new URL(informed.resource.gateway_url);
    const token = await informed.mandate();
    const exchange = (version: string): Promise<string> =>
      exchangeRaw(
        Number(new URL(app.url).port),
        `GET ${pathname}/ HTTP/${version}\r\nHost: h\r\nAuthorization: Bearer ${token}\r\nX-Request-Id: informed-${version}\r\nConnection: close\r\n\r\n`,
      );
    const raw = await exchange('1.1');
    expect(raw.slice(0, raw.indexOf('HTTP/1.1 200'))).toBe(
      'HTTP/1.1 102 Processing\r\n\r\n' +
        'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n' +
        'HTTP/1.1 104 \r\nUpload-Offset: 7\r\n\r\n' +
        'HTTP/1.1 199 \r\n\r\n',
    );
    expect(raw).toMatch(/HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\ndone$/);
    expect(await outcome('informed-1.1')).toMatchObject({ status: 200, credential_echoed: ['header'] });
    expect((await exchange('1.0')).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
