import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { KeyHolder } from '../support/dpop.js';
import { serve, type Upstream } from '../support/gateway-scene.js';
import { created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let app: TestApp;
let scene: OAuthScene;
let place: Upstream;
let published: object[] = [];
let asked = 0;

beforeAll(async () => {
  place = await serve(
    createServer((request, response) => {
      asked += 1;
      if (request.url === '/moved') response.writeHead(302, { location: '/jwks.json' }).end();
      else response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }));
    }),
  );
  app = await startTestApp();
  scene = await OAuthScene.open(app);
});

afterAll(async () => {
  await app.close();
  await place.close();
});

let serial = 0;

function authenticate(
  client: SceneClient,
  key: KeyHolder,
  claims: object = {},
  header: object = {},
): Promise<TestAnswer> {
  const now = Math.floor(Date.now() / 1000);
  serial += 1;
  const assertion = key.sign(
    { alg: key.alg, ...header },
    { iss: client.id, sub: client.id, aud: scene.issuer, iat: now, exp: now + 60, jti: `jti-${serial}`, ...claims },
  );
  return scene.oauth('token', {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION,
    client_assertion: assertion,
  });
}

async function clientWith(credential: object): Promise<SceneClient> {
  const client = await scene.client();
  created(await scene.admin('POST', `/applications/${client.id}/credentials`, credential));
  return client;
}

describe('private_key_jwt with a published key set (RFC 7523 §3, RFC 7591 §2)', () => {
  it('fetches the keys once for many clients at once, and again for a key that is new', async () => {
    const key = new KeyHolder();
    published = [{ ...key.jwk, kid: 'a' }];
    const client = await clientWith({ type: 'jwks_uri', jwks_uri: `${place.url}/jwks.json?once` });
    asked = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => authenticate(client, key, {}, { kid: 'a' })));
    expect([answers.map((answer) => answer.status), asked]).toEqual([answers.map(() => 200), 1]);
  });

  it('[T8] asks once for want of keys and once per interval for an unknown one, whatever keys are named', async () => {
    published = [new KeyHolder().jwk];
    const client = await clientWith({ type: 'jwks_uri', jwks_uri: `${place.url}/jwks.json?flood` });
    asked = 0;
    for (let attempt = 0; attempt < 10; attempt += 1)
      expect((await authenticate(client, new KeyHolder(), {}, { kid: `k${attempt}` })).status).toBe(401);
    expect(asked).toBe(2);
  });

  it('[T3] follows no redirect to the keys', async () => {
    const key = new KeyHolder();
    published = [key.jwk];
    const client = await clientWith({ type: 'jwks_uri', jwks_uri: `${place.url}/moved` });
    expect((await authenticate(client, key)).status).toBe(401);
  });

  it('[T3] is not registered where the server may not ask', async () => {
    const client = await scene.client();
    const uris = [
      'http://169.254.169.254/jwks',
      'https://169.254.169.254/jwks',
      'http://keys.example/jwks',
      'https://10.0.0.1/jwks',
    ];
    for (const jwks_uri of uris) {
      const answer = await scene.admin('POST', `/applications/${client.id}/credentials`, {
        type: 'jwks_uri',
        jwks_uri,
      });
      expect([jwks_uri, answer.status]).toEqual([jwks_uri, 400]);
    }
  });
});

describe('one assertion', () => {
  it('[T2] 200 parallel uses on two replicas yield exactly one token', async () => {
    const replica = await app.replica({ PUBLIC_URL: app.url });
    const key = new KeyHolder();
    const client = await clientWith({ type: 'jwks', jwks: { keys: [key.jwk] } });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: client.id, sub: client.id, aud: scene.issuer, iat: now, exp: now + 60, jti: 'the one' };
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION,
      client_assertion: key.sign({ alg: 'ES256' }, claims),
    }).toString();
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const url = `${at % 2 === 0 ? app.url : replica.url}/z/${scene.zone}/oauth2/token`;
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        return (await fetch(url, { method: 'POST', headers, body })).status;
      }),
    );
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 199 }, () => 401)]);
  });
});

describe('a credential that is revoked', () => {
  it('[T2] takes with it the mandates of sessions that were started with it', async () => {
    const client = await scene.client();
    const more = created(
      await scene.admin('POST', `/applications/${client.id}/credentials`, { type: 'client_secret' }),
    );
    const resource = await scene.resource(['read']);
    await scene.grant(client, resource, ['read']);
    const session = await scene.session(await scene.applicationToken(client));
    // The mandate itself is obtained with the other credential.
    const other = { id: client.id, secret: more.client_secret as string };
    const mandate = ok(
      await scene.exchange(other, session.session_token, { resource: resource.gateway_url }),
    ).access_token;
    expect(ok(await scene.oauth('introspect', { token: mandate }, other)).active).toBe(true);
    const { items } = ok(await scene.admin('GET', `/applications/${client.id}/credentials`));
    const first = (items as { id: string }[]).find((credential) => credential.id !== more.id);
    expect((await scene.admin('DELETE', `/applications/${client.id}/credentials/${first?.id}`)).status).toBeLessThan(
      300,
    );
    expect(ok(await scene.oauth('introspect', { token: mandate }, other))).toEqual({ active: false });
  });
});

describe('failed client authentication', () => {
  const wrong = { grant_type: 'client_credentials' };
  const reveal = ({ status, body }: TestAnswer): unknown => [status, body];

  it('[T2] looks the same for an unknown client and a wrong secret, also when there are too many', async () => {
    const client = await scene.client();
    const known = { id: client.id, secret: 'wrong' };
    const unknown = { id: 'app_01890000-0000-7000-8000-000000000000', secret: 'wrong' };
    for (let attempt = 0; attempt < 105; attempt += 1) {
      const [one, two] = await Promise.all([scene.oauth('token', wrong, known), scene.oauth('token', wrong, unknown)]);
      expect(reveal(one)).toEqual(reveal(two));
    }
    const last = await scene.oauth('token', wrong, known);
    expect([last.status, Number(last.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(last.headers.get('ratelimit-policy')).toBe('"failed_attempts";q=100;w=60');
    expect(last.headers.get('ratelimit')).toMatch(/^"failed_attempts";r=0;t=\d+$/);
  });

  it('[T8] does not lock the client out elsewhere', async () => {
    const proxied = await app.replica({ TRUST_PROXY: '127.0.0.0/8' });
    const client = await scene.client();
    const ask = (secret: string, address: string): Promise<Response> =>
      fetch(`${proxied.url}/z/${scene.zone}/oauth2/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': address },
        body: new URLSearchParams({ ...wrong, client_id: client.id, client_secret: secret }).toString(),
      });
    for (let attempt = 0; attempt < 100; attempt += 1) await ask('wrong', '192.0.2.1');
    expect((await ask(client.secret, '192.0.2.1')).status).toBe(429);
    expect((await ask(client.secret, '192.0.2.2')).status).toBe(200);
  });
});
