import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  bodyOf,
  exchangeRaw,
  type GatewayScene,
  openGateway,
  startUpstream,
  type Upstream,
} from '../support/gateway-scene.js';

/** What an upstream can see of a request, minus what the header rules change. */
function footprint(request: IncomingMessage, body: Buffer): string {
  const ruled = /^(?:host|authorization|connection|via|x-request-id|traceparent|transfer-encoding|content-length)$/i;
  const headers: string[] = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] as string;
    if (!ruled.test(name)) headers.push(`${name}: ${request.rawHeaders[at + 1]}`);
  }
  return JSON.stringify({
    method: request.method,
    url: request.url,
    headers,
    body: createHash('sha256').update(body).digest('hex'),
    size: body.length,
  });
}

type Answer = (response: ServerResponse, seen: string) => void;

const BIG = Buffer.alloc(300_000, 'abc');
const ANSWERS: readonly Answer[] = [
  (r, seen) =>
    r.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(seen))]).end(seen),
  (r, seen) =>
    void (r.writeHead(200, ['content-type', 'text/plain']), r.write(seen.slice(0, 10)), r.end(seen.slice(10))),
  (r) => r.writeHead(204, ['X-Empty', 'yes']).end(),
  (r) => r.writeHead(304, ['ETag', '"v1"', 'Cache-Control', 'max-age=1']).end(),
  (r, seen) =>
    r.writeHead(404, 'Nothing Here', ['Content-Type', 'text/html; charset=utf-8', 'X-A', '1', 'x-a', '2']).end(seen),
  (r) =>
    r
      .writeHead(200, ['Content-Encoding', 'gzip', 'Content-Type', 'text/plain', 'Vary', 'Accept-Encoding'])
      .end(gzipSync('packed')),
  (r) =>
    r
      .writeHead(206, [
        'Content-Range',
        'bytes 0-4/100',
        'Content-Type',
        'application/octet-stream',
        'Content-Length',
        '5',
      ])
      .end('range'),
  (r) => r.writeHead(200, ['Content-Type', 'application/octet-stream', 'Content-Length', String(BIG.length)]).end(BIG),
  (r) => r.writeHead(503, ['Retry-After', '7', 'Link', '<a>; rel=next', 'link', '<b>; rel=prev']).end(),
  (r) => r.writeHead(302, ['Location', 'elsewhere/relative?x=1#y']).end(),
];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const TARGETS = [
  '/',
  '/plain',
  '/a//b/',
  '/caf%C3%A9/%7Euser/%2B+',
  '/semi;colon=1;x/y',
  "/sub-delims/!$&'()*,:@=",
  '/q?',
  '/q?a=1&a=2&&b',
  '/q?x=%2F%2e%2E%00&y=%zz&path=/../..',
  '/q?redirect=https://elsewhere.example/?z=1&quoted="<>"',
  '/%41%62c?%41=%62',
];
const HEADERS = [
  ['Accept', '*/*', 'X-Multi', '1', 'x-multi', '2', 'X-Multi', '3'],
  ['If-None-Match', 'W/"abc"', 'Range', 'bytes=0-4', 'Accept-Encoding', 'gzip, br', 'User-Agent', 'agent/1.0 (é)'],
  [
    'X-Empty',
    '',
    'X-Spaces',
    'a  b',
    'Content-Language',
    'de',
    'Origin',
    'https://a.example',
    'Referer',
    'https://b.example/?q',
  ],
];

interface Case {
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
  readonly chunked: boolean;
}

const CASES: readonly Case[] = Array.from({ length: 200 }, (_, at) => {
  const method = METHODS[at % METHODS.length] as string;
  const target = TARGETS[at % TARGETS.length] as string;
  const body = /^P|DELETE/.test(method) ? Buffer.alloc((at * 97) % 5_000, `body ${at} `) : undefined;
  const joiner = target.includes('?') ? '&' : '?';
  return {
    line: `${method} %s${target}${joiner}answer=${at % ANSWERS.length}`,
    headers: HEADERS[at % HEADERS.length] as string[],
    body,
    chunked: body !== undefined && body.length > 0 && at % 2 === 0,
  };
});

