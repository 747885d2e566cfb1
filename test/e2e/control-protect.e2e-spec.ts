import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { all, type Asker } from '../support/administration.js';
import { makeZoneOverHttp, oauth } from '../support/fixtures.js';
import { startUpstream, type Upstream } from '../support/gateway-scene.js';

describe('protecting an upstream in one step', () => {
  let app: TestApp;
  let ask: Asker;
  let upstream: Upstream;
  const zone = unique('zone');
  const path = `/v1/zones/${zone}/protect`;

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
    upstream = await startUpstream((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          path: request.url,
          authorization: request.headers.authorization === 'Bearer upstream-secret',
        }),
      );
    });
    await makeZoneOverHttp(app, zone);
  });

  afterAll(async () => {
    await app.close();
    await upstream.close();
  });

  const request = (more: object = {}): object => ({
    name: 'Weather API',
    upstream_url: `${upstream.url}/v1`,
    provider: { kind: 'bearer', secret: { token: 'upstream-secret' } },
    ...more,
  });
  const counts = async (): Promise<number[]> =>
    Promise.all(
      ['providers', 'resources', 'applications', 'grants'].map(
        async (area) => (await all(ask, `/v1/zones/${zone}/${area}`)).length,
      ),
    );

  it('answers with everything a first call needs, and the first call works', async () => {
    const answer = await ask('POST', path, request());
    expect(answer.status).toBe(201);
    const { body } = answer;
    expect(body).toMatchObject({
      token_endpoint: `${app.url}/z/${zone}/oauth2/token`,
      gateway_url: `${app.url}/g/${zone}/weather-api`,
      client_id: body.application.id,
      resource: {
        slug: 'weather-api',
        provider: body.provider.id,
        operations: [{ method: '*', path: '/**', scope: 'access' }],
      },
      provider: { kind: 'bearer', bound_origin: upstream.url },
      grant: { application: body.application.id, resource: body.resource.id, scopes: ['access'] },
    });
    expect(body.curl.join('\n')).toContain(body.gateway_url);
    expect(body.curl.join('\n')).not.toContain(body.client_secret);
    const token = await oauth(
      app.url,
      `/z/${zone}/oauth2/token`,
      { grant_type: 'client_credentials', resource: body.gateway_url },
      { id: body.client_id, secret: body.client_secret },
    );
    expect([token.status, token.body.scope]).toEqual([200, 'access']);
    const called = await fetch(`${body.gateway_url}/today?q=1`, {
      headers: { authorization: `Bearer ${token.body.access_token}` },
    });
    expect([called.status, await called.json()]).toEqual([200, { path: '/v1/today?q=1', authorization: true }]);
  });

  it('makes a second one beside the first when both are called alike', async () => {
    const [one, two] = [
      await ask('POST', path, request({ name: 'Twin' })),
      await ask('POST', path, request({ name: 'Twin' })),
    ];
    expect([one.body.resource.slug, one.status, two.status]).toEqual(['twin', 201, 201]);
    expect(two.body.resource.slug).toMatch(/^twin-[0-9a-f]{6}$/);
    expect(two.body.resource.identifier).not.toBe(one.body.resource.identifier);
  });

  it('takes scopes and operations as they are named', async () => {
    const operations = [
      { method: 'GET', path: '/**', scope: 'read' },
      { method: 'POST', path: '/**', scope: 'write' },
    ];
    const { body } = await ask('POST', path, request({ operations }));
    expect(body.resource.operations).toEqual(operations);
    expect(body.grant.scopes).toEqual(['read', 'write']);
    const tools = await ask('POST', path, request({ mcp: true, operations: [{ mcp_tool: 'echo', scope: 'echo' }] }));
    expect([tools.status, tools.body.resource.mcp]).toEqual([201, true]);
  });

  it.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name'],
    ['no upstream', { upstream_url: undefined }, 'upstream_url'],
    ['no provider', { provider: undefined }, 'provider'],
    ['a provider without kind', { provider: {} }, 'provider.kind'],
    ['a provider without secret', { provider: { kind: 'bearer' } }, 'provider.secret.token'],
    ['a kind that there is not', { provider: { kind: 'ldap' } }, 'provider.kind'],
    ['several scopes and no word on which call needs which', { scopes: [{ name: 'a' }, { name: 'b' }] }, 'operations'],
    [
      'an operation for a scope that is not declared',
      { scopes: [{ name: 'a' }], operations: [{ method: 'GET', path: '/', scope: 'b' }] },
      'operations.0.scope',
    ],
    ['an unknown member', { colour: 'red' }, 'colour'],
  ])('refuses %s and makes nothing', async (_, change, field) => {
    const before = await counts();
    const answer = await ask('POST', path, request(change));
    expect([answer.status, answer.body.errors.map((fault: { field: string }) => fault.field)]).toEqual([400, [field]]);
    expect(await counts()).toEqual(before);
  });

  it('[T3] refuses an upstream that may not be reached and makes nothing', async () => {
    const before = await counts();
    expect((await ask('POST', path, request({ upstream_url: 'http://169.254.169.254/' }))).body.code).toBe(
      'egress_denied',
    );
    expect(await counts()).toEqual(before);
  });

  it('[T5] repeats itself without the secret and without making anything twice', async () => {
    const key = { 'idempotency-key': `"${unique('key')}"` };
    const [first, again] = [
      await ask('POST', path, request({ name: 'Once' }), key),
      await ask('POST', path, request({ name: 'Once' }), key),
    ];
    expect(again.body).toMatchObject({ client_id: first.body.client_id, secret_shown: true });
    expect(JSON.stringify(again.body)).not.toContain(first.body.client_secret);
    expect((await all(ask, `/v1/zones/${zone}/resources`)).filter((item) => item.slug.startsWith('once')).length).toBe(
      1,
    );
  });
});
