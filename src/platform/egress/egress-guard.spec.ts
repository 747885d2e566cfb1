import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { type TLSSocket, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { selfSigned } from '../../../test/support/self-signed.js';
import { EgressClient } from './egress-client.js';
import { EgressGuard, type EgressOptions, type EgressTerms } from './egress-guard.js';
import { type EgressGrants, parsePortRange } from './grants.js';
import type { Resolver } from './resolver.js';

class ScriptedResolver implements Resolver {
  readonly asked: string[] = [];
  constructor(private readonly answers: Record<string, readonly (readonly string[])[]>) {}

  /** The answers of one name in turn; the last one stays. */
  resolve(host: string): Promise<readonly string[]> {
    const turn = this.asked.filter((one) => one === host).length;
    this.asked.push(host);
    const answers = this.answers[host];
    const answer = answers?.[Math.min(turn, answers.length - 1)];
    return answer ? Promise.resolve(answer) : Promise.reject(new Error('ENOTFOUND'));
  }
}

const STRICT: EgressOptions = { allowLoopback: false, grantable: [], production: true };
const DEVELOPMENT: EgressOptions = { allowLoopback: true, grantable: [], production: false };
const ANY = ['0.0.0.0/0:*', '::/0:*'].flatMap((text) => parsePortRange(text) ?? []);
const DENIED = expect.objectContaining({ code: 'egress_denied' }) as unknown;

const closers: (() => Promise<unknown>)[] = [];
let listener: TcpServer;
let port: number;
let connections: number;

async function listen<T extends TcpServer>(server: T, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

beforeEach(async () => {
  connections = 0;
  listener = createHttpServer((_request, response) => response.end('reached'));
  listener.on('connection', () => (connections += 1));
  port = await listen(listener);
});

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function get(guard: EgressGuard, url: string, terms: EgressTerms = {}): Promise<string> {
  const pool = guard.poolFor(url, { ...terms, connectTimeoutMs: 2_000, connections: 1 });
  try {
    const answer = await pool.request({ path: '/', method: 'GET' });
    return await answer.body.text();
  } finally {
    await pool.destroy();
  }
}

describe('[T3] EgressGuard: nothing that is not vetted is dialled', () => {
  const resolver = new ScriptedResolver({
    'private.test': [['10.0.0.1']],
    'loop.test': [['127.0.0.1']],
    'mixed.test': [['93.184.216.34', '127.0.0.1']],
    'mapped.test': [['::ffff:127.0.0.1']],
    'scoped.test': [['fe80::1%lo']],
    'metadata.test': [['169.254.169.254']],
    'junk.test': [['not-an-address']],
  });
  const hosts = [
    '127.0.0.1',
    'localhost',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.0.0.1.',
    '127.9.9.9',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    '１２７.0.0.1',
    'private.test',
    'loop.test',
    'LOOP.test',
    'loop.test.',
    'mixed.test',
    'mapped.test',
    'scoped.test',
    'metadata.test',
    'junk.test',
    '169.254.169.254',
    'metadata.google.internal',
  ];
  const table = hosts.flatMap((host) => [`http://${host}`, `https://${host}`]);

  it.each(table)('%s is refused at registration and on the connection', async (origin) => {
    const guard = new EgressGuard({ ...STRICT, production: false }, resolverWithLocalhost(resolver));
    const grants: EgressGrants = { insecure_http: true };
    await expect(guard.checkRegistration(`${origin}:${port}/`, { grants })).rejects.toEqual(DENIED);
    await expect(get(guard, `${origin}:${port}/`, { grants })).rejects.toEqual(DENIED);
    expect(connections).toBe(0);
  });

  it('even a granted address is refused when the name also resolves to one that is not', async () => {
    const guard = new EgressGuard({ ...STRICT, grantable: ANY, production: false }, resolver);
    const grants: EgressGrants = { insecure_http: true, allow: [{ cidr: '127.0.0.2/32', port }] };
    await expect(get(guard, `http://mixed.test:${port}/`, { grants })).rejects.toEqual(DENIED);
    expect(connections).toBe(0);
  });

  it('a name that was public at registration and has moved inside (DNS rebinding) is refused', async () => {
    const rebinding = new ScriptedResolver({ 'rebind.test': [['93.184.216.34'], ['127.0.0.1']] });
    const guard = new EgressGuard({ ...STRICT, production: false }, rebinding);
    const grants: EgressGrants = { insecure_http: true };
    await guard.checkRegistration(`http://rebind.test:${port}/`, { grants });
    await expect(get(guard, `http://rebind.test:${port}/`, { grants })).rejects.toEqual(DENIED);
    expect([connections, rebinding.asked]).toEqual([0, ['rebind.test', 'rebind.test']]);
  });

  it('the address that was judged is the one that is dialled: the name is not resolved a second time', async () => {
    const rebinding = new ScriptedResolver({ 'rebind.test': [['127.0.0.1'], ['10.0.0.1']] });
    const guard = new EgressGuard(DEVELOPMENT, rebinding);
    await expect(get(guard, `http://rebind.test:${port}/`)).resolves.toBe('reached');
    expect(rebinding.asked).toEqual(['rebind.test']);
  });

  it('proxy variables of the environment change nothing', async () => {
    const proxy = createHttpServer((_request, response) => response.end('proxied'));
    const proxyUrl = `http://127.0.0.1:${await listen(proxy)}`;
    const before = { ...process.env };
    Object.assign(process.env, {
      HTTP_PROXY: proxyUrl,
      http_proxy: proxyUrl,
      HTTPS_PROXY: proxyUrl,
      ALL_PROXY: proxyUrl,
      NODE_USE_ENV_PROXY: '1',
    });
    try {
      await expect(get(new EgressGuard(DEVELOPMENT, resolver), `http://127.0.0.1:${port}/`)).resolves.toBe('reached');
    } finally {
      for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });
});

describe('[T3] EgressGuard: what opens and what stays shut', () => {
  const resolver = new ScriptedResolver({
    'loop.test': [['127.0.0.1']],
    'db.test': [['10.0.0.5']],
    'elsewhere.test': [['10.0.0.5']],
  });

  it('the development flag opens loopback, plain http included', async () => {
    const guard = new EgressGuard(DEVELOPMENT, resolver);
    for (const host of ['127.0.0.1', 'loop.test'])
      await expect(get(guard, `http://${host}:${port}/`)).resolves.toBe('reached');
    await expect(guard.checkRegistration('http://8.8.8.8/')).rejects.toEqual(DENIED);
    await expect(guard.checkRegistration('http://10.0.0.1/')).rejects.toEqual(DENIED);
  });

  it('own endpoints stay shut under the development flag and under any grant', async () => {
    const guard = new EgressGuard({ ...DEVELOPMENT, grantable: ANY }, resolver, () => ['192.0.2.7']);
    guard.protect({ host: '0.0.0.0', port });
    guard.protect({ host: 'db.test', port: 5432 });
    const grants: EgressGrants = {
      insecure_http: true,
      allow: [
        { cidr: '0.0.0.0/0', port },
        { cidr: '::/0', port },
        { cidr: '0.0.0.0/0', port: 5432 },
      ],
    };
    for (const host of ['127.0.0.1', '127.8.8.8', '[::1]', 'loop.test', '0.0.0.0', '192.0.2.7']) {
      await expect(get(guard, `http://${host}:${port}/`, { grants })).rejects.toEqual(DENIED);
    }
    await expect(guard.checkRegistration('http://elsewhere.test:5432/', { grants })).rejects.toEqual(DENIED);
    await expect(guard.checkRegistration('http://10.0.0.6:5432/', { grants })).resolves.toBeUndefined();
    expect(connections).toBe(0);
  });

  it('a port whose own host cannot be resolved is shut altogether', async () => {
    const guard = new EgressGuard(DEVELOPMENT, resolver);
    guard.protect({ host: 'gone.test', port });
    await expect(get(guard, `http://127.0.0.1:${port}/`)).rejects.toEqual(DENIED);
    expect(connections).toBe(0);
  });

  it('a grant inside the operator’s list opens its address and port, nothing else', async () => {
    const grantable = ['127.0.0.0/8:*'].flatMap((text) => parsePortRange(text) ?? []);
    const guard = new EgressGuard({ ...STRICT, grantable }, resolver);
    const grants: EgressGrants = { insecure_http: true, allow: [{ cidr: '127.0.0.1/32', port }] };
    await expect(get(guard, `http://127.0.0.1:${port}/`, { grants })).resolves.toBe('reached');
    await expect(get(guard, `http://127.0.0.2:${port}/`, { grants })).rejects.toEqual(DENIED);
    await expect(
      guard.checkRegistration('https://10.0.0.1/', { grants: { allow: [{ cidr: '10.0.0.0/8', port: 443 }] } }),
    ).rejects.toEqual(DENIED);
  });

  it('plain http needs its own permission, and never carries a credential in production', async () => {
    const grantable = ['127.0.0.0/8:*'].flatMap((text) => parsePortRange(text) ?? []);
    const guard = new EgressGuard({ ...STRICT, grantable }, resolver);
    const allow = [{ cidr: '127.0.0.1/32', port }];
    await expect(get(guard, `http://127.0.0.1:${port}/`, { grants: { allow } })).rejects.toEqual(DENIED);
    await expect(
      get(guard, `http://127.0.0.1:${port}/`, { grants: { allow, insecure_http: true }, injectsCredential: true }),
    ).rejects.toEqual(DENIED);
    await expect(guard.checkRegistration('http://unresolved.test/')).rejects.toEqual(DENIED);
    await expect(guard.checkRegistration('https://unresolved.test/')).resolves.toBeUndefined();
    expect(connections).toBe(0);
  });

  it('a name that does not resolve is no refusal of the guard but a failed connection', async () => {
    const guard = new EgressGuard(DEVELOPMENT, resolver);
    await expect(get(guard, 'https://unresolved.test/')).rejects.not.toEqual(DENIED);
  });

  it('the next address is tried when one does not answer', async () => {
    const two = new ScriptedResolver({ 'two.test': [['127.0.0.9', '127.0.0.1']] });
    await expect(get(new EgressGuard(DEVELOPMENT, two), `http://two.test:${port}/`)).resolves.toBe('reached');
  });
});

describe('[T3] EgressGuard over TLS', () => {
  const resolver = new ScriptedResolver({ 'upstream.test': [['127.0.0.1']], 'other.test': [['127.0.0.1']] });

  async function tlsServer(): Promise<{ port: number; cert: string; names: (string | false)[] }> {
    const { key, cert } = selfSigned('upstream.test');
    const names: (string | false)[] = [];
    const server = createTlsServer({ key, cert }, (socket: TLSSocket) => {
      names.push(socket.servername ?? false);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntls');
    });
    server.on('tlsClientError', () => undefined);
    return { port: await listen(server), cert, names };
  }

  it('verifies the certificate against the original host and sends it as server name', async () => {
    const upstream = await tlsServer();
    const guard = new EgressGuard({ ...DEVELOPMENT, trustedCa: [upstream.cert] }, resolver);
    await expect(get(guard, `https://upstream.test:${upstream.port}/`)).resolves.toBe('tls');
    await expect(get(guard, `https://other.test:${upstream.port}/`)).rejects.toMatchObject({ code: 'connect_failed' });
    await expect(get(guard, `https://127.0.0.1:${upstream.port}/`)).rejects.toMatchObject({ code: 'connect_failed' });
    expect(upstream.names[0]).toBe('upstream.test');
  });

  it('refuses a certificate nobody vouches for', async () => {
    const upstream = await tlsServer();
    await expect(
      get(new EgressGuard(DEVELOPMENT, resolver), `https://upstream.test:${upstream.port}/`),
    ).rejects.toMatchObject({ code: 'connect_failed' });
  });
});

describe('[T3] EgressClient', () => {
  it('does not follow redirects', async () => {
    const server = createHttpServer((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(),
    );
    const client = new EgressClient(new EgressGuard(DEVELOPMENT, new ScriptedResolver({})));
    closers.push(() => client.close());
    const answer = await client.request({ url: `http://127.0.0.1:${await listen(server)}/` });
    expect([answer.status, connections]).toEqual([302, 0]);
  });

  it('refuses a long answer and a URL with two readings', async () => {
    const client = new EgressClient(new EgressGuard(DEVELOPMENT, new ScriptedResolver({})));
    closers.push(() => client.close());
    await expect(client.request({ url: `http://127.0.0.1:${port}/`, maxBytes: 3 })).rejects.toThrow(/longer than 3/);
    await expect(client.request({ url: `http://user@127.0.0.1:${port}/` })).rejects.toEqual(DENIED);
    await expect(client.request({ url: `http://127.0.0.1:${port}/` })).resolves.toMatchObject({
      status: 200,
      body: Buffer.from('reached'),
    });
  });
});

function resolverWithLocalhost(resolver: Resolver): Resolver {
  return { resolve: (host) => (host === 'localhost' ? Promise.resolve(['127.0.0.1', '::1']) : resolver.resolve(host)) };
}
