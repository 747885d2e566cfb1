import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { administrator, all, archive, patch, read, soundResource, type Asker } from '../support/administration.js';
import { created, makeApplication, makeZoneOverHttp, oauth, type ApplicationFixture } from '../support/fixtures.js';

describe('what refers to what', () => {
  let app: TestApp;
  let ask: Asker;
  let zone: string;

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    zone = unique('zone');
    await makeZoneOverHttp(app, zone);
  });

  const at = (path: string): string => `/v1/zones/${zone}${path}`;
  const make = (area: string, body: object) => created(app, at(`/${area}`), body);
  const secretProvider = (more: object = {}) =>
    make('providers', { name: 'P', kind: 'bearer', secret: { token: 'canary' }, ...more });
  const fieldsOf = (answer: Awaited<ReturnType<Asker>>): readonly string[] =>
    answer.body.errors.map((fault: { field: string }) => fault.field);

  describe('grants', () => {
    it('name an application and a resource of the zone that are there and active, and scopes it declares', async () => {
      const client = await make('applications', { name: 'a' });
      const resource = await make('resources', soundResource('api'));
      const gone = await make('applications', { name: 'gone' });
      await archive(ask, at(`/applications/${gone.id}`));
      const other = unique('zone');
      await makeZoneOverHttp(app, other);
      const foreign = await created(app, `/v1/zones/${other}/resources`, soundResource('api'));
      const sound = { application: client.id, resource: resource.id, scopes: ['read'] };
      const table: [object, readonly string[]][] = [
        [{ ...sound, application: 'app_x' }, ['application']],
        [{ ...sound, application: gone.id }, ['application']],
        [{ ...sound, application: resource.id }, ['application']],
        [{ ...sound, resource: foreign.id }, ['resource']],
        [{ ...sound, resource: 'x', application: 'y' }, ['application', 'resource']],
        [{ ...sound, scopes: ['read', 'admin'] }, ['scopes.1']],
        [{ ...sound, scopes: [] }, ['scopes']],
        [{ ...sound, scopes: ['read', 'read'] }, ['scopes']],
        [{ ...sound, label: 'a b' }, ['label']],
        [{ ...sound, label: 'x'.repeat(65) }, ['label']],
      ];
      for (const [body, fields] of table) {
        const answer = await ask('POST', at('/grants'), body);
        expect([answer.status, fieldsOf(answer)]).toEqual([400, fields]);
      }
      const grant = await make('grants', sound);
      expect(fieldsOf(await patch(ask, at(`/grants/${grant.id}`), { scopes: ['admin'] }))).toEqual(['scopes.0']);
    });

    it('are listed by application and by resource', async () => {
      const [one, two] = [await make('applications', { name: 'a' }), await make('applications', { name: 'b' })];
      const resource = await make('resources', soundResource('api'));
      const first = await make('grants', { application: one.id, resource: resource.id, scopes: ['read'] });
      await make('grants', { application: two.id, resource: resource.id, scopes: ['read'] });
      expect((await all(ask, at(`/grants?application=${one.id}`))).map((item) => item.id)).toEqual([first.id]);
      expect((await all(ask, at(`/grants?resource=${resource.id}`))).length).toBe(2);
    });

    it('[T2] lose a scope that their resource no longer declares, and do not get it back with it', async () => {
      const client = await make('applications', { name: 'a' });
      const resource = await make('resources', soundResource('api'));
      const both = await make('grants', { application: client.id, resource: resource.id, scopes: ['read', 'write'] });
      const only = await make('grants', { application: client.id, resource: resource.id, scopes: ['write'] });
      const path = at(`/resources/${resource.id}`);
      expect((await patch(ask, path, { scopes: [{ name: 'read' }] })).status).toBe(200);
      expect((await read(ask, at(`/grants/${both.id}`))).body).toMatchObject({ scopes: ['read'], status: 'active' });
      expect((await read(ask, at(`/grants/${only.id}`))).body).toMatchObject({ scopes: [], status: 'archived' });
      await patch(ask, path, { scopes: [{ name: 'read' }, { name: 'write' }] });
      expect((await read(ask, at(`/grants/${both.id}`))).body.scopes).toEqual(['read']);
      expect((await read(ask, at(`/grants/${only.id}`))).body.status).toBe('archived');
    });

    it('end with their application and with their resource', async () => {
      const [client, kept] = [await make('applications', { name: 'a' }), await make('applications', { name: 'b' })];
      const [resource, other] = [
        await make('resources', soundResource('api')),
        await make('resources', soundResource('other')),
      ];
      const grant = (application: { id: string }, target: { id: string }) =>
        make('grants', { application: application.id, resource: target.id, scopes: ['read'] });
      const [byClient, byResource, untouched] = [
        await grant(client, other),
        await grant(kept, resource),
        await grant(kept, other),
      ];
      await archive(ask, at(`/applications/${client.id}`));
      await archive(ask, at(`/resources/${resource.id}`));
      for (const [id, status] of [
        [byClient.id, 'archived'],
        [byResource.id, 'archived'],
        [untouched.id, 'active'],
      ]) {
        expect((await read(ask, at(`/grants/${id}`))).body.status).toBe(status);
      }
    });
  });

  describe('resources', () => {
    const sound = soundResource('api');

    it.each<[string, object, string]>([
      ['no slug', { slug: undefined }, 'slug'],
      ['a scope twice', { scopes: [{ name: 'read' }, { name: 'read' }] }, 'scopes.1.name'],
      ['a scope with a quote', { scopes: [{ name: 'a"b' }], operations: [] }, 'scopes.0.name'],
      [
        'an operation for a scope that is not declared',
        { operations: [{ method: 'GET', path: '/', scope: 'admin' }] },
        'operations.0.scope',
      ],
      ['an operation of TRACE', { operations: [{ method: 'TRACE', path: '/', scope: 'read' }] }, 'operations.0.method'],
      [
        'an operation of both forms',
        { mcp: true, operations: [{ method: 'GET', path: '/', mcp_tool: 'x', scope: 'read' }] },
        'operations.0',
      ],
      [
        'an operation on dot segments',
        { operations: [{ method: 'GET', path: '/a/../b', scope: 'read' }] },
        'operations.0.path',
      ],
      ['any operation without a scope', { operations: 'any' }, 'scope'],
      ['any operation for a scope that is not declared', { operations: 'any', scope: 'admin' }, 'operations.0.scope'],
      ['a scope beside listed operations', { scope: 'read' }, 'scope'],
      ['a tool without MCP', { operations: [{ mcp_tool: 'x', scope: 'read' }] }, 'operations.0.mcp_tool'],
      ['an identifier with a fragment', { identifier: 'https://a.example/#x' }, 'identifier'],
      ['a relative identifier', { identifier: '/api' }, 'identifier'],
      ['no upstream', { upstream_url: undefined }, 'upstream_url'],
      ['an upstream with a query', { upstream_url: 'http://127.0.0.1:9/?a=b' }, 'upstream_url'],
      ['a provider that is not there', { provider: 'prv_x' }, 'provider'],
      ['a server application behind the gateway', { server_application: 'app_x' }, 'server_application'],
      ['a limit of none', { limits: { max_concurrent: 0 } }, 'limits.max_concurrent'],
      ['an unknown limit', { limits: { speed: 1 } }, 'limits.speed'],
      ['cookies of its own', { cookies: 'all' }, 'cookies'],
      [
        'an egress grant that is no block',
        { egress: { allow: [{ cidr: '10.0.0.1/8', port: 443 }] } },
        'egress.allow.0.cidr',
      ],
      ['an egress grant without port', { egress: { allow: [{ cidr: '10.0.0.0/8' }] } }, 'egress.allow.0.port'],
    ])('refuse %s', async (_, change, field) => {
      const answer = await ask('POST', at('/resources'), { ...sound, ...change });
      expect([answer.status, answer.body.code, fieldsOf(answer)]).toEqual([400, 'invalid_request', [field]]);
    });

    it.each([
      'http://169.254.169.254/latest',
      'https://metadata.google.internal/',
      'http://10.0.0.1/',
      'https://[fd00::1]/',
      'http://0x7f000001.example@127.0.0.1/',
      'http://public.example/',
      'ftp://api.example/',
      'https://api.example/#a',
      'javascript:alert(1)',
    ])('[T3] refuse the upstream %s', async (upstream_url) => {
      const answer = await ask('POST', at('/resources'), { ...sound, upstream_url });
      expect([answer.status, answer.body.code]).toEqual([400, 'egress_denied']);
      const { id } = await make('resources', sound);
      expect((await patch(ask, at(`/resources/${id}`), { upstream_url })).body.code).toBe('egress_denied');
    });

    it("[T3] refuse the server's own address as upstream", async () => {
      const answer = await ask('POST', at('/resources'), { ...sound, upstream_url: `${app.url}/v1` });
      expect(answer.body.code).toBe('egress_denied');
    });

    it.each(['issuer', 'gateway', 'control'])('[T2] refuse our own %s as identifier', async (which) => {
      const own = { issuer: `/z/${zone}`, gateway: `/g/${zone}/api`, control: '/control/v1/invoke' }[which];
      const answer = await ask('POST', at('/resources'), { ...sound, identifier: `${app.url}${own}` });
      expect([answer.status, fieldsOf(answer)]).toEqual([400, ['identifier']]);
    });

    it('[T12] take egress grants from global tokens only', async () => {
      const bound = await administrator(app, ['write'], [zone]);
      for (const egress of [{ allow: [{ cidr: '10.0.0.0/8', port: 443 }] }, { insecure_http: true }]) {
        const answer = await bound('POST', at('/resources'), { ...sound, egress });
        expect([answer.status, answer.body.code]).toEqual([403, 'insufficient_capability']);
      }
      const made = await bound('POST', at('/resources'), { ...sound, egress: {} });
      expect(made.status).toBe(201);
      expect((await patch(bound, at(`/resources/${made.body.id}`), { egress: { insecure_http: true } })).status).toBe(
        403,
      );
      const ungrantable = await ask('POST', at('/resources'), {
        ...soundResource('b'),
        egress: { allow: [{ cidr: '10.0.0.0/8', port: 443 }] },
      });
      expect(ungrantable.body.code).toBe('egress_denied');
    });

    it('have one identifier each, free again when its resource is archived', async () => {
      const { id } = await make('resources', sound);
      const twin = { ...soundResource('twin'), identifier: 'https://api.example/api' };
      expect((await ask('POST', at('/resources'), twin)).body.code).toBe('conflict');
      await archive(ask, at(`/resources/${id}`));
      expect((await ask('POST', at('/resources'), twin)).status).toBe(201);
    });

    it('are made with an identifier of their own when none is given', async () => {
      const body = await make('resources', { slug: 'plain', upstream_url: 'http://127.0.0.1:9' });
      expect(body).toMatchObject({
        name: 'plain',
        identifier: `urn:caracal:${zone}:plain`,
        enforcement: 'gateway',
        gateway_url: `${app.url}/g/${zone}/plain`,
        scopes: [],
        operations: [],
      });
    });

    it('of direct enforcement have no gateway URL and may name the application that serves them', async () => {
      const server = await make('applications', { name: 'server' });
      const body = await make('resources', {
        slug: 'direct',
        identifier: 'https://direct.example',
        enforcement: 'direct',
        scopes: [{ name: 'read' }],
        server_application: server.id,
      });
      expect(body).toMatchObject({ enforcement: 'direct', server_application: server.id });
      expect(body).not.toHaveProperty('gateway_url');
      const provider = await secretProvider();
      expect(fieldsOf(await patch(ask, at(`/resources/${body.id}`), { provider: provider.id }))).toEqual(['provider']);
      expect(fieldsOf(await patch(ask, at(`/resources/${body.id}`), { server_application: 'app_x' }))).toEqual([
        'server_application',
      ]);
    });

    it.each([{ slug: 'other' }, { identifier: 'https://other.example' }, { enforcement: 'direct' }])(
      'do not change %p',
      async (change) => {
        const { id } = await make('resources', sound);
        expect((await patch(ask, at(`/resources/${id}`), change)).status).toBe(400);
      },
    );

    it('spell out any operation', async () => {
      const body = await make('resources', { ...sound, operations: 'any', scope: 'read' });
      expect(body.operations).toEqual([{ method: '*', path: '/**', scope: 'read' }]);
    });
  });

  describe('providers', () => {
    it.each<[string, object, readonly string[]]>([
      ['an unknown kind', { kind: 'ldap' }, ['kind']],
      [
        'a client at a token endpoint without its id, method and secret',
        { kind: 'oauth2_client_credentials', config: { token_endpoint: 'https://x.example' } },
        ['config.client_id', 'config.auth_method'],
      ],
      ['a kind of the prototype', { kind: 'constructor' }, ['kind']],
      ['no secret', { kind: 'bearer' }, ['secret.token']],
      [
        'everything wrong at once',
        { kind: 'api_key', config: { in: 'body', name: 'Host' }, secret: { value: '' } },
        ['config.in', 'config.name', 'secret.value'],
      ],
      ['a config that is a list', { kind: 'none', config: [] }, ['config']],
    ])('refuse %s', async (_, body, fields) => {
      const answer = await ask('POST', at('/providers'), { name: 'P', ...body });
      expect([answer.status, fieldsOf(answer)]).toEqual([400, fields]);
    });

    it('keep their kind', async () => {
      const { id } = await secretProvider();
      expect((await patch(ask, at(`/providers/${id}`), { kind: 'none' })).status).toBe(400);
      expect(fieldsOf(await patch(ask, at(`/providers/${id}`), { secret: { value: 'x' } }))).toEqual([
        'secret.value',
        'secret.token',
      ]);
    });

    it('[T5] [T12] send their secret to one origin only, whoever writes resources', async () => {
      const provider = await secretProvider();
      const resource = await make('resources', { ...soundResource('api'), provider: provider.id });
      expect((await read(ask, at(`/providers/${provider.id}`))).body.bound_origin).toBe('http://127.0.0.1:9');
      const bound = await administrator(app, ['write'], [zone]);
      const elsewhere = { upstream_url: 'http://127.0.0.1:10' };
      const attempts = [
        await patch(bound, at(`/resources/${resource.id}`), elsewhere),
        await bound('POST', at('/resources'), { ...soundResource('evil'), ...elsewhere, provider: provider.id }),
      ];
      await patch(bound, at(`/resources/${resource.id}`), { provider: null });
      await patch(bound, at(`/resources/${resource.id}`), elsewhere);
      attempts.push(await patch(bound, at(`/resources/${resource.id}`), { provider: provider.id }));
      for (const answer of attempts) expect([answer.status, answer.body.code]).toEqual([409, 'conflict']);
      const same = await bound('POST', at('/resources'), {
        ...soundResource('same'),
        upstream_url: 'http://127.0.0.1:9/other',
        provider: provider.id,
      });
      expect(same.status).toBe(201);
    });

    it('that are archived stay where they are named, are named nowhere else, and hold no secret any more', async () => {
      const provider = await secretProvider();
      const resource = await make('resources', { ...soundResource('api'), provider: provider.id });
      expect((await archive(ask, at(`/providers/${provider.id}`))).status).toBe(204);
      expect((await read(ask, at(`/resources/${resource.id}`))).body.provider).toBe(provider.id);
      expect((await patch(ask, at(`/resources/${resource.id}`), { name: 'still changes' })).status).toBe(200);
      expect(fieldsOf(await ask('POST', at('/resources'), { ...soundResource('b'), provider: provider.id }))).toEqual([
        'provider',
      ]);
      expect((await read(ask, at(`/providers/${provider.id}`))).body).not.toHaveProperty('secret_version');
    });
  });

  describe('archiving an application', () => {
    let client: ApplicationFixture;

    beforeEach(async () => {
      client = await makeApplication(app, zone, 'agent');
    });

    it('[T2] ends its authentication and every token it holds, in one step', async () => {
      const issuer = `/z/${zone}/oauth2`;
      const witness = await makeApplication(app, zone, 'witness');
      const { body } = await oauth(app.url, `${issuer}/token`, { grant_type: 'client_credentials' }, client);
      const session = await fetch(`${app.url}/z/${zone}/sessions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${body.access_token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ lifecycle: 'task' }),
      });
      const { id, session_token: token } = (await session.json()) as { id: string; session_token: string };
      expect((await archive(ask, at(`/applications/${client.id}`))).status).toBe(204);
      const refused = await oauth(app.url, `${issuer}/token`, { grant_type: 'client_credentials' }, client);
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
      for (const bearer of [body.access_token, token]) {
        const answer = await fetch(`${app.url}/z/${zone}/sessions/${id}`, {
          headers: { authorization: `Bearer ${bearer}` },
        });
        expect(answer.status).toBe(401);
      }
      expect((await ask('GET', at(`/sessions/${id}`))).body.status).toBe('terminated');
      expect((await oauth(app.url, `${issuer}/token`, { grant_type: 'client_credentials' }, witness)).status).toBe(200);
    });

    it('takes no new credentials and no new grants', async () => {
      const resource = await make('resources', soundResource('api'));
      await archive(ask, at(`/applications/${client.id}`));
      expect(
        (await ask('POST', at(`/applications/${client.id}/credentials`), { type: 'client_secret' })).body.code,
      ).toBe('conflict');
      expect(
        (await ask('POST', at('/grants'), { application: client.id, resource: resource.id, scopes: ['read'] })).status,
      ).toBe(400);
    });
  });
});
