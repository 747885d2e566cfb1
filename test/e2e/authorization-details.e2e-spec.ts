import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

const PAYMENT = {
  type: 'https://api.example/payment',
  description: 'One payment',
  schema: {
    properties: {
      amount: { type: 'number', minimum: 0, maximum: 1000 },
      recipient: { type: 'string', pattern: '^[A-Z]{2}[0-9]{4}$' },
    },
    required: ['amount', 'recipient'],
  },
};
const PAY = { type: PAYMENT.type, amount: 5, recipient: 'DE1234' };

let app: TestApp;
let upstream: Upstream;
let scene: OAuthScene;
let client: SceneClient;
let bank: GatewayScene;
let other: GatewayScene;
let seen: Record<string, unknown> = {};

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    const { authorization } = request.headers;
    if (authorization) seen = claimsOf(authorization.replace('Bearer ', ''));
    response.end('ok');
  });
  scene = await OAuthScene.open(app);
  client = await scene.client();
  bank = await addResource(scene, client, {
    upstream: upstream.url,
    scopes: ['pay', 'read'],
    provider: { kind: 'mandate', config: {} },
    members: {
      operations: [
        { method: 'GET', path: '/**', scope: 'read' },
        { method: 'POST', path: '/payments', scope: 'pay' },
      ],
      authorization_details_types: [PAYMENT],
    },
  });
  other = await addResource(scene, client, { upstream: upstream.url });
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

const ask = (details: unknown, fields: Readonly<Record<string, string>> = {}): Promise<TestAnswer> =>
  scene.oauth(
    'token',
    {
      grant_type: 'client_credentials',
      resource: bank.resource.gateway_url,
      authorization_details: typeof details === 'string' ? details : JSON.stringify(details),
      ...fields,
    },
    client,
  );
const code = ({ status, body }: TestAnswer): [number, string] => [status, body.error ?? body.code];

