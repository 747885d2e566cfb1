import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { startTestApp, type TestApp } from '../support/app.js';
import { addResource, type GatewayOptions, type GatewayScene, serve, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';
import { selfSigned } from '../support/self-signed.js';

const PIECE = Buffer.alloc(65_536, 'x');
const LENGTH = 2 ** 40;

/** What an upstream needs of a response, in either version of HTTP. */
interface Endless {
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(data: Buffer | string): boolean;
  on(event: 'close' | 'drain', listener: () => void): unknown;
}

let app: TestApp;
let plain: Upstream;
let h2: Upstream;
let sockets: WebSocketServer;
const identity = selfSigned('localhost');
/** Paths of calls whose end the upstream has seen. */
const ended: string[] = [];
/** The HTTP version that upstreams were spoken to in, by path. */
const versions: Record<string, string> = {};

/** Answers without end, as fast as it is read; upload is read without end. */
function endless(path: string, response: Endless, request?: IncomingMessage): void {
  response.on('close', () => void ended.push(path));
  if (path.endsWith('/upload')) return void request?.resume();
  if (path.endsWith('/events')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: tick\n\n'), 5);
    response.on('close', () => clearInterval(timer));
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    ...(path.endsWith('/big') ? { 'content-length': String(LENGTH) } : {}),
  });
  let open = true;
  response.on('close', () => (open = false));
  const more = (): void => {
    while (open && response.write(PIECE));
  };
  response.on('drain', () => setImmediate(more));
  more();
}

beforeAll(async () => {
  app = await startTestApp();
  const server = createServer((request, response) => {
    versions[request.url ?? ''] = request.httpVersion;
    endless(request.url ?? '', response, request);
  });
  sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    const timer = setInterval(() => socket.send('tick'), 5);
    socket.on('close', () => clearInterval(timer));
    socket.on('close', () => void ended.push('/socket'));
  });
  plain = await serve(server);
  const tls = createSecureServer({ ...identity, allowHTTP1: true }, (request, response) => {
    versions[`h2${request.url}`] = request.httpVersion;
    endless(`h2${request.url}`, response);
  });
  h2 = await serve(tls as unknown as Server);
});

afterAll(async () => {
  await app.close();
  sockets.close();
  await plain.close();
  await h2.close();
});

/** How an open call ended for its caller. */
interface Ending {
  readonly status: number | undefined;
  /** The answer, or the request, came to its own end. */
  readonly clean: boolean;
  readonly last: string;
  readonly code?: number;
}

interface OpenedCall {
  readonly ending: Promise<Ending>;
}

/** Opens a call and resolves when its bytes flow. */
async function open(gateway: GatewayScene, path: string, token: string): Promise<OpenedCall> {
  const url = `${gateway.resource.gateway_url}${path}`;
  const headers = { authorization: `Bearer ${token}`, 'x-request-id': `cut${path.replaceAll('/', '-')}` };
  if (path.endsWith('/upload')) return upload(url, headers);
  const request = httpRequest(url, { headers }).end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  let last = Buffer.alloc(0);
  answer.on('data', (chunk: Buffer) => (last = Buffer.concat([last, chunk]).subarray(-200)));
  answer.on('error', () => undefined);
  request.on('error', () => undefined);
  await once(answer, 'data');
  // Not `once`: it would take the error of an aborted answer for its own.
  const ending = new Promise<Ending>((resolve) => {
    answer.on('close', () => resolve({ status: answer.statusCode, clean: answer.complete, last: last.toString() }));
  });
  return { ending };
}

