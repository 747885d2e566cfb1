import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSource } from 'eventsource';
import { request } from 'undici';
import { startTestApp, type TestApp } from '../support/app.js';
import { bodyOf, type GatewayScene, openGateway, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { nginxIsPresent, startNginx } from '../support/nginx.js';
import { claimsOf, created } from '../support/oauth-scene.js';

let app: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
let directory: string;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  app = await startTestApp();
  directory = await mkdtemp(join(tmpdir(), 'caracal-test-parts-'));
  upstream = await startUpstream((incoming, response) => {
    if (incoming.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('id: 7\nevent: tick\ndata: one\n\n');
      return;
    }
    void bodyOf(incoming).then((body) => {
      const { method, headers } = incoming;
      const hash = createHash('sha256').update(body).digest('hex');
      response.end(JSON.stringify({ method, hash, size: body.length, type: headers['content-type'] }));
    });
  });
  gateway = await openGateway(app, { upstream: upstream.url });
});

afterAll(async () => {
  for (const stop of stops) await stop();
  await upstream.close();
  await app.close();
  await rm(directory, { recursive: true, force: true });
});

describe('clients that we did not write', () => {
  it('eventsource reads events, and is told when the authority ends', async () => {
    const token = await gateway.mandate();
    const source = new EventSource(`${gateway.resource.gateway_url}/events`, {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
    });
    const tick = await new Promise<{ data: unknown; id: string }>((resolve) =>
      source.addEventListener('tick', (event) => resolve({ data: event.data, id: event.lastEventId })),
    );
    expect(tick).toEqual({ data: 'one', id: '7' });
    const refused = new Promise<number | undefined>((resolve) => {
      source.addEventListener('error', (event) => {
        if (event.code !== undefined) resolve(event.code);
      });
    });
    const body = { kind: 'token', id: claimsOf(token)['jti'], reason: 'test' };
    created(await app.admin('POST', `/v1/zones/${gateway.scene.zone}/revocations`, body));
    // It connects again, as it is used to, and is refused.
    expect(await refused).toBe(401);
    source.close();
  });

  it('undici sends a stream and reads the answer', async () => {
    const bytes = randomBytes(500_000);
    const { statusCode, body } = await request(`${gateway.resource.gateway_url}/put`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${await gateway.mandate()}`, 'content-type': 'application/x-any' },
      body: Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]),
    });
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect([statusCode, await body.json()]).toEqual([
      200,
      { method: 'PUT', hash, size: 500_000, type: 'application/x-any' },
    ]);
  });
});

// What is not installed is named by the test run.
if (spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0)
  describe('curl', () => {
    const curl = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)('curl', ['-sS', '--max-time', '20', ...args])).stdout;

    it('uploads with Expect: 100-continue and asks for HTTP/2 in vain', async () => {
      const file = join(directory, 'upload.bin');
      const bytes = randomBytes(2_000_000);
      await writeFile(file, bytes);
      const authorization = `Authorization: Bearer ${await gateway.mandate()}`;
      const url = `${gateway.resource.gateway_url}/up`;
      const expected = { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
      for (const flags of [[], ['--http2'], ['-H', 'Transfer-Encoding: chunked']]) {
        const answer = await curl('-T', file, '-H', authorization, ...flags, url);
        expect(JSON.parse(answer)).toMatchObject({ method: 'PUT', ...expected });
      }
      const refused = await curl('-T', file, '-o', '/dev/null', '-w', '%{http_code} %{size_upload}', url);
      expect(refused).toBe('401 0');
    });
  });

if (nginxIsPresent())
  describe('nginx as upstream', () => {
    // `gzip_proxied any`: nginx compresses nothing for a request with `Via` unless it is told to.
    it('whole files, ranges, gzip and conditions come through as they are', async () => {
      const text = 'line of text\n'.repeat(50_000);
      const server = 'gzip on; gzip_types text/plain; gzip_min_length 1; gzip_proxied any;';
      const nginx = await startNginx({ flags: '', server, files: { 'big.txt': text } });
      stops.push(() => nginx.stop());
      const one = await openGateway(app, { upstream: `http://127.0.0.1:${nginx.port}` });
      const token = await one.mandate();
      for (const headers of [
        {},
        { range: 'bytes=100-199' },
        { 'accept-encoding': 'gzip' },
        { range: 'bytes=0-9,20-29' },
        { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() },
        { range: 'bytes=99999999-' },
      ]) {
        const ask = async (base: string, more: object): Promise<unknown[]> => {
          const answer = await request(`${base}/big.txt`, { headers: { ...headers, ...more } });
          const { etag, date: _date, connection: _connection, server: _server, ...rest } = answer.headers;
          const body = Buffer.from(await answer.body.arrayBuffer());
          const type = String(rest['content-type'] ?? '').replace(/boundary=.*/, '');
          const multipart = type.startsWith('multipart/');
          const hash = multipart ? body.length : createHash('sha256').update(body).digest('hex');
          const encoding = rest['content-encoding'];
          return [answer.statusCode, etag, type, encoding, rest['content-length'], rest['content-range'], hash];
        };
        const direct = await ask(`http://127.0.0.1:${nginx.port}`, {});
        const through = await ask(one.resource.gateway_url, { authorization: `Bearer ${token}` });
        expect([headers, through]).toEqual([headers, direct]);
      }
    });
  });