function bytesOf(one: Case, prefix: string, extra: readonly string[]): Buffer {
  const lines = [`${one.line.replace('%s', prefix)} HTTP/1.1`, 'Host: gateway.test', 'Connection: close', ...extra];
  for (let at = 0; at < one.headers.length; at += 2) lines.push(`${one.headers[at]}: ${one.headers[at + 1]}`);
  if (one.body) lines.push(one.chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${one.body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (!one.body) return head;
  if (!one.chunked) return Buffer.concat([head, one.body]);
  const half = one.body.length >> 1;
  const chunks = [one.body.subarray(0, half), one.body.subarray(half)].filter((chunk) => chunk.length > 0);
  return Buffer.concat([
    head,
    ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n'),
  ]);
}

/** Status line, header fields in order and body, minus connection management and what the header rules add. */
function comparable(raw: string): { readonly head: readonly string[]; readonly body: string } {
  const end = raw.indexOf('\r\n\r\n');
  const ruled = /^(?:connection|keep-alive|transfer-encoding|date|x-request-id|authority-receipt):/i;
  const [status = '', ...fields] = raw.slice(0, end).split('\r\n');
  const chunked = fields.some((field) => /^transfer-encoding: chunked/i.test(field));
  const body = raw.slice(end + 4);
  return { head: [status, ...fields.filter((field) => !ruled.test(field))], body: chunked ? unchunk(body) : body };
}

function unchunk(text: string): string {
  let body = '';
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (!(size > 0)) return line < 0 || Number.isNaN(size) ? `${body} BROKEN` : body;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

let app: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
let token: string;
let port: number;
let prefix: string;

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    response.sendDate = false;
    void bodyOf(request).then((body) => {
      const at = Number(/answer=(\d+)/.exec(request.url ?? '')?.[1] ?? 0);
      ANSWERS[at]?.(response, footprint(request, body));
    });
  });
  gateway = await openGateway(app, { upstream: upstream.url });
  token = await gateway.mandate();
  port = Number(new URL(app.url).port);
  prefix = `/g/${gateway.scene.zone}/${gateway.resource.slug}`;
});

afterAll(async () => {
  await upstream.close();
  await app.close();
});

