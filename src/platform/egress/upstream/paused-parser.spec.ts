import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EgressClient } from '../egress-client.js';
import { EgressGuard } from '../egress-guard.js';
import type { ExchangeHandler } from './transport.js';
import { UpstreamTransport } from './upstream-transport.js';

const guard = new EgressGuard(
  { allowLoopback: true, grantable: [], production: false },
  { resolve: () => Promise.resolve(['127.0.0.1']) },
);
let server: Server;
const sockets: Socket[] = [];
afterEach(async () => {
  sockets.splice(0).forEach((socket) => socket.destroy());
  server.close();
  await once(server, 'close');
});

/** An upstream that answers every request with these bytes and then ends its connection. */
async function upstream(answer: Buffer, end: (socket: Socket) => unknown): Promise<number> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => (socket.write(answer), end(socket)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Takes one piece at a time, a while after the one before; answers what came and how it ended. */
function readSlowly(port: number): Promise<{ body: Buffer; error?: Error }> {
  const transport = new UpstreamTransport(guard, `http://upstream.test:${port}`, {
    connectTimeoutMs: 2_000,
    connections: 1,
  });
  const pieces: Buffer[] = [];
  return new Promise((resolve) => {
    const handler: ExchangeHandler = {
      onRequestStart: () => undefined,
      onResponseStart: () => undefined,
      onResponseData: (controller, piece) => {
        pieces.push(piece);
        controller.pause();
        setTimeout(() => controller.resume(), 20);
      },
      onResponseEnd: () => resolve({ body: Buffer.concat(pieces) }),
      onResponseError: (_, error) => resolve({ body: Buffer.concat(pieces), error }),
    };
    transport.dispatch({ method: 'GET', target: '/', headers: [], body: null }, handler);
  });
}

const BODY = Buffer.alloc(200_000, 'abc');
/** More than is on its way at any time. */
const LONG = Buffer.alloc(32 * 1_048_576);
const chunked = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
const head = (...fields: string[]): Buffer =>
  Buffer.from(['HTTP/1.1 200 OK', 'Connection: close', ...fields, '', ''].join('\r\n'));

const FRAMINGS: readonly (readonly [string, (body: Buffer) => Buffer])[] = [
  ['a length', (body) => Buffer.concat([head(`Content-Length: ${body.length}`), body])],
  ['chunks', (body) => Buffer.concat([head('Transfer-Encoding: chunked'), chunked(body)])],
  ['its end', (body) => Buffer.concat([head(), body])],
  ['its end, of HTTP/1.0', (body) => Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), body])],
];

describe('[T8] an upstream that ends its connection while nobody reads', () => {
  it.each(FRAMINGS)('is read to the last byte of an answer framed by %s', async (_name, framed) => {
    const { body, error } = await readSlowly(await upstream(framed(BODY), (socket) => socket.end()));
    expect([error, body.equals(BODY)]).toEqual([undefined, true]);
  });

  it.each(FRAMINGS.slice(0, 2))('before the end of an answer framed by %s has failed', async (_name, framed) => {
    const { error } = await readSlowly(await upstream(framed(BODY).subarray(0, -100), (socket) => socket.end()));
    expect(error).toBeInstanceOf(Error);
  });

  it.each(FRAMINGS)('with a reset has failed, whatever had come of an answer framed by %s', async (_name, framed) => {
    const reset = (socket: Socket): unknown => setTimeout(() => socket.resetAndDestroy(), 100);
    const { error } = await readSlowly(await upstream(framed(LONG), reset));
    expect(error).toBeInstanceOf(Error);
  });

  it('never looks as if it had said everything when it was reset', async () => {
    const reset = (socket: Socket): unknown => setTimeout(() => socket.resetAndDestroy(), 100);
    const { body, error } = await readSlowly(await upstream(Buffer.concat([head(), Buffer.from('half')]), reset));
    expect([body.toString(), error]).toEqual(['half', expect.any(Error)]);
  });

  it('is no end of the process for small requests to other places either', async () => {
    const port = await upstream(Buffer.concat([head(), BODY]), (socket) => socket.end());
    const client = new EgressClient(guard);
    const answer = await client.request({ url: `http://upstream.test:${port}/` });
    expect(answer.body.equals(BODY)).toBe(true);
    await client.close();
  });
});
