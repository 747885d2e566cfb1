import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  addResource,
  exchangeRaw,
  type GatewayScene,
  openGateway,
  serve,
  type Upstream,
} from '../support/gateway-scene.js';
import { claimsOf, created } from '../support/oauth-scene.js';

let app: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
const seen: IncomingMessage[] = [];
const closes: number[] = [];
const opened: WebSocket[] = [];

beforeAll(async () => {
  app = await startTestApp();
  const server = createServer((request, response) => response.end(`plain ${request.headers.upgrade ?? 'none'}`));
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: true,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
    verifyClient: ({ req }: { req: IncomingMessage }, admit: (ok: boolean, code?: number, text?: string) => void) =>
      req.url?.includes('teapot') === true ? admit(false, 418, 'short and stout') : admit(true),
  });
  sockets.on('connection', (socket, request) => {
    seen.push(request);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', (code) => closes.push(code));
  });
  upstream = await serve(server);
  gateway = await openGateway(app, {
    upstream: upstream.url,
    provider: { kind: 'bearer', config: {}, secret: { token: 'upstream-secret' } },
    scopes: ['use', 'other'],
    members: {
      operations: [
        { method: 'GET', path: '/live/**', scope: 'use' },
        { method: 'GET', path: '/priv', scope: 'other' },
      ],
    },
    granted: ['use'],
  });
});

afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
});

afterAll(async () => {
  await upstream.close();
  await app.close();
});

function open(path: string, token?: string, protocols: string[] = [], headers: Record<string, string> = {}): WebSocket {
  const url = `${gateway.resource.gateway_url.replace('http', 'ws')}${path}`;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url, protocols, { headers: { ...authorization, ...headers } });
  opened.push(socket);
  return socket;
}

async function answered(socket: WebSocket): Promise<IncomingMessage> {
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  return response;
}

