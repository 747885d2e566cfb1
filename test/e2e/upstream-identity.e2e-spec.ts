import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { patch } from '../support/administration.js';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  addResource,
  bodyOf,
  type GatewayScene,
  serve,
  startUpstream,
  type Upstream,
} from '../support/gateway-scene.js';
import { nginxIsPresent, startNginx } from '../support/nginx.js';
import { OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';
import { selfSigned } from '../support/self-signed.js';
import { isSignedBy, type ReceivedRequest } from '../support/sigv4-oracle.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
});
afterAll(() => app.close());

const gateway = (upstream: string, provider: object, members: object = {}): Promise<GatewayScene> =>
  addResource(scene, client, { upstream, provider, members });

async function providerOf(gateway: GatewayScene): Promise<string> {
  return ok(await scene.admin('GET', `/resources/${gateway.resource.id}`)).provider as string;
}

interface S3Server {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

/** The package brings no types. */
async function loadS3rver(): Promise<new (options: object) => S3Server> {
  // @ts-expect-error -- no declarations
  const module = (await import('s3rver')) as { default: new (options: object) => S3Server };
  return module.default;
}

describe('AWS Signature Version 4', () => {
  const credential = { accessKeyId: 'S3RVER', secretAccessKey: 'secret-key-canary-3e' };
  const provider = (service: string, more: object = {}): object => ({
    kind: 'aws_sigv4',
    config: { region: 'eu-west-1', service, access_key_id: credential.accessKeyId },
    secret: { secret_access_key: credential.secretAccessKey, ...more },
  });
  let checking: Upstream;
  let arrived: (ReceivedRequest & { body: Buffer })[] = [];

  beforeAll(async () => {
    checking = await startUpstream((request, response) => {
      void bodyOf(request).then((body) => {
        arrived.push({ method: request.method ?? '', target: request.url ?? '', headers: request.headers, body });
        response
          .writeHead(200, { 'content-type': 'text/plain' })
          .end(`you sent ${String(request.headers.authorization)}`);
      });
    });
  });
  afterAll(() => checking.close());
  beforeEach(() => {
    arrived = [];
  });

  it.each(['s3', 'execute-api'])(
    'is made over what is really sent, as the AWS SDK would make it: %s',
    async (service) => {
      const one = await gateway(`${checking.url}/base`, provider(service));
      const calls: [string, RequestInit][] = [
        ['/a%20b/c?x=1&a=%2F&flag', {}],
        [
          '/put',
          {
            method: 'PUT',
            body: 'hello',
            headers: { 'content-type': 'text/plain', 'x-amz-meta-a': 'b', 'x-amz-date': 'mine' },
          },
        ],
        ['/large', { method: 'POST', body: 'x'.repeat(200_000) }],
      ];
      for (const [path, init] of calls) expect((await one.get(path, init)).status).toBe(200);
      expect(await Promise.all(arrived.map((request) => isSignedBy(request, credential)))).toEqual([true, true, true]);
      expect(arrived.map(({ target, body }) => [target, body.length])).toEqual([
        ['/base/a%20b/c?x=1&a=%2F&flag', 0],
        ['/base/put', 5],
        ['/base/large', 200_000],
      ]);
      // A service that takes unsigned payloads gets a stream, another one the hash of what was held.
      expect(arrived[2]?.headers['x-amz-content-sha256'] === 'UNSIGNED-PAYLOAD').toBe(service === 's3');
    },
  );

  it('[T5] neither signature nor session token comes back, nor does the key leave', async () => {
    const one = await gateway(checking.url, provider('s3', { session_token: 'session-token-canary' }));
    const text = await (await one.get('/x')).text();
    const sent = arrived[0]?.headers ?? {};
    expect(sent['x-amz-security-token']).toBe('session-token-canary');
    expect(text).toContain('[redacted]');
    expect(text).not.toContain(/Signature=(\w+)/.exec(String(sent.authorization))?.[1]);
    expect(JSON.stringify(sent)).not.toContain(credential.secretAccessKey);
  });

  it('reads and writes at an S3 server that we did not write', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'caracal-test-s3-'));
    const S3rver = await loadS3rver();
    const server = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      directory,
      configureBuckets: [{ name: 'agents', configs: [] }],
    });
    try {
      const { port } = await server.run();
      const one = await gateway(`http://127.0.0.1:${port}`, provider('s3'));
      const put = await one.get('/agents/notes/a%20b.txt', { method: 'PUT', body: 'remembered' });
      expect([put.status, put.headers.get('etag')]).toEqual([200, expect.any(String)]);
      const big = Buffer.alloc(300_000, 'z');
      expect((await one.get('/agents/big', { method: 'PUT', body: big })).status).toBe(200);
      expect(await (await one.get('/agents/notes/a%20b.txt')).text()).toBe('remembered');
      expect(Buffer.from(await (await one.get('/agents/big')).arrayBuffer()).equals(big)).toBe(true);
      const list = await (await one.get('/agents?list-type=2&prefix=notes%2F')).text();
      expect(list).toContain('<Key>notes/a b.txt</Key>');
    } finally {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('a client certificate', () => {
  const server = selfSigned('localhost');
  const ours = selfSigned('agents.example');
  const provider = (identity: { cert: string; key: string }): object => ({
    kind: 'mtls',
    config: { certificate: identity.cert, ca_certificate: server.cert },
    secret: { private_key: identity.key },
  });
  let upstream: Upstream;
  let url: string;

  beforeAll(async () => {
    upstream = await serve(
      createTlsServer(
        { ...server, ca: [ours.cert], requestCert: true, rejectUnauthorized: true },
        (request, response) => {
          response.end(
            `${String((request.socket as TLSSocket).getPeerCertificate().subject.CN)} ${request.headers.authorization ?? 'none'}`,
          );
        },
      ),
    );
    url = `https://localhost:${upstream.port}`;
  });
  afterAll(() => upstream.close());

  it('is what the upstream knows the gateway by; the mandate stays behind', async () => {
    const one = await gateway(url, provider(ours));
    expect(await (await one.get('/x')).text()).toBe('agents.example none');
  });

  it('that the upstream does not accept ends in no call; its replacement is presented at once', async () => {
    const one = await gateway(url, provider(selfSigned('stranger.example')));
    const refused = await one.get('/x');
    expect([refused.status, refused.headers.get('caracal-error')]).toEqual([502, 'upstream_unavailable']);
    const id = await providerOf(one);
    const test = await scene.admin('POST', `/providers/${id}/test`);
    expect(test.body).toMatchObject({
      ok: false,
      checks: [{ outcome: 'ok' }, { outcome: 'skipped' }, { check: 'upstream', outcome: 'failed' }],
    });
    const ask = scene.admin.bind(scene);
    const { config, secret } = provider(ours) as { config: object; secret: object };
    expect((await patch(ask, `/providers/${id}`, { config })).status).toBe(400);
    expect((await patch(ask, `/providers/${id}`, { config, secret })).status).toBe(200);
    expect((await one.get('/x')).status).toBe(200);
    expect((await scene.admin('POST', `/providers/${id}/test`)).body).toMatchObject({ ok: true });
  });

  it('[T3] never travels without TLS, and only to the server that it was bound to', async () => {
    const plain = await startUpstream((_request, response) => response.end('plain'));
    try {
      const one = await gateway(plain.url, provider(ours));
      const answer = await one.get('/x');
      expect([answer.status, answer.headers.get('caracal-error'), plain.connections]).toEqual([
        502,
        'egress_denied',
        0,
      ]);
      const body = {
        slug: 'elsewhere',
        identifier: 'https://elsewhere.example/',
        upstream_url: url,
        enforcement: 'gateway',
        scopes: [{ name: 'use' }],
        operations: [{ method: '*', path: '/**', scope: 'use' }],
        provider: await providerOf(one),
      };
      expect((await scene.admin('POST', '/resources', body)).body).toMatchObject({ code: 'conflict' });
    } finally {
      await plain.close();
    }
  });

  it('[T5] its key is kept sealed and shown nowhere', async () => {
    const one = await gateway(url, provider(ours));
    const shown = await scene.admin('GET', `/providers/${await providerOf(one)}`);
    expect(shown.body.config.certificate).toBe(ours.cert);
    const secretLine = ours.key.split('\n')[1] as string;
    expect(JSON.stringify(shown.body).includes(secretLine)).toBe(false);
    expect(app.logs().includes(secretLine)).toBe(false);
  });

  // That nginx was left out is said, never passed over.
  const servers = nginxIsPresent() ? ['nginx'] : [];
  if (servers.length === 0)
    process.stderr.write('nginx is not on the PATH: client certificates are proven against Node alone\n');
  else
    it('is verified by nginx as well', async () => {
      const nginx = await startNginx({
        flags: 'ssl',
        server: `ssl_certificate server.pem; ssl_certificate_key server.key; ssl_client_certificate client.pem;
          ssl_verify_client on; location / { default_type text/plain; return 200 "$ssl_client_s_dn"; }`,
        files: { 'server.pem': server.cert, 'server.key': server.key, 'client.pem': ours.cert },
      });
      try {
        const one = await gateway(`https://localhost:${nginx.port}`, provider(ours));
        expect(await (await one.get('/x')).text()).toBe('CN=agents.example');
        const stranger = await gateway(`https://localhost:${nginx.port}`, provider(selfSigned('stranger.example')));
        // nginx takes the connection and refuses the request: the upstream's own answer.
        expect((await stranger.get('/x')).status).toBe(400);
      } finally {
        await nginx.stop();
      }
    });
});