/** A body that does not end; the upstream has seen its beginning. */
async function upload(url: string, headers: Record<string, string>): Promise<OpenedCall> {
  const request = httpRequest(url, { method: 'POST', headers });
  const answered = new Promise<Ending>((resolve) => {
    request.on('response', (answer) => {
      answer.resume();
      const last = String(answer.headers['caracal-error']);
      answer.on('close', () => resolve({ status: answer.statusCode, clean: answer.complete, last }));
    });
    request.on('error', () => resolve({ status: undefined, clean: false, last: '' }));
  });
  const timer = setInterval(() => request.write(PIECE), 5);
  request.on('close', () => clearInterval(timer));
  while (versions['/upload'] === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  return { ending: answered.finally(() => clearInterval(timer)) };
}

async function openSocket(gateway: GatewayScene, token: string): Promise<OpenedCall> {
  const headers = { authorization: `Bearer ${token}`, 'x-request-id': 'cut-socket' };
  const socket = new WebSocket(`${gateway.resource.gateway_url.replace('http', 'ws')}/socket`, { headers });
  await once(socket, 'message');
  const ending = (once(socket, 'close') as Promise<[number, Buffer]>).then(([code, reason]) => ({
    status: 101,
    clean: false,
    last: reason.toString(),
    code,
  }));
  return { ending };
}

interface Scene {
  readonly scene: OAuthScene;
  readonly client: SceneClient;
  readonly session: { readonly id: string; readonly session_token: string };
  readonly gateway: GatewayScene;
  readonly token: string;
}

async function sceneFor(options: GatewayOptions): Promise<Scene> {
  const scene = await OAuthScene.open(app);
  const client = await scene.client();
  const members = { limits: { max_body_bytes: 2 ** 33 } };
  const gateway = await addResource(scene, client, { members, ...options });
  const session = await scene.session(await scene.applicationToken(client));
  const exchanged = await scene.exchange(client, session.session_token, { resource: gateway.resource.gateway_url });
  return { scene, client, session, gateway, token: ok(exchanged).access_token };
}

async function outcomeOf({ scene }: Scene, path: string): Promise<Record<string, unknown>> {
  for (;;) {
    const entries = await scene.entries(`request_id=cut${path.replaceAll('/', '-')}`);
    const found = entries.find(({ entry }) => entry['type'] === 'gateway.outcome');
    if (found) return found.entry['detail'] as Record<string, unknown>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Revoke = (of: Scene) => Promise<unknown>;

const revoked = async ({ scene }: Scene, kind: string, id: string): Promise<unknown> =>
  created(await scene.admin('POST', '/revocations', { kind, id, reason: 'test' }));

const WAYS: Readonly<Record<string, Revoke>> = {
  'its session is terminated': async ({ scene, session, client }) =>
    ok(await scene.runtime('POST', `/sessions/${session.id}/terminate`, await scene.applicationToken(client), {})),
  'its mandate is revoked': (of) => revoked(of, 'token', claimsOf(of.token)['jti'] as string),
  'its application is revoked': (of) => revoked(of, 'application', of.client.id),
  'its zone is killed': async ({ scene }) => ok(await scene.admin('POST', '/kill', { reason: 'test' })),
  'its subject is revoked': (of) => revoked(of, 'subject', `app:${of.client.id}`),
};

const CALLS: [string, string, keyof typeof WAYS, Partial<Ending>, RegExp][] = [
  ['events', '/events', 'its session is terminated', { status: 200, clean: false }, /event: error\ndata: .*"revoked"/],
  ['a body of a known length', '/big', 'its mandate is revoked', { status: 200, clean: false }, /^x+$/],
  ['a chunked body', '/chunked', 'its application is revoked', { status: 200, clean: false }, /^x+$/],
  ['an upload', '/upload', 'its zone is killed', { status: 401 }, /^revoked$/],
  ['a WebSocket', '/socket', 'its subject is revoked', { code: 1008 }, /^revoked$/],
];

describe('[T3] an open call is cut when its authority is taken away', () => {
  it.each(CALLS)('%s (%s) when %s', async (_name, path, way, expected, last) => {
    const world = await sceneFor({ upstream: plain.url });
    const call = path === '/socket' ? openSocket(world.gateway, world.token) : open(world.gateway, path, world.token);
    const { ending } = await call;
    await WAYS[way]?.(world);
    const seen = await ending;
    expect(seen).toMatchObject(expected);
    expect(seen.last).toMatch(last);
    while (!ended.includes(path)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await outcomeOf(world, path)).toMatchObject({ ended: 'revoked' });
  });

  it('over HTTP/2 to its upstream, whose other calls go on', async () => {
    const provider = {
      kind: 'mtls',
      config: { certificate: identity.cert, ca_certificate: identity.cert },
      secret: { private_key: identity.key },
    };
    const world = await sceneFor({ upstream: `https://localhost:${h2.port}`, provider });
    const { scene, client, gateway } = world;
    const other = await scene.session(await scene.applicationToken(client));
    const to = { resource: gateway.resource.gateway_url };
    const token = ok(await scene.exchange(client, other.session_token, to)).access_token;
    const [mine, others] = [await open(gateway, '/big', world.token), await open(gateway, '/events', token)];
    expect([versions['h2/big'], versions['h2/events'], h2.connections]).toEqual(['2.0', '2.0', 1]);
    await WAYS['its session is terminated']?.(world);
    expect(await mine.ending).toMatchObject({ status: 200, clean: false });
    while (!ended.includes('h2/big')) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ended).not.toContain('h2/events');
    await revoked(world, 'token', claimsOf(token)['jti'] as string);
    expect(await others.ending).toMatchObject({ status: 200, clean: false });
    expect((await others.ending).last).toMatch(/event: error/);
  });
});