async function outcome(requestId: string): Promise<Record<string, unknown>> {
  for (;;) {
    const entries = await gateway.scene.entries(`request_id=${requestId}`);
    const found = entries.find(({ entry }) => entry['type'] === 'gateway.outcome');
    if (found) return found.entry['detail'] as Record<string, unknown>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('WebSockets through the gateway, between a client and a server that we did not write', () => {
  it('open under the decision for GET on their path, with subprotocol, extension, credential and receipt', async () => {
    const socket = open('/live/feed?room=1', await gateway.mandate({ scope: 'use' }), ['chat.v1', 'chat.v2'], {
      'x-request-id': 'ws-opened',
      'x-own': 'kept',
    });
    const [[response]] = (await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])) as [
      [IncomingMessage],
      [],
    ];
    expect([socket.protocol, socket.extensions]).toEqual(['chat.v2', 'permessage-deflate']);
    expect(response.headers).toMatchObject({ 'x-request-id': 'ws-opened' });
    expect(response.headers['authority-receipt']).toMatch(new RegExp(`^${gateway.scene.zone}/\\d+$`));
    const { url, headers } = seen.at(-1) as IncomingMessage;
    expect([url, headers.authorization, headers['x-own'], headers.via]).toEqual([
      '/live/feed?room=1',
      'Bearer upstream-secret',
      'kept',
      '1.1 caracal',
    ]);
    const binary = randomBytes(300_000);
    for (const message of ['hello', 'a'.repeat(70_000), binary]) {
      socket.send(message);
      const [echo] = (await once(socket, 'message')) as [Buffer];
      expect(createHash('sha256').update(echo).digest('hex')).toBe(createHash('sha256').update(message).digest('hex'));
    }
    socket.close(1000, 'bye');
    await once(socket, 'close');
    const entries = await gateway.scene.entries('request_id=ws-opened');
    expect(entries[0]?.entry).toMatchObject({
      type: 'gateway.request',
      decision: 'allow',
      operation: { method: 'GET', path: '/live/feed', template: '/live/**' },
    });
    expect(await outcome('ws-opened')).toMatchObject({ ended: 'complete', status: 101 });
  });

  it('[T3] are refused before any upgrade without a token, operation or scope', async () => {
    const connections = upstream.connections;
    const none = await answered(open('/live/feed'));
    expect([none.statusCode, none.headers['caracal-error']]).toEqual([401, 'invalid_token']);
    expect(none.headers['www-authenticate']).toMatch(/^Bearer resource_metadata="[^"]+"$/);
    const token = await gateway.mandate({ scope: 'use' });
    const undeclared = await answered(open('/elsewhere', token));
    expect([undeclared.statusCode, undeclared.headers['caracal-error']]).toEqual([403, 'operation_not_permitted']);
    const scope = await answered(open('/priv', token));
    expect([scope.statusCode, scope.headers['caracal-error']]).toEqual([403, 'insufficient_scope']);
    expect(upstream.connections).toBe(connections);
  });

  it('[T3] are not for MCP servers, whose messages are decided on one by one', async () => {
    const mcp = await addResource(gateway.scene, gateway.client, { upstream: upstream.url, members: { mcp: true } });
    const url = `${mcp.resource.gateway_url.replace('http', 'ws')}/live`;
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${await mcp.mandate()}` } });
    const answer = await answered(socket);
    expect([answer.statusCode, answer.headers['caracal-error']]).toEqual([403, 'operation_not_permitted']);
  });

  it('an upstream that answers something else is answered as it is', async () => {
    const answer = await answered(open('/live/teapot', await gateway.mandate({ scope: 'use' })));
    expect([answer.statusCode, answer.statusMessage, answer.headers['caracal-error']]).toEqual([
      418,
      "I'm a Teapot",
      undefined,
    ]);
  });

  it('[T3] a revocation closes them with 1008 and says why, and ends them at the upstream', async () => {
    const token = await gateway.mandate({ scope: 'use' });
    const socket = open('/live/feed', token, [], { 'x-request-id': 'ws-revoked' });
    await once(socket, 'open');
    const closed = once(socket, 'close') as Promise<[number, Buffer]>;
    const before = closes.length;
    const body = { kind: 'token', id: claimsOf(token)['jti'], reason: 'test' };
    created(await app.admin('POST', `/v1/zones/${gateway.scene.zone}/revocations`, body));
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([1008, 'revoked']);
    expect(await outcome('ws-revoked')).toMatchObject({ ended: 'revoked', status: 101 });
    while (closes.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('[T3] a mandate that expires closes them with 1008', async () => {
    const socket = open('/live/feed', await gateway.mandate({ scope: 'use', lifetime: '2' }));
    await once(socket, 'open');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1008, 'invalid_token']);
  });

  it('a caller that goes away ends the connection to the upstream', async () => {
    const socket = open('/live/feed', await gateway.mandate({ scope: 'use' }), [], { 'x-request-id': 'ws-gone' });
    await once(socket, 'open');
    const before = closes.length;
    socket.terminate();
    while (closes.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await outcome('ws-gone')).toMatchObject({ ended: 'client_closed' });
  });
});

describe('upgrades that are not a WebSocket’s', () => {
  it('are ignored: the request is answered, with its body, and the connection goes on (RFC 9110 §7.8)', async () => {
    const port = Number(new URL(app.url).port);
    const lines = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
    const form = 'grant_type=client_credentials';
    const token = `POST /z/${gateway.scene.zone}/oauth2/token HTTP/1.1\r\nHost: h\r\n${lines}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`;
    const live = `GET /health/live HTTP/1.1\r\nHost: h\r\n${lines}\r\n`;
    const last = `GET /health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
    const inTurn = await new Promise<string>((resolve) => {
      const turns = [live, token, live, last];
      let text = '';
      const socket: Socket = connect(port, '127.0.0.1', () => socket.write(turns.shift() as string));
      const answered = (): void => {
        const next = turns.shift();
        if (next !== undefined) socket.write(next);
      };
      let quiet: NodeJS.Timeout | undefined;
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        clearTimeout(quiet);
        quiet = setTimeout(answered, 100);
      });
      socket.on('error', () => undefined).on('close', () => resolve(text));
    });
    expect(inTurn.match(/HTTP\/1\.1 \d\d\d/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 401',
      'HTTP/1.1 200',
      'HTTP/1.1 200',
    ]);
    expect(inTurn).toContain('invalid_client');
    const websocketElsewhere = `GET /health/live HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n${last}`;
    expect((await exchangeRaw(port, websocketElsewhere)).match(/HTTP\/1\.1 \d\d\d/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 200',
    ]);
  });

  it('[T3] bytes behind a refused upgrade are not read as a request', async () => {
    const { pathname, port } = new URL(gateway.resource.gateway_url);
    const key = randomBytes(16).toString('base64');
    const raw = `GET ${pathname}/live/x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\nGET /health/live HTTP/1.1\r\nHost: h\r\n\r\n`;
    const answer = await exchangeRaw(Number(port), raw);
    expect(answer.match(/HTTP\/1\.1 \d\d\d/g)).toEqual(['HTTP/1.1 401']);
  });
});

