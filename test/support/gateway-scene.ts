import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { OAuthScene, ok, created, type SceneClient, type SceneResource } from './oauth-scene.js';
import type { TestApp } from './app.js';

/** An upstream of a test's own; counts connections. */
export interface Upstream {
  readonly url: string;
  readonly port: number;
  connections: number;
  close(): Promise<void>;
}

export async function startUpstream(listener: RequestListener): Promise<Upstream> {
  return serve(createServer(listener));
}

export async function serve(server: Server, host = '127.0.0.1'): Promise<Upstream> {
  const sockets = new Set<Socket>();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: Upstream = {
    url: `http://127.0.0.1:${port}`,
    port,
    connections: 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  server.on('connection', (socket: Socket) => {
    upstream.connections += 1;
    sockets.add(socket);
  });
  return upstream;
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A zone with one client that holds a scope on one resource in front of an upstream. */
export interface GatewayScene {
  readonly scene: OAuthScene;
  readonly client: SceneClient;
  readonly resource: SceneResource;
  readonly grant: string;
  /** A mandate of the application itself. */
  mandate(fields?: Readonly<Record<string, string>>): Promise<string>;
  /** `fetch` through the gateway with a fresh mandate unless headers say otherwise. */
  get(path: string, init?: RequestInit & { token?: string | undefined }): Promise<Response>;
}

export interface GatewayOptions {
  readonly upstream: string;
  readonly provider?: object;
  readonly members?: object;
  readonly scopes?: readonly string[];
  readonly granted?: readonly string[];
}

export async function openGateway(app: TestApp, options: GatewayOptions): Promise<GatewayScene> {
  const scene = await OAuthScene.open(app);
  return addResource(scene, await scene.client(), options);
}

export async function addResource(
  scene: OAuthScene,
  client: SceneClient,
  options: GatewayOptions,
): Promise<GatewayScene> {
  const scopes = options.scopes ?? ['use'];
  const provider =
    options.provider && created(await scene.admin('POST', '/providers', { name: 'upstream', ...options.provider }));
  const resource = await scene.resource(scopes, {
    upstream_url: options.upstream,
    operations: [{ method: '*', path: '/**', scope: scopes[0] }],
    ...(provider ? { provider: provider.id } : {}),
    ...options.members,
  });
  const grant = await scene.grant(client, resource, options.granted ?? scopes);
  const mandate = async (fields: Readonly<Record<string, string>> = {}): Promise<string> =>
    ok(
      await scene.oauth(
        'token',
        { grant_type: 'client_credentials', resource: resource.gateway_url, ...fields },
        client,
      ),
    ).access_token;
  return {
    scene,
    client,
    resource,
    grant,
    mandate,
    get: async (path, init = {}) => {
      const token = 'token' in init ? init.token : await mandate();
      const headers = {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(init.headers as Record<string, string>),
      };
      return fetch(`${resource.gateway_url}${path}`, { redirect: 'manual', ...init, headers });
    },
  };
}

/** Writes bytes to a port and answers everything that comes back until the peer closes. */
export function exchangeRaw(port: number, bytes: string | Buffer, idleMs = 3_000): Promise<string> {
  return new Promise((resolve) => {
    let seen = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('data', (chunk) => (seen += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(seen));
  });
}