describe('authorization details (RFC 9396)', () => {
  it('are echoed in answer, token and introspection, reach the upstream, and are a digest in the ledger', async () => {
    const answer = ok(await ask([PAY]));
    expect(answer.authorization_details).toEqual([PAY]);
    expect(claimsOf(answer.access_token)['authorization_details']).toEqual([PAY]);
    expect(ok(await scene.oauth('introspect', { token: answer.access_token }, client))).toMatchObject({
      active: true,
      authorization_details: [PAY],
    });
    expect((await bank.get('/payments', { method: 'POST', token: answer.access_token })).status).toBe(200);
    expect(seen['authorization_details']).toEqual([PAY]);
    const [entry] = await scene.entries(`type=exchange&jti=${claimsOf(answer.access_token)['jti'] as string}`);
    const digest = createHash('sha256').update(
      JSON.stringify([{ amount: 5, recipient: 'DE1234', type: PAYMENT.type }]),
    );
    expect(entry?.entry['detail']).toMatchObject({ authorization_details: digest.digest('base64url') });
    expect(JSON.stringify(entry?.entry)).not.toContain('DE1234');
  });

  it('[T2] an exchange is within the details of its subject token, and carries them on', async () => {
    const narrowed = [{ ...PAY, actions: ['pay'] }];
    const application = ok(await ask(narrowed, { resource: '' }));
    expect(application.authorization_details).toEqual(narrowed);
    const exchange = (fields: Readonly<Record<string, string>>): Promise<TestAnswer> =>
      scene.exchange(client, application.access_token, { resource: bank.resource.gateway_url, ...fields });
    expect(ok(await exchange({})).authorization_details).toEqual(narrowed);
    const more = JSON.stringify([{ ...PAY, actions: ['pay', 'read'] }]);
    expect(code(await exchange({ authorization_details: more }))).toEqual([400, 'invalid_authorization_details']);
    const less = [{ ...PAY, actions: ['pay'], method: 'POST', path: '/payments' }];
    const answer = ok(await exchange({ authorization_details: JSON.stringify(less) }));
    expect(answer.authorization_details).toEqual(less);
    const elsewhere = await scene.exchange(client, application.access_token, { resource: other.resource.gateway_url });
    expect(ok(elsewhere).authorization_details).toBeUndefined();
  });

  it('[T3] limit the call at the gateway: methods, paths, actions', async () => {
    const status = async (members: object, path: string, method: string): Promise<number> => {
      const { access_token } = ok(await ask([{ ...PAY, ...members }]));
      return (await bank.get(path, { method, token: access_token })).status;
    };
    expect(await status({ method: 'POST', path: '/payments' }, '/payments', 'POST')).toBe(200);
    expect(await status({ method: 'POST', path: '/payments' }, '/balance', 'GET')).toBe(403);
    expect(await status({ path: '/accounts/{id}' }, '/accounts/7', 'GET')).toBe(200);
    expect(await status({ path: '/accounts/{id}' }, '/accounts/7/x', 'GET')).toBe(403);
    expect(await status({ actions: ['read'] }, '/balance', 'GET')).toBe(200);
    expect(await status({ actions: ['read'] }, '/payments', 'POST')).toBe(403);
    expect(await status({ operations: [{ method: 'GET', path: '/a' }] }, '/a', 'GET')).toBe(200);
    expect(await status({ operations: [{ method: 'GET', path: '/a' }] }, '/b', 'GET')).toBe(403);
    const { access_token } = ok(await ask([{ ...PAY, method: 'POST' }]));
    const refused = await bank.get('/balance', { token: access_token });
    expect(refused.headers.get('caracal-error')).toBe('operation_not_permitted');
    const [, index] = refused.headers.get('authority-receipt')?.split('/') ?? [];
    const entry = ok(await scene.admin('GET', `/audit/events/${index ?? ''}`));
    expect(JSON.stringify(entry)).toContain('authorization_details');
  });

  it('[T3] of twenty parallel calls with a mandate for five, five pass', async () => {
    const { access_token } = ok(await ask([{ ...PAY, max_calls: 5 }]));
    const get = async (): Promise<number> => (await bank.get('/balance', { token: access_token })).status;
    const statuses = await Promise.all(Array.from({ length: 20 }, get));
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(new Set(statuses)).toEqual(new Set([200, 403]));
    expect(await get()).toBe(403);
  });

  it('[T3] of several details that cover a call one is spent, the first that has a call left', async () => {
    const { access_token } = ok(
      await ask([
        { ...PAY, max_calls: 2 },
        { ...PAY, max_calls: 1, method: 'GET' },
      ]),
    );
    const answers = await Promise.all(Array.from({ length: 8 }, () => bank.get('/balance', { token: access_token })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const refused = await bank.get('/balance', { token: access_token });
    expect([refused.headers.get('caracal-error'), await refused.json()]).toEqual([
      'access_denied',
      expect.objectContaining({ reasons: ['budget_exhausted'] }),
    ]);
  });

  it('[T2] a mandate ends with its details', async () => {
    const end = Math.floor(Date.now() / 1000) + 60;
    const valid_until = new Date(end * 1000).toISOString();
    expect(claimsOf(ok(await ask([{ ...PAY, valid_until }])).access_token)['exp']).toBe(end);
    const past = new Date(Date.now() - 60_000).toISOString();
    expect((await ask([{ ...PAY, valid_until: past }])).status).toBe(400);
  });

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['an object', PAY],
    ['nothing', []],
    ['no type', [{ amount: 5 }]],
    ['an unknown type', [{ ...PAY, type: 'other' }]],
    ['an unknown member', [{ ...PAY, note: 'x' }]],
    ['a member of the wrong type', [{ ...PAY, amount: '5' }]],
    ['a missing member', [{ type: PAYMENT.type, amount: 5 }]],
    ['a bad value', [{ ...PAY, amount: 5000 }]],
    ['a location elsewhere', [{ ...PAY, locations: ['https://elsewhere.example'] }]],
    ['no call at all', [{ ...PAY, max_calls: 0 }]],
    ['more calls than are counted', [{ ...PAY, max_calls: 100_000 }]],
    ['one of two that is wrong', [PAY, { type: 'other' }]],
    ['duplicate members', `[{"type":"${PAYMENT.type}","amount":5,"amount":6,"recipient":"DE1234"}]`],
    ['a prototype', `[{"type":"${PAYMENT.type}","amount":5,"recipient":"DE1234","__proto__":{}}]`],
  ])('[T2] with %s are invalid_authorization_details', async (_name, details) => {
    expect(code(await ask(details))).toEqual([400, 'invalid_authorization_details']);
  });

  it('are told in the metadata of server and resource', async () => {
    const server = await call(scene.issuer, { method: 'GET', path: '/.well-known/oauth-authorization-server' });
    expect(server.body.authorization_details_types_supported).toEqual([PAYMENT.type]);
    const path = `/.well-known/oauth-protected-resource/g/${scene.zone}/${bank.resource.slug}`;
    const resource = await call(app.url, { method: 'GET', path });
    expect(resource.body.authorization_details_types_supported).toEqual([PAYMENT.type]);
    expect(ok(await scene.admin('GET', `/resources/${bank.resource.id}`)).authorization_details_types).toEqual([
      PAYMENT,
    ]);
  });

  it('[T8] a type whose schema could not be trusted with input is not registered', async () => {
    const answer = await scene.admin('POST', '/resources', {
      slug: 'slow',
      upstream_url: upstream.url,
      scopes: [{ name: 'use' }],
      operations: 'any',
      scope: 'use',
      authorization_details_types: [{ type: 'x', schema: { properties: { a: { pattern: '^(?=a)a' } } } }],
    });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'authorization_details_types.0.schema']);
    const patched = await scene.admin(
      'PATCH',
      `/resources/${other.resource.id}`,
      { authorization_details_types: [{ type: 'x', schema: { type: 'array' } }] },
      { 'if-match': '*' },
    );
    expect(patched.status).toBe(400);
    created(
      await scene.admin('POST', '/grants', { application: client.id, resource: other.resource.id, scopes: ['use'] }),
    );
  });
});