describe('fidelity', () => {
  it('200 requests directly and through the gateway see the same bytes, minus what the header rules change', async () => {
    for (const one of CASES) {
      const direct = await exchangeRaw(upstream.port, bytesOf(one, '', []));
      const through = await exchangeRaw(port, bytesOf(one, prefix, [`Authorization: Bearer ${token}`]));
      expect([one.line, comparable(through)]).toEqual([one.line, comparable(direct)]);
    }
  });

  it('100-continue: the caller is told to go on after the decision, and not at all when it is refused (RFC 9110 §10.1.1)', async () => {
    const head = (authorization: string): string =>
      `POST ${prefix}/up HTTP/1.1\r\nHost: h\r\n${authorization}Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    const seen = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(head(`Authorization: Bearer ${token}\r\n`)));
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('abc');
      });
      socket.on('close', () => resolve(text));
    });
    expect(seen).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(await exchangeRaw(port, head(''), 1_000)).toMatch(/^HTTP\/1\.1 401/);
  });

  it('[T8] a download of 1 GiB and a large upload pass with flat memory', async () => {
    const MIB = 1_048_576;
    const size = 128 * MIB;
    const whole = 1_024 * MIB;
    const piece = Buffer.alloc(65_536);
    const flow = { sent: 0, received: 0, most: 0 };
    const before = process.memoryUsage();
    let memory = 0;
    const note = (): void => {
      flow.most = Math.max(flow.most, flow.sent - flow.received);
      const { external, arrayBuffers } = process.memoryUsage();
      memory = Math.max(memory, external - before.external, arrayBuffers - before.arrayBuffers);
    };
    const big = await startUpstream((request, response) => {
      if (request.method === 'POST') {
        request.on('data', (chunk: Buffer) => (flow.received += chunk.length));
        request.on('end', () => response.end('thanks'));
        return;
      }
      response.writeHead(200, { 'content-length': String(whole) });
      const more = (): void => {
        for (; flow.sent < whole; note()) {
          flow.sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const one = await openGateway(app, { upstream: big.url, members: { limits: { max_body_bytes: size } } });
    const down = await one.get('/');
    for await (const chunk of down.body as unknown as AsyncIterable<Uint8Array>) flow.received += chunk.length;
    expect(flow).toMatchObject({ sent: whole, received: whole });

    Object.assign(flow, { sent: 0, received: 0 });
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        note();
        if (flow.sent >= size) return controller.close();
        flow.sent += piece.length;
        controller.enqueue(new Uint8Array(piece.length));
      },
    });
    const up = await one.get('/', { method: 'POST', body: source, duplex: 'half' });
    expect([await up.text(), flow.received]).toEqual(['thanks', size]);
    // What the sockets' buffers of two hops hold, and no more.
    expect(flow.most).toBeLessThan(32 * MIB);
    // Buffers of upstream, gateway and caller together, with what the collector has not yet come to.
    expect(memory).toBeLessThan(256 * MIB);
    await big.close();
  });
});

describe('[T3] request smuggling', () => {
  const auth = (): string => `Authorization: Bearer ${token}\r\n`;
  const smuggled = `GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`;
  const table: [string, () => string][] = [
    [
      'Content-Length and Transfer-Encoding',
      () =>
        `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      () =>
        `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'two different Content-Lengths',
      () =>
        `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: 0\r\nContent-Length: 40\r\n\r\n${smuggled}`,
    ],
    [
      'two equal Content-Lengths',
      () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
    ],
    [
      'a list of Content-Lengths',
      () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: 3, 3\r\n\r\nabc`,
    ],
    ['a signed Content-Length', () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: +3\r\n\r\nabc`],
    [
      'a hexadecimal Content-Length',
      () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Length: 0x3\r\n\r\nabc`,
    ],
    [
      'an unknown transfer coding',
      () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'chunked twice, not last',
      () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a space before the colon',
      () => `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['obsolete folding', () => `GET ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}X-A: 1\r\n folded\r\n\r\n`],
    ['a bare LF between fields', () => `GET ${prefix}/a HTTP/1.1\r\nHost: h\n${auth()}\r\n\r\n`],
    ['a bare CR in a field', () => `GET ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}X-A: 1\rX-B: 2\r\n\r\n`],
    ['a NUL in a field', () => `GET ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}X-A: 1\u00002\r\n\r\n`],
    [
      'a chunk extension with LF',
      () =>
        `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n`,
    ],
    [
      'a chunk size with 0x',
      () =>
        `POST ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`,
    ],
    ['no Host', () => `GET ${prefix}/a HTTP/1.1\r\n${auth()}\r\n`],
    ['a space in the target', () => `GET ${prefix}/a b HTTP/1.1\r\nHost: h\r\n${auth()}\r\n`],
    [
      'an absolute target of another host',
      () => `GET http://other.test${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Connection: close\r\n\r\n`,
    ],
    ['an absolute target', () => `GET http://h${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Connection: close\r\n\r\n`],
    ['an unknown protocol version', () => `GET ${prefix}/a HTTP/3.7\r\nHost: h\r\n${auth()}\r\n`],
    [
      'header fields over 16 KiB',
      () => `GET ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}X-Long: ${'a'.repeat(17_000)}\r\n\r\n`,
    ],
  ];
  it.each(table)('%s is refused, and nothing of it reaches the upstream', async (_name, request) => {
    const urls: (string | undefined)[] = [];
    const probe = await startUpstream((seen, response) => {
      urls.push(seen.url);
      seen.resume().on('end', () => response.end());
    });
    const one = await openGateway(app, { upstream: probe.url });
    const own = await one.mandate();
    const raw = request().replaceAll(prefix, `/g/${one.scene.zone}/${one.resource.slug}`).replaceAll(token, own);
    const answer = await exchangeRaw(port, Buffer.from(raw, 'latin1'), 700);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(answer.match(/HTTP\/1\.1 \d\d\d/g)).toHaveLength(1);
    expect(urls).toEqual([]);
    await probe.close();
  });

  it.each(['TRACE', 'PROPFIND', 'QUERY', 'PURGE'])('the method %s is 405', async (method) => {
    const answer = await exchangeRaw(
      port,
      `${method} ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Content-Type: a/b\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 405 [^]*Caracal-Error: method_not_allowed[^]*Allow: GET, HEAD, POST/);
  });

  it('CONNECT is 405', async () => {
    expect(await exchangeRaw(port, `CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n`, 700)).toMatch(/^HTTP\/1\.1 405 /);
  });

  it.each(['BREW'])('the method %s is refused', async (method) => {
    const answer = await exchangeRaw(
      port,
      `${method} ${prefix}/a HTTP/1.1\r\nHost: h\r\n${auth()}Connection: close\r\n\r\n`,
      700,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
  });

  it.each([
    '/..',
    '/a/../b',
    '/%2e%2e/b',
    '/a%2fb',
    '/a%5cb',
    '/a\\b',
    '/a%00',
    '/%zz',
    '/a%',
    '/%252e%252e/',
    '/..;/a',
    '/a%0d%0ab',
    `/${'a'.repeat(5_000)}`,
  ])('the path %.40s is path_not_allowed', async (path) => {
    const answer = await exchangeRaw(
      port,
      `GET ${prefix}${path} HTTP/1.1\r\nHost: h\r\n${auth()}Connection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*Caracal-Error: path_not_allowed/);
  });

  it('an upgrade to h2c is ignored', async () => {
    const answer = await exchangeRaw(
      port,
      `GET ${prefix}/?answer=2 HTTP/1.1\r\nHost: h\r\n${auth()}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
      700,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 204/);
  });
});
