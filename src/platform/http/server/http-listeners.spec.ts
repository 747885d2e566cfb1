import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHttpApp, Facts, HttpListeners, Public, type RequestFacts } from '../index.js';

@Controller()
class SurfacesController {
  @Public()
  @Get('v1/things')
  admin(@Facts() facts: RequestFacts) {
    return facts;
  }

  @Public()
  @Get('z/:zone/things')
  runtime() {
    return { surface: 'runtime' };
  }

  @Public()
  @Get('z/:zone/slow')
  async slow() {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { done: true };
  }
}

@Module({ controllers: [SurfacesController] })
class SurfacesModule {}

const ROUTES = ['GET /v1/things', 'GET /z/:zone/things', 'GET /z/:zone/slow'];

describe('HttpListeners', () => {
  const open: { app: NestFastifyApplication; listeners: HttpListeners }[] = [];

  afterEach(async () => {
    for (const { app, listeners } of open.splice(0)) {
      await listeners.drain(100);
      await app.close();
    }
  });

  async function start(settings: { adminPort?: number; trustProxy?: string[] } = {}) {
    const { adminPort, trustProxy = [] } = settings;
    const split = adminPort === undefined ? {} : { adminPort };
    const log = { info: () => undefined, error: () => undefined };
    const app = await createHttpApp(SurfacesModule, {
      settings: { trustProxy, ...split },
      base: () => 'http://base',
      log,
      publicRoutes: ROUTES,
    });
    const listeners = new HttpListeners(app, () => 'http://base');
    const told: string[] = [];
    const urls = await listeners.listen({ host: '127.0.0.1', port: 0, ...split }, (url) => told.push(url));
    open.push({ app, listeners });
    return { ...urls, told, listeners };
  }

  const raw = (url: string, text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });

  it('says where it listens before it answers', async () => {
    const { url, told } = await start();
    expect(told).toEqual([url]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('[T12] serves administration on its own listener only, when there is one', async () => {
    const { url, adminUrl = '' } = await start({ adminPort: 0 });
    const statuses = async (base: string) => [
      (await fetch(`${base}/v1/things`)).status,
      (await fetch(`${base}/z/a/things`)).status,
    ];
    await expect(statuses(url)).resolves.toEqual([404, 200]);
    await expect(statuses(adminUrl)).resolves.toEqual([200, 404]);
    const hidden = await fetch(`${url}/%76%31/things`);
    expect([hidden.status, ((await hidden.json()) as { code: string }).code]).toEqual([404, 'not_found']);
    const method = await fetch(`${url}/v1/things`, { method: 'POST' });
    expect([method.status, method.headers.get('allow')]).toEqual([404, null]);
  });

  it('serves everything on one listener otherwise', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/v1/things`)).status).toBe(200);
    expect((await fetch(`${url}/z/a/things`)).status).toBe(200);
  });

  it.each([
    ['an untrusted peer', [], '127.0.0.1'],
    ['a trusted proxy', ['127.0.0.0/8'], '203.0.113.9'],
  ])('takes the client address that %s says', async (_name, trustProxy, address) => {
    const { url } = await start({ trustProxy });
    const answer = await fetch(`${url}/v1/things`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(await answer.json()).toMatchObject({ address });
  });

  it.each([
    ['no HTTP', 'nonsense\r\n\r\n', '400', 'invalid_request'],
    [
      'two content lengths',
      'POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      '400',
      'invalid_request',
    ],
    [
      'length and chunks',
      'POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
      'invalid_request',
    ],
    [
      'too many header bytes',
      `GET /v1/things HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      '431',
      'request_too_large',
    ],
    ['a method nobody knows', 'FOO /v1/things HTTP/1.1\r\nHost: x\r\n\r\n', '405', 'method_not_allowed'],
    ['a method in small letters', 'get /v1/things HTTP/1.1\r\nHost: x\r\n\r\n', '405', 'method_not_allowed'],
    [
      'two hosts',
      'GET /v1/things HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n',
      '400',
      'invalid_request',
    ],
  ])('[T3] answers a request with %s once and closes', async (_name, text, status, code) => {
    const { url } = await start();
    const answer = await raw(url, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('names what is allowed instead of an unknown method (RFC 9110 §15.5.6), and at the gateway its own code', async () => {
    const { url } = await start();
    const answer = (path: string) => raw(url, `FOO ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(await answer('/v1/things')).toMatch(
      /\r\nAllow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n(?!Caracal)/,
    );
    expect(await answer('/g/a/b')).toContain('\r\nCaracal-Error: method_not_allowed\r\n');
  });

  it('[T8] drains: what runs is answered, what comes is refused', async () => {
    const { url, listeners } = await start();
    const running = fetch(`${url}/z/a/slow`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const drained = listeners.drain(5_000);
    expect(await (await running).json()).toEqual({ done: true });
    await drained;
    await expect(fetch(`${url}/v1/things`)).rejects.toThrow();
  });
});
