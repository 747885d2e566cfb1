import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { transportTo } from '../../../test/support/transport.js';
import { echoForms } from '../domain/echo-forms.js';
import { GatewayError } from '../domain/gateway-error.js';
import { upstreamHeaders } from '../domain/upstream-request.js';
import { ClientGoneError, RequestBody } from '../upstream/request-body.js';
import { type UpstreamCall, UpstreamExchange } from '../upstream/upstream-exchange.js';
import { AnswerStream } from './answer-stream.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

interface Harness {
  readonly port: number;
  readonly errors: Error[];
  readonly echoes: string[];
  readonly exchanges: UpstreamExchange[];
  readonly settled: Promise<void>;
}

/** A caller-facing server with one upstream, made of the parts under test. */
async function proxyTo(
  upstream: RequestListener,
  options: { secrets?: string[]; limits?: Partial<UpstreamCall>; maxBytes?: number } = {},
): Promise<Harness> {
  const upstreamPort = await listen(createServer(upstream));
  const transport = transportTo(`http://127.0.0.1:${upstreamPort}`);
  closers.push(async () => transport.close());
  let settle = (): void => undefined;
  const harness: Omit<Harness, 'port'> = {
    errors: [],
    echoes: [],
    exchanges: [],
    settled: new Promise((resolve) => (settle = resolve)),
  };
  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    const length = request.headers['content-length'];
    const headers = upstreamHeaders(request.rawHeaders, { requestId: 'r', traceparent: 't' });
    if (length !== undefined) headers.push('content-length', length);
    const rules = {
      upstreamOrigin: `http://127.0.0.1:${upstreamPort}`,
      basePath: '',
      gatewayUrl: 'http://gw',
      passCookies: false,
    };
    const answer: AnswerStream = new AnswerStream(
      response,
      { method: request.method ?? '', rules, ownHeaders: ['Own', 'yes'], echo: echoForms(options.secrets ?? []) },
      {
        drained: () => exchange.resume(),
        echoed: (where) => harness.echoes.push(where),
        cut: (error) => exchange.abort(error),
        done: (error) => {
          if (error) harness.errors.push(error);
          if (error && !answer.headSent && !response.destroyed)
            response.writeHead(error instanceof GatewayError ? error.status : 500).end(error.message);
          settle();
        },
      },
    );
    const exchange: UpstreamExchange = new UpstreamExchange(
      {
        method: request.method ?? '',
        target: request.url ?? '',
        headers,
        body: hasBody ? new RequestBody(request, options.maxBytes ?? 1 << 30) : undefined,
        headersTimeoutMs: 5_000,
        idleTimeoutMs: 5_000,
        totalTimeoutMs: undefined,
        ...options.limits,
      },
      answer,
    );
    response.on('close', () => response.writableFinished || exchange.abort(new ClientGoneError()));
    harness.exchanges.push(exchange);
    exchange.dispatch(transport);
  };
  return { port: await listen(createServer(forward)), ...harness };
}

