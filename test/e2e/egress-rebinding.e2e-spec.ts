import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp } from '../support/app.js';
import { DnsStub } from '../support/dns-stub.js';
import { KeyHolder } from '../support/dpop.js';
import { addResource, exchangeRaw, type GatewayScene, serve, type Upstream } from '../support/gateway-scene.js';
import { created, OAuthScene, type SceneClient } from '../support/oauth-scene.js';
import { selfSigned } from '../support/self-signed.js';
import { SubjectIssuer } from '../support/subject-issuer.js';

const GRANTED = '127.0.0.2';
const INSIDE = '127.0.0.1';
const PUBLIC = '93.184.216.34';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let dns: DnsStub;
/** What a name has for an answer now. */
const answers: Record<string, () => readonly string[]> = {};
let inside: Upstream;
/** Our end of every connection that somebody opened. */
let reached: string[] = [];
let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;

beforeAll(async () => {
  dns = await DnsStub.start((name) => answers[name]?.() ?? []);
  const server = createServer((_request, response) => response.setHeader('connection', 'close').end('reached'));
  server.on('connection', ({ localAddress }) => void reached.push(localAddress ?? ''));
  inside = await serve(server, '0.0.0.0');
  app = await startTestApp({
    DNS_SERVERS: dns.server,
    EGRESS_ALLOW_LOOPBACK: 'false',
    EGRESS_GRANTABLE: `${GRANTED}/32:${inside.port}`,
  });
  scene = await OAuthScene.open(app);
  client = await scene.client();
});

afterAll(async () => {
  await app.close();
  await inside.close();
  await dns.close();
});

const at = (name: string, scheme = 'https'): string => `${scheme}://${name}:${inside.port}`;
const questions = (name: string): number => dns.asked.filter((one) => one === name).length;
const verdict = (answer: Response) => [answer.status, answer.headers.get('caracal-error')] as const;

/** A resource in front of a name, with a grant for one address of ours over plain http. */
function granted(name: string): Promise<GatewayScene> {
  const egress = { allow: [{ cidr: `${GRANTED}/32`, port: inside.port }], insecure_http: true };
  return addResource(scene, client, { upstream: at(name, 'http'), members: { egress } });
}

describe('[T3] a name whose addresses change (DNS rebinding), asked of a real server', () => {
  it('is connected to at the address that was judged, and to no other, however the answers alternate', async () => {
    let turn = 0;
    answers['turning.test'] = () => [GRANTED];
    const gateway = await granted('turning.test');
    answers['turning.test'] = () => [(turn += 1) % 2 === 1 ? GRANTED : INSIDE];
    const token = await gateway.mandate();
    const before = questions('turning.test');
    reached = [];
    const seen: unknown[] = [];
    for (let n = 0; n < 6; n += 1) {
      const answer = await gateway.get('/', { token, headers: { 'x-request-id': `turn-${n}` } });
      seen.push(verdict(answer));
      await answer.text();
    }
    const passed = [200, null];
    const refused = [502, 'egress_denied'];
    expect(seen).toEqual([passed, refused, passed, refused, passed, refused]);
    expect(reached).toEqual([GRANTED, GRANTED, GRANTED]);
    // Each connection is one question: the answer that was judged is the one that was dialled.
    expect(questions('turning.test') - before).toBe(6);
  });

  it('is refused when only one of its addresses may not be reached', async () => {
    answers['mixed.test'] = () => [GRANTED];
    const gateway = await granted('mixed.test');
    answers['mixed.test'] = () => [GRANTED, INSIDE];
    reached = [];
    expect(verdict(await gateway.get('/'))).toEqual([502, 'egress_denied']);
    expect(reached).toEqual([]);
  });

  it('that is public when it is registered and a cloud’s metadata service afterwards is not connected to', async () => {
    answers['cloud.test'] = () => [PUBLIC];
    const gateway = await addResource(scene, client, { upstream: 'https://cloud.test/' });
    answers['cloud.test'] = () => ['169.254.169.254'];
    expect(verdict(await gateway.get('/'))).toEqual([502, 'egress_denied']);
  });
});

const sigv4 = {
  kind: 'aws_sigv4',
  config: { region: 'eu-west-1', service: 's3', access_key_id: 'AKIA' },
  secret: { secret_access_key: 'a-secret-key-of-forty-characters-or-more' },
};
const identity = selfSigned('agent.test');
const mtls = { kind: 'mtls', config: { certificate: identity.cert }, secret: { private_key: identity.key } };

/** A provider whose tokens are had from that place. */
const tokensAt = (name: string, kind = 'oauth2_client_credentials') => ({
  kind,
  config: { token_endpoint: `${at(name)}/token`, client_id: 'c', auth_method: 'client_secret_basic' },
  secret: { client_secret: 'a-secret-of-a-client' },
});

async function through(upstream: string, provider?: object): Promise<readonly [number, string | null]> {
  const gateway = await addResource(scene, client, { upstream, ...(provider ? { provider } : {}) });
  rebind();
  return verdict(await gateway.get('/'));
}

let rebind: () => void = () => undefined;