describe('the end of the process', () => {
  const accept = (key: string | undefined): string =>
    createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

  /** A server that ends no connection by itself: after its Close frame it says nothing more, and otherwise not even that. */
  async function stubborn(): Promise<Upstream> {
    const server = createServer().on('upgrade', (request, socket) => {
      socket.on('error', () => undefined).resume();
      const head = `HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept(request.headers['sec-websocket-key'])}`;
      socket.write(`${head}\r\n\r\n`);
      if (request.url?.endsWith('/goodbye') === true) socket.end(Buffer.from([0x88, 0x02, 0x03, 0xe8]));
    });
    return serve(server);
  }

  /** A caller that is let in and keeps its side of the connection open for as long as it likes. */
  async function caller(gatewayUrl: string, path: string, token: string): Promise<Socket> {
    const { pathname, port } = new URL(gatewayUrl);
    const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    const key = randomBytes(16).toString('base64');
    const lines = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
    socket.write(`GET ${pathname}${path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\n${lines}\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    return socket;
  }

  it('tells open WebSockets that it goes (RFC 6455 §7.4.1), and the ledger that it ended them', async () => {
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const url = new URL(`${gateway.resource.gateway_url}/live/feed`);
    url.protocol = 'ws';
    url.port = new URL(replica.url).port;
    const authorization = `Bearer ${await gateway.mandate({ scope: 'use' })}`;
    const socket = new WebSocket(url, { headers: { authorization, 'x-request-id': 'ws-stopped' } });
    await once(socket, 'open');
    const closed = once(socket, 'close') as Promise<[number, Buffer]>;
    await replica.running.close(1_000);
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([1001, 'overloaded']);
    expect(await outcome('ws-stopped')).toMatchObject({ ended: 'stopping', status: 101 });
  });

  it('[T8] does not wait for WebSockets of which one side has ended and the other never does (RFC 6455 §7.1.4)', async () => {
    const server = await stubborn();
    const { resource, mandate } = await addResource(gateway.scene, gateway.client, {
      upstream: server.url,
      members: { operations: [{ method: 'GET', path: '/live/**', scope: 'use' }] },
    });
    const halfClosed = await caller(resource.gateway_url, '/live/silent', await mandate());
    const keepsOpen = await caller(resource.gateway_url, '/live/goodbye', await mandate());
    halfClosed.end();
    if (!keepsOpen.readableEnded) await once(keepsOpen.resume(), 'end');
    // Far longer than a test may take: what it waited for would be seen.
    await app.running.close(3_600_000);
    keepsOpen.destroy();
    await server.close();
  });
});