/** What a peer without any HTTP library sees. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let seen = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (bytes) => (seen += bytes.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(seen));
  });
}

const CLOSE = 'Host: h\r\nConnection: close\r\n';

describe('answers pass as they are', () => {
  it('repeated fields, their order, spelling and bytes', async () => {
    const { port } = await proxyTo((_request, response) => {
      response.sendDate = false;
      response
        .writeHead(203, 'Quite So', [
          'X-A',
          '1',
          'x-a',
          '2',
          'Link',
          '<a>',
          'X-Latin',
          'caf\xe9',
          'Content-Length',
          '2',
        ])
        .end(Buffer.from('ok'));
    });
    const seen = await raw(port, `GET / HTTP/1.1\r\n${CLOSE}\r\n`);
    expect(seen).toBe(
      'HTTP/1.1 203 Quite So\r\nX-A: 1\r\nx-a: 2\r\nLink: <a>\r\nX-Latin: caf\xe9\r\nContent-Length: 2\r\nOwn: yes\r\nConnection: close\r\n\r\nok',
    );
  });

  it.each([
    ['HEAD', 200, ['content-length', '1234'], 'content-length: 1234'],
    ['GET', 304, ['etag', '"x"', 'content-length', '99'], 'content-length: 99'],
    ['GET', 204, ['x', 'y'], 'x: y'],
  ])('%s answered with %d keeps its fields and has no body', async (method, status, headers, expected) => {
    const { port } = await proxyTo((_request, response) => response.writeHead(status, headers).end());
    const seen = await raw(port, `${method} / HTTP/1.1\r\n${CLOSE}\r\n`);
    expect(seen).toContain(`HTTP/1.1 ${status}`);
    expect(seen).toContain(expected);
    expect(seen).not.toContain('transfer-encoding');
    expect(seen.endsWith('\r\n\r\n')).toBe(true);
  });

  it('single-byte characters of a head that comes before its body', async () => {
    const { port } = await proxyTo((_q, r) => {
      r.writeHead(200, { 'X-Latin': 'caf\xe9' }).write(Buffer.alloc(0));
      setTimeout(() => r.end(), 50);
    });
    expect(await raw(port, `GET / HTTP/1.1\r\n${CLOSE}\r\n`)).toContain('X-Latin: caf\xe9\r\n');
  });

  it('trailers (RFC 9110 §6.5) and early hints (RFC 8297)', async () => {
    const { port } = await proxyTo((_request, response) => {
      response.writeEarlyHints({ link: '</s.css>; rel=preload' });
      response.writeHead(200, { trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '7' });
      response.end();
    });
    const seen = await raw(port, `GET / HTTP/1.1\r\n${CLOSE}TE: trailers\r\n\r\n`);
    expect(seen).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/s\.css>; rel=preload\r\n/i);
    expect(seen).toMatch(/4\r\nbody\r\n0\r\nX-Sum: 7\r\n\r\n$/);
  });

  it.each([
    ['a length', 'HTTP/1.1', ['Content-Length', '2'], 'ok'],
    ['no body', 'HTTP/1.1', [], ''],
    ['a caller of HTTP/1.0', 'HTTP/1.0', [], 'ok'],
  ])('[T8] trailers that cannot be sent are not announced: %s', async (_name, version, fields, body) => {
    const answer = ['HTTP/1.1 200 OK', 'Trailer: X-Sum', ...(fields.length > 0 ? [fields.join(': ')] : []), '', body];
    const { port } = await proxyTo((request) => request.socket.end(answer.join('\r\n')));
    const seen = await raw(port, `${body === '' ? 'HEAD' : 'GET'} / ${version}\r\n${CLOSE}\r\n`);
    expect(seen).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(seen).not.toContain('Trailer');
    expect(seen.endsWith(`\r\n\r\n${body}`)).toBe(true);
  });

  it('requests: method, raw target, repeated fields, length and chunks', async () => {
    const seen: unknown[] = [];
    const { port } = await proxyTo((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          seen.push([
            request.method,
            request.url,
            request.headers['content-length'],
            request.headers['transfer-encoding'],
            request.headersDistinct['x-a'],
            Buffer.concat(chunks).toString(),
          ]);
          response.end();
        });
    });
    await raw(port, `PUT /a%20b//c?x=%2F&&y HTTP/1.1\r\n${CLOSE}X-A: 1\r\nx-a: 2\r\nContent-Length: 4\r\n\r\nbody`);
    await raw(port, `POST /c HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`);
    await raw(port, `DELETE /d HTTP/1.1\r\n${CLOSE}Content-Length: 1\r\n\r\nx`);
    expect(seen.map((one) => JSON.stringify(one))).toEqual([
      '["PUT","/a%20b//c?x=%2F&&y","4",null,["1","2"],"body"]',
      expect.stringMatching(/^\["POST","\/c",("3",null|null,"chunked"),null,"abc"\]$/),
      '["DELETE","/d","1",null,null,"x"]',
    ]);
  });
});

describe('[T8] streams are bounded', () => {
  it('a caller that does not read stops the upstream from being read', async () => {
    let written = 0;
    const { port } = await proxyTo((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      const more = (): void => {
        for (let open = true; open && written < 1 << 28; written += 1 << 16)
          open = response.write(Buffer.alloc(1 << 16));
      };
      response.on('drain', more);
      more();
    });
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\n${CLOSE}\r\n`));
    socket.pause();
    closers.push(() => Promise.resolve(socket.destroy()));
    let before = -1;
    while (written === 0 || written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(written).toBeLessThan(1 << 27);
  });

  it.each([
    ['no answer', { headersTimeoutMs: 30 }, (): void => undefined],
    ['a total limit', { totalTimeoutMs: 30 }, (): void => undefined],
  ])('%s → upstream_timeout', async (_name, limits, upstream) => {
    const { port, errors } = await proxyTo(upstream, { limits });
    expect(await raw(port, `GET / HTTP/1.1\r\n${CLOSE}\r\n`)).toContain('HTTP/1.1 504');
    expect(errors).toEqual([expect.objectContaining({ code: 'upstream_timeout' })]);
  });

  it('a body over the limit is refused and what was sent is not completed', async () => {
    const ended: boolean[] = [];
    const { port } = await proxyTo((request) => request.resume().on('close', () => ended.push(request.complete)), {
      maxBytes: 10,
    });
    const seen = await raw(
      port,
      `POST / HTTP/1.1\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n8\r\nabcdefgh\r\n0\r\n\r\n`,
    );
    expect(seen).toContain('HTTP/1.1 413');
    expect(ended).not.toContain(true);
  });
});

describe('[T3] a connection that is lost before the answer', () => {
  it.each([
    ['GET', '', 2],
    ['HEAD', '', 2],
    ['DELETE', '', 1],
    ['POST', 'Content-Length: 3\r\n', 1],
  ])('%s is sent at most as often as that is safe (RFC 9110 §9.2.1)', async (method, length, times) => {
    let seen = 0;
    const { port, errors } = await proxyTo((request, response) => {
      seen += 1;
      if (seen === 1) return void request.socket.destroy();
      response.end('second');
    });
    const answer = await raw(port, `${method} / HTTP/1.1\r\n${CLOSE}${length}\r\n${length && 'abc'}`);
    expect([seen, errors.length]).toEqual([times, times === 2 ? 0 : 1]);
    expect(answer).toMatch(times === 2 ? /^HTTP\/1\.1 200/ : /^HTTP\/1\.1 502/);
  });

  it('is not tried for a third time', async () => {
    let seen = 0;
    const { port } = await proxyTo((request) => {
      seen += 1;
      request.socket.destroy();
    });
    expect(await raw(port, `GET / HTTP/1.1\r\n${CLOSE}\r\n`)).toMatch(/^HTTP\/1\.1 502/);
    expect(seen).toBe(2);
  });
});

describe('[T3] an answer that is not whole never looks whole', () => {
  const cases: [string, RequestListener][] = [
    [
      'a cut of a chunked answer',
      (_q, r) => void r.writeHead(200).write('part', () => setTimeout(() => r.destroy(), 20)),
    ],
    [
      'a cut of an answer with a length',
      (_q, r) =>
        void r.writeHead(200, { 'content-length': '100' }).write('part', () => setTimeout(() => r.destroy(), 20)),
    ],
    ['a stalled answer', (_q, r) => void r.writeHead(200).write('part')],
  ];
  it.each(cases)('%s', async (_name, upstream) => {
    const { port, errors } = await proxyTo(upstream, { limits: { idleTimeoutMs: 200 } });
    const seen = await raw(port, `GET / HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect(seen).toContain('part');
    expect(seen.endsWith('0\r\n\r\n')).toBe(false);
    expect(errors).toHaveLength(1);
  });

  it('an aborted exchange tells a reader of events why, then breaks off', async () => {
    const harness = await proxyTo(
      (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n'),
    );
    const seen = raw(harness.port, `GET / HTTP/1.1\r\nHost: h\r\n\r\n`);
    while (!harness.exchanges[0]?.started) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    harness.exchanges[0].abort(new GatewayError('revoked'));
    expect(await seen).toMatch(/data: 1\n\n.*event: error\ndata: \{"code":"revoked"\}\n\n\r\n$/s);
    expect(harness.errors).toEqual([expect.objectContaining({ code: 'revoked' })]);
  });

  it('a caller that goes away ends the call at the upstream', async () => {
    let gone = (): void => undefined;
    const upstreamGone = new Promise<void>((resolve) => (gone = resolve));
    const harness = await proxyTo((_request, response) => {
      response.on('close', gone);
      response.writeHead(200).write('part');
    });
    const socket = connect(harness.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\n${CLOSE}\r\n`));
    socket.once('data', () => socket.destroy());
    await upstreamGone;
    await harness.settled;
    expect(harness.errors).toEqual([expect.any(ClientGoneError)]);
  });
});

describe('[T5] an injected secret does not come back', () => {
  const SECRET = 'sk-top-secret/1';

  const echoing: [string, RequestListener][] = [
    [
      'with a length',
      (_q, r) =>
        void r.writeHead(200, { 'content-length': 25 + SECRET.length }).end(`{"authorization":"Bearer ${SECRET}`),
    ],
    [
      'in chunks',
      (_q, r) => void r.write(`{"authorization":"Bearer ${SECRET.slice(0, 5)}`, () => r.end(SECRET.slice(5))),
    ],
  ];
  it.each(echoing)('in a text body %s', async (_name, upstream) => {
    const { port, echoes } = await proxyTo(upstream, { secrets: [SECRET] });
    const seen = await raw(port, `GET / HTTP/1.0\r\n\r\n`);
    expect(seen).toMatch(/\r\n\r\n\{"authorization":"Bearer \[redacted\]$/);
    expect(echoes).toEqual(['body']);
  });

  it('in a header field', async () => {
    const { port, echoes } = await proxyTo(
      (_q, r) => void r.writeHead(200, { 'x-echo': `is ${SECRET}`, 'x-other': '1' }).end(),
      { secrets: [SECRET] },
    );
    const seen = await raw(port, `GET / HTTP/1.0\r\n\r\n`);
    expect(seen).toContain('x-other: 1');
    expect(seen).not.toContain('x-echo');
    expect(echoes).toEqual(['header']);
  });

  it('in events: the stream is cut before the secret leaves', async () => {
    const { port, errors } = await proxyTo(
      (_q, r) => {
        r.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: 1\n\ndata: ${SECRET.slice(0, 6)}`);
        setTimeout(() => r.write(SECRET.slice(6)), 30);
      },
      { secrets: [SECRET] },
    );
    const seen = await raw(port, `GET / HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect(seen).toContain('data: 1');
    expect(seen).not.toContain(SECRET.slice(0, 6));
    expect(seen).toContain('event: error');
    expect(errors).toHaveLength(1);
  });
});
