import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  claimsOf,
  created,
  encode,
  OAuthScene,
  ok,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';

const BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let calendar: SceneResource;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  calendar = await scene.resource(['read', 'write', 'admin']);
  await scene.grant(client, calendar, ['read', 'write']);
});

afterAll(() => app.close());

const token = (fields: Record<string, string | string[]>, who: SceneClient | undefined = client) =>
  scene.oauth('token', { grant_type: 'client_credentials', ...fields }, who);

describe('client_credentials (RFC 6749 §4.4)', () => {
  it('without a resource: an application token for the issuer alone, with a receipt', async () => {
    const answer = await token({});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      receipt: { zone: scene.zone, index: expect.any(Number) as unknown },
    });
    expect(answer.body).not.toHaveProperty('scope');
    expect(answer.body).not.toHaveProperty('refresh_token');
    expect(claimsOf(answer.body.access_token)).toMatchObject({
      iss: scene.issuer,
      aud: scene.issuer,
      sub: `app:${client.id}`,
      client_id: client.id,
      sub_type: 'application',
      zone: scene.zone,
    });
  });

  it('with a resource: a mandate for it, with all that is granted there (RFC 8707 §2)', async () => {
    const answer = ok(await token({ resource: calendar.gateway_url }));
    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'read write' });
    const claims = claimsOf(answer.access_token);
    expect(claims).toMatchObject({ aud: calendar.gateway_url, scope: 'read write', sub: `app:${client.id}` });
    for (const absent of ['sid', 'act', 'ptk', 'dlg']) expect(claims).not.toHaveProperty(absent);
  });

  it('the resource may be named by its identifier, as resource or audience', async () => {
    expect(claimsOf(ok(await token({ resource: calendar.identifier })).access_token)).toMatchObject({
      aud: calendar.gateway_url,
    });
    expect(claimsOf(ok(await token({ audience: calendar.identifier, scope: 'read' })).access_token)).toMatchObject({
      scope: 'read',
    });
  });

  it('the signature verifies under the published keys and typ is at+jwt (RFC 9068 §2.1)', async () => {
    const { access_token } = ok(await token({}));
    const header = JSON.parse(
      Buffer.from((access_token as string).split('.')[0] as string, 'base64url').toString(),
    ) as Record<string, string>;
    const keys = (await (await fetch(`${scene.issuer}/jwks.json`)).json()) as { keys: Record<string, string>[] };
    expect(header).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect(keys.keys.map((key) => key['kid'])).toContain(header['kid']);
    for (const key of keys.keys) expect(key).not.toHaveProperty('d');
  });

  const refused: [string, Record<string, string | string[]>, number, string][] = [
    ['no grant_type', { grant_type: '' }, 400, 'invalid_request'],
    ['an unknown grant_type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['a repeated grant_type', { grant_type: ['client_credentials', 'client_credentials'] }, 400, 'invalid_request'],
    ['a repeated scope', { scope: ['read', 'write'] }, 400, 'invalid_request'],
    ['a malformed scope', { scope: 'read  write' }, 400, 'invalid_scope'],
    ['a scope granted nowhere', { scope: 'admin' }, 400, 'invalid_scope'],
    ['an unknown resource', { resource: 'https://nowhere.example' }, 400, 'invalid_target'],
    ['a resource with a fragment', { resource: 'https://nowhere.example/#x' }, 400, 'invalid_target'],
    ['a lifetime above the cap', { lifetime: '3601' }, 400, 'invalid_request'],
    ['a lifetime that is no number', { lifetime: '1h' }, 400, 'invalid_request'],
    ['authorization details', { authorization_details: '[{"type":"x"}]' }, 400, 'invalid_authorization_details'],
  ];
  it.each(refused)('[T2] refuses %s', async (...[, fields, status, error]) => {
    const answer = await token(fields);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(Object.keys(answer.body as object)).not.toContain('access_token');
  });

  it('[T2] a scope beyond the grant at a held resource is invalid_scope, nothing held is invalid_target', async () => {
    const other = await scene.resource(['read']);
    expect((await token({ resource: calendar.gateway_url, scope: 'read admin' })).body.error).toBe('invalid_scope');
    expect((await token({ resource: other.gateway_url, scope: 'read' })).body.error).toBe('invalid_target');
    expect((await token({ resource: other.gateway_url })).body.error).toBe('invalid_target');
  });

  it('ignores unknown parameters, repeated or not (RFC 6749 §3.2)', async () => {
    expect((await token({ foo: ['1', '2'] })).status).toBe(200);
  });

  it('an application token may live up to an hour', async () => {
    expect(ok(await token({ lifetime: '3600' })).expires_in).toBe(3600);
  });
});

