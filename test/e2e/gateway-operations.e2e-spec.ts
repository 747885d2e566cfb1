import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { bodyOf, type GatewayScene, openGateway, startUpstream, type Upstream } from '../support/gateway-scene.js';

let app: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
let token: string;

const OPERATIONS = [
  {
    method: 'GET',
    path: '/items/{id}',
    scope: 'read',
    params: { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 999 } } },
    query: {
      type: 'object',
      properties: { limit: { type: 'integer', maximum: 100 }, fields: { type: 'string', pattern: '^[a-z,]+$' } },
      additionalProperties: false,
    },
  },
  {
    method: 'POST',
    path: '/transfers',
    scope: 'small',
    body: {
      type: 'object',
      properties: { amount: { type: 'number', exclusiveMinimum: 0, maximum: 100 }, to: { enum: ['alice', 'bob'] } },
      required: ['amount', 'to'],
      additionalProperties: false,
    },
  },
  {
    method: 'POST',
    path: '/transfers',
    scope: 'large',
    body: { type: 'object', properties: { amount: { type: 'number', exclusiveMinimum: 100 } }, required: ['amount'] },
  },
  { method: 'POST', path: '/**', scope: 'read' },
];

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((request, response) => {
    void bodyOf(request).then((body) => response.end(`${request.url} ${body.toString('utf8')}`));
  });
  gateway = await openGateway(app, {
    upstream: upstream.url,
    scopes: ['read', 'small', 'large'],
    granted: ['read', 'small'],
    members: { operations: OPERATIONS },
  });
  token = await gateway.mandate({ scope: 'read small' });
});

afterAll(async () => {
  await upstream.close();
  await app.close();
});

async function send(path: string, init: RequestInit = {}): Promise<[number, string | null]> {
  const answer = await gateway.get(path, { token, ...init });
  await answer.text();
  return [answer.status, answer.headers.get('caracal-error')];
}

function post(body: string, type = 'application/json', headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', body, headers: { 'content-type': type, ...headers } };
}

const REFUSED = [403, 'operation_not_permitted'];

describe('[T3] operations that say more than method and path', () => {
  it('typed segments and query: what fits passes byte for byte, the rest is not permitted', async () => {
    const answer = await gateway.get('/items/%37?limit=10&fields=a%2Cb', { token });
    expect([answer.status, await answer.text()]).toEqual([200, '/items/%37?limit=10&fields=a%2Cb ']);
    for (const path of [
      '/items/0',
      '/items/1000',
      '/items/x',
      '/items/7?limit=101',
      '/items/7?limit=10&limit=1000',
      '/items/7?%6Cimit=1000',
      '/items/7?limit=10;limit=1000',
      '/items/7?fields=a%20b',
      '/items/7?other=1',
      '/items/7?limit=%zz',
    ])
      expect([path, await send(path)]).toEqual([path, REFUSED]);
  });

  it('the JSON body chooses the operation, and with it the scope', async () => {
    const small = JSON.stringify({ amount: 10, to: 'bob' });
    const answer = await gateway.get('/transfers', { token, ...post(small) });
    expect([answer.status, await answer.text()]).toEqual([200, `/transfers ${small}`]);
    const large = await gateway.get('/transfers', { token, ...post('{"amount": 1000, "to": "bob"}') });
    expect([large.status, large.headers.get('caracal-error')]).toEqual([403, 'insufficient_scope']);
    expect(large.headers.get('www-authenticate')).toMatch(/scope="large"/);
  });

  it.each([
    ['a value outside', post('{"amount": 10, "to": "mallory"}')],
    ['a member twice', post('{"amount": 10, "to": "bob", "amount": 1000}')],
    ['no JSON', post('amount=10&to=bob')],
    ['another media type', post('{"amount": 10, "to": "bob"}', 'text/plain')],
    ['another charset', post('{"amount": 10, "to": "bob"}', 'application/json; charset=utf-7')],
    ['a content coding', post('{"amount": 10, "to": "bob"}', 'application/json', { 'content-encoding': 'gzip' })],
    ['no body', { method: 'POST' }],
  ])('a body with %s is not permitted, and the broader operation does not let it through', async (_, init) => {
    expect(await send('/transfers', init)).toEqual(REFUSED);
  });

  it('is shown as it was declared, and refused when it could not be checked', async () => {
    const { body } = await gateway.scene.admin('GET', `/resources/${gateway.resource.id}`);
    expect((body as { operations: unknown }).operations).toEqual(OPERATIONS);
    const bad = await gateway.scene.admin('POST', '/resources', {
      slug: 'bad-schema',
      upstream_url: upstream.url,
      scopes: [{ name: 'read' }],
      operations: [{ method: 'GET', path: '/', scope: 'read', query: { properties: { a: { maxLenght: 3 } } } }],
    });
    expect([bad.status, bad.body.errors[0].field]).toEqual([400, 'operations.0.query']);
  });
});