/** Every client of the process that connects to a place that somebody has named, used once after the name has moved inside. */
const CLIENTS: [string, (name: string) => Promise<unknown>, unknown][] = [
  ['the gateway', (name) => through(at(name)), [502, 'egress_denied']],
  ['the gateway with a signature', (name) => through(at(name), sigv4), [502, 'egress_denied']],
  ['the gateway with a client certificate', (name) => through(at(name), mtls), [502, 'egress_denied']],
  [
    'a WebSocket',
    async (name) => {
      const gateway = await addResource(scene, client, { upstream: at(name) });
      rebind();
      const url = `${gateway.resource.gateway_url.replace('http', 'ws')}/`;
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${await gateway.mandate()}` } });
      return new Promise((resolve) =>
        socket.on('unexpected-response', (_request, { statusCode, headers }) => {
          socket.on('error', () => undefined).terminate();
          resolve([statusCode, headers['caracal-error']]);
        }),
      );
    },
    [502, 'egress_denied'],
  ],
  [
    'an upstream’s token endpoint',
    (name) => {
      answers['elsewhere.test'] = () => [PUBLIC];
      return through('https://elsewhere.test/', tokensAt(name));
    },
    [502, 'credential_unavailable'],
  ],
  [
    'the check of a provider',
    async (name) => {
      const { id } = created(await scene.admin('POST', '/providers', { name: 'p', ...tokensAt(name) })) as {
        id: string;
      };
      rebind();
      return (await scene.admin('POST', `/providers/${id}/test`)).body.ok;
    },
    false,
  ],
  [
    'the published keys of a client',
    async (name) => {
      const own = await scene.client();
      const credential = { type: 'jwks_uri', jwks_uri: `${at(name)}/jwks.json` };
      created(await scene.admin('POST', `/applications/${own.id}/credentials`, credential));
      rebind();
      const key = new KeyHolder();
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: own.id, sub: own.id, aud: scene.issuer, iat: now, exp: now + 60, jti: `jti-${name}` };
      const fields = { grant_type: 'client_credentials', client_assertion_type: ASSERTION };
      const answer = await scene.oauth('token', { ...fields, client_assertion: key.sign({ alg: key.alg }, claims) });
      return answer.body.error;
    },
    'invalid_client',
  ],
  [
    'the discovery of a subject’s issuer',
    async (name) => {
      const issuer = await SubjectIssuer.start();
      created(await scene.admin('POST', '/subject-issuers', { issuer: at(name), audience: 'caracal' }));
      rebind();
      const token = await scene.applicationToken(client);
      const subject = { id_token: issuer.mint({ claims: { iss: at(name) } }) };
      const answer = await scene.runtime('POST', '/sessions', token, { lifecycle: 'task', subject });
      await issuer.close();
      return answer.body.code;
    },
    'temporarily_unavailable',
  ],
  [
    'a webhook',
    async (name) => {
      const hook = { url: `${at(name)}/hook`, events: ['*'], zone: scene.zone };
      created(await app.admin('POST', '/v1/webhooks', hook));
      rebind();
      const before = questions(name);
      await addResource(scene, client, { upstream: 'https://elsewhere.test/' });
      while (questions(name) === before) await new Promise((resolve) => setTimeout(resolve, 50));
      return 'asked';
    },
    'asked',
  ],
];

describe('[T3] every client of the process judges the address of each connection', () => {
  it.each(CLIENTS)('%s', async (who, use, expected) => {
    const name = `${who.replaceAll(/[^a-z]/g, '')}.test`;
    answers[name] = () => [PUBLIC];
    reached = [];
    let moved = 0;
    rebind = () => {
      moved = questions(name);
      answers[name] = () => [INSIDE];
    };
    expect(await use(name)).toEqual(expected);
    expect(questions(name)).toBeGreaterThan(moved);
    expect(reached).toEqual([]);
  });

  it('and what listens there would have answered', async () => {
    expect(await exchangeRaw(inside.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toContain('reached');
  });
});

describe('the change of a provider', () => {
  const made = async (): Promise<{ id: string; etag: Record<string, string> }> => {
    answers['first.test'] = () => [PUBLIC];
    const answer = await scene.admin('POST', '/providers', { name: 'p', ...tokensAt('first.test') });
    return { id: created(answer).id as string, etag: { 'if-match': answer.headers.get('etag') ?? '' } };
  };

  it('[T8] holds nobody up while it asks for a name, and changes nothing that was changed meanwhile', async () => {
    const { id, etag } = await made();
    answers['slow.test'] = () => [PUBLIC];
    const release = dns.hold('slow.test');
    const { config, secret } = tokensAt('slow.test');
    const moved = scene.admin('PATCH', `/providers/${id}`, { config, secret }, etag);
    while (questions('slow.test') === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const renamed = await scene.admin('PATCH', `/providers/${id}`, { name: 'renamed' }, etag);
    release();
    expect([renamed.status, (await moved).status]).toEqual([200, 412]);
    const { body } = await scene.admin('GET', `/providers/${id}`);
    expect([body.name, body.config.token_endpoint]).toEqual(['renamed', `${at('first.test')}/token`]);
  });

  it('[T3] to a place inside is refused and changes nothing', async () => {
    const { id, etag } = await made();
    answers['inside.test'] = () => [INSIDE];
    const { config, secret } = tokensAt('inside.test');
    const moved = await scene.admin('PATCH', `/providers/${id}`, { config, secret }, etag);
    expect([moved.status, moved.body.code]).toEqual([400, 'egress_denied']);
    const unsound = await scene.admin(
      'PATCH',
      `/providers/${id}`,
      { config: { ...config, nonsense: 1 }, secret },
      etag,
    );
    expect([unsound.status, unsound.body.code]).toEqual([400, 'invalid_request']);
    const { body } = await scene.admin('GET', `/providers/${id}`);
    expect(body.config.token_endpoint).toBe(`${at('first.test')}/token`);
  });
});