describe('client authentication (RFC 6749 §2.3)', () => {
  it('takes the secret in the body as well', async () => {
    const fields = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret };
    expect((await scene.oauth('token', fields)).status).toBe(200);
  });

  it('[T2] an unknown client and a wrong secret get the same answer', async () => {
    const otherEnd = client.secret.endsWith('x') ? 'y' : 'x';
    const wrong = await token({}, { id: client.id, secret: client.secret.slice(0, -1) + otherEnd });
    const unknown = await token({}, { id: 'app_00000000-0000-7000-8000-000000000000', secret: client.secret });
    expect([wrong.status, wrong.body]).toEqual([
      401,
      { error: 'invalid_client', error_description: expect.any(String) as unknown },
    ]);
    expect(unknown.body).toEqual(wrong.body);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    const { headers } = await scene.oauth('token', {
      grant_type: 'client_credentials',
      client_id: client.id,
      client_secret: 'x',
    });
    expect(headers.get('www-authenticate')).toBeNull();
  });

  it('[T2] exactly one method; the client id in the body must agree', async () => {
    const twice = await token({ client_id: client.id, client_secret: client.secret });
    expect([twice.status, twice.body.error]).toEqual([400, 'invalid_request']);
    const other = await token({ client_id: 'app_other' });
    expect([other.status, other.body.error]).toEqual([400, 'invalid_request']);
    expect((await token({ client_id: client.id })).status).toBe(200);
    expect((await scene.oauth('token', { grant_type: 'client_credentials' })).status).toBe(401);
  });

  it('[T2] another zone does not know the client', async () => {
    const elsewhere = await OAuthScene.open(app);
    const answer = await elsewhere.oauth('token', { grant_type: 'client_credentials' }, client);
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  it('an unknown zone is 404', async () => {
    const answer = await fetch(`${app.url}/z/nowhere/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: encode({ grant_type: 'client_credentials' }),
    });
    expect(answer.status).toBe(404);
  });

  it('[T6] a failed authentication is a ledger entry without a byte of the secret', async () => {
    await token({}, { id: client.id, secret: 'ccs_wrongwrongwrong' });
    const entries = await scene.entries('type=client_auth&decision=deny');
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.at(-1)?.entry).toMatchObject({
      decision: 'deny',
      reasons: ['invalid_client'],
      client: { address: expect.any(String) as unknown },
      detail: { claimed_client: client.id },
    });
    expect(entries.at(-1)?.entry['application']).toBeUndefined();
    expect(JSON.stringify(entries)).not.toContain('wrongwrong');
    // Whatever a caller writes in place of a client is not kept: it may be a secret.
    await token({}, { id: 'ccs_wrongwrongwrong', secret: 'x' });
    const [latest] = (await scene.entries('type=client_auth&decision=deny')).slice(-1);
    expect(latest?.entry['detail']).toBeUndefined();
    expect(JSON.stringify(latest)).not.toContain('wrongwrong');
  });
});

describe('private_key_jwt (RFC 7523 §2.2)', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let id: string;

  beforeAll(async () => {
    id = (await scene.client()).id;
    const jwks = { keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' }] };
    created(await scene.admin('POST', `/applications/${id}/credentials`, { type: 'jwks', jwks }));
  });

  function assertion(claims: object = {}, header: object = {}, signer: KeyObject = key.privateKey): string {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: id, sub: id, aud: scene.issuer, jti: randomUUID(), iat: now, exp: now + 60, ...claims };
    const input = [{ alg: 'ES256', kid: 'k1', ...header }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${input}.${sign('sha256', Buffer.from(input), { key: signer, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  const present = (client_assertion: string, fields: object = {}) =>
    scene.oauth('token', {
      grant_type: 'client_credentials',
      client_assertion_type: BEARER,
      client_assertion,
      ...fields,
    });

  it('authenticates', async () => {
    const answer = ok(await present(assertion(), { client_id: id }));
    expect(claimsOf(answer.access_token)).toMatchObject({ client_id: id });
  });

  it('[T2] a jti works once, whatever became of the first use', async () => {
    const once = assertion();
    expect((await present(once)).status).toBe(200);
    expect((await present(once)).body.error).toBe('invalid_client');
    const refused = assertion();
    expect((await present(refused, { scope: 'nope' })).body.error).toBe('invalid_scope');
    expect((await present(refused)).body.error).toBe('invalid_client');
  });

  it('[T2] of twenty parallel uses of one jti one succeeds', async () => {
    const once = assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(once)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
  });

  const now = Math.floor(Date.now() / 1000);
  const bad: [string, () => string][] = [
    ['the token endpoint as audience', () => assertion({ aud: `${scene.issuer}/oauth2/token` })],
    ['an array as audience', () => assertion({ aud: [scene.issuer] })],
    ['another issuer', () => assertion({ iss: 'app_x' })],
    ['an end that is over', () => assertion({ iat: now - 600, exp: now - 300 })],
    ['a life over 300 s', () => assertion({ exp: now + 3600 })],
    ['no jti', () => assertion({ jti: undefined })],
    ['another key', () => assertion({}, {}, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    ['alg none', () => assertion({}, { alg: 'none' })],
    ['a jwk of its own', () => assertion({}, { jwk: key.publicKey.export({ format: 'jwk' }) })],
    ['an access token as assertion', () => assertion({}, { typ: 'at+jwt' })],
    ['nonsense', () => 'a.b.c'],
  ];
  it.each(bad)('[T2] refuses %s with 401 invalid_client', async (_name, make) => {
    const answer = await present(make());
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  it('one of the pair without the other is 400 invalid_request', async () => {
    const answer = await scene.oauth('token', { grant_type: 'client_credentials', client_assertion: assertion() });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('what stops a client', () => {
  it('[T2] a removed credential, an archived application and a killed zone refuse at once', async () => {
    const own = await OAuthScene.open(app);
    const who = await own.client();
    const ask = () => own.oauth('token', { grant_type: 'client_credentials' }, who);
    expect((await ask()).status).toBe(200);
    expect((await own.admin('POST', '/kill', { reason: 'test' })).status).toBe(200);
    const killed = await ask();
    expect([killed.status, killed.body]).toMatchObject([403, { error: 'access_denied', reason: 'zone_killed' }]);
    expect((await own.admin('POST', '/restore', { reason: 'test' })).status).toBe(200);
    expect((await ask()).status).toBe(200);
    created(await own.admin('POST', '/revocations', { kind: 'application', id: who.id, reason: 'test' }));
    expect((await ask()).body.error).toBe('invalid_client');
  });
});
