import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { administrator, soundResource } from '../support/administration.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { created, makeZoneOverHttp, oauth } from '../support/fixtures.js';

const PERMIT = 'permit(principal, action, resource);';

describe('configuration as a document', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
    await makeZoneOverHttp(app, 'old');
    const application = await created(app, '/v1/zones/old/applications', {
      name: 'Agent',
      slug: 'agent',
      allowed_labels: ['ops'],
    });
    const secret = { value: 'upstream-secret-value' };
    const config = { in: 'header', name: 'X-Key' };
    const provider = await created(app, '/v1/zones/old/providers', { name: 'Key', kind: 'api_key', config, secret });
    const resource = await created(app, '/v1/zones/old/resources', soundResource('one', { provider: provider.id }));
    await created(app, '/v1/zones/old/grants', {
      application: application.id,
      resource: resource.id,
      scopes: ['read'],
      label: 'ops',
    });
    const { id } = await created(app, '/v1/zones/old/policies', { name: 'all', cedar: PERMIT });
    const { version } = await created(app, '/v1/zones/old/policy-sets', { policies: [id] });
    expect((await app.admin('POST', `/v1/zones/old/policy-sets/${version}/activate`)).status).toBe(200);
  });
  afterAll(() => app.close());

  const exported = async () => (await app.admin('GET', '/v1/config/export')).body;
  const apply = (zones: unknown, query = '') => app.admin('POST', `/v1/config/apply${query}`, { v: 1, zones });
  const zoneOf = async (slug: string) =>
    structuredClone((await exported()).zones.find((zone: { slug: string }) => zone.slug === slug));

  it('[T5] is exported with names in the place of ids and without a secret', async () => {
    const document = await exported();
    expect(document).toMatchObject({
      v: 1,
      zones: [
        {
          slug: 'old',
          applications: [{ slug: 'agent', name: 'Agent', allowed_labels: ['ops'] }],
          providers: [{ name: 'Key', kind: 'api_key' }],
          resources: [{ slug: 'one', provider: 'Key' }],
          grants: [{ application: 'agent', resource: 'one', scopes: ['read'], label: 'ops' }],
          policy_set: { policies: [{ name: 'all', cedar: PERMIT }] },
        },
      ],
    });
    expect(JSON.stringify(document)).not.toMatch(/upstream-secret-value|"id"|app_|res_|prv_/);
  });

  it('applied to where it came from changes nothing', async () => {
    expect(await apply((await exported()).zones)).toMatchObject({ status: 200, body: { changes: [] } });
  });

  it('a dry run says what would be done and does nothing; applying does exactly that, and then nothing more', async () => {
    const zone = await zoneOf('old');
    zone.slug = 'new';
    zone.providers[0].secret = { value: 'another-secret-value' };
    zone.resources[0].identifier = 'https://new.example/api';
    zone.grants.push({ application: 'agent', resource: 'one', scopes: ['write'] });
    const planned = await apply([zone], '?dry_run=true');
    expect(planned.status).toBe(200);
    expect(planned.body.changes.map(({ op, kind }: { op: string; kind: string }) => `${op} ${kind}`)).toEqual([
      'create zone',
      'create application',
      'create provider',
      'create resource',
      'create grant',
      'create grant',
      'create policy_set',
    ]);
    expect((await app.admin('GET', '/v1/zones/new')).status).toBe(404);
    const applied = await apply([zone]);
    expect(applied.status).toBe(200);
    const without = (changes: { id: unknown }[]) => changes.map(({ id: _id, ...change }) => change);
    expect(without(applied.body.changes)).toEqual(without(planned.body.changes));
    expect(applied.body.changes.every(({ id }: { id: unknown }) => typeof id === 'string')).toBe(true);
    expect(JSON.stringify([planned.body, applied.body])).not.toContain('another-secret-value');
    delete zone.providers[0].secret;
    expect((await apply([zone])).body.changes).toEqual([]);
    const client = applied.body.changes[1].id;
    const { client_secret: secret } = await created(app, `/v1/zones/new/applications/${client}/credentials`, {
      type: 'client_secret',
    });
    const form = { grant_type: 'client_credentials', resource: `${app.url}/g/new/one`, scope: 'write' };
    const mandate = await oauth(app.url, '/z/new/oauth2/token', form, { id: client, secret });
    expect([mandate.status, mandate.body.scope]).toEqual([200, 'write']);
  });

  it('changes what differs and leaves what it does not name', async () => {
    const changes = [{ slug: 'old', name: 'Renamed', applications: [{ slug: 'agent', name: 'Agent 2' }] }];
    const { body } = await apply(changes);
    expect(body.changes).toMatchObject([
      { op: 'update', kind: 'zone', before: { name: 'old' }, after: { name: 'Renamed' } },
      {
        op: 'update',
        kind: 'application',
        before: { name: 'Agent' },
        after: { name: 'Agent 2', allowed_labels: ['ops'] },
      },
    ]);
    expect(await zoneOf('old')).toMatchObject({ name: 'Renamed', resources: [{ slug: 'one' }], grants: [{}] });
  });

  it('[T1] refuses what is no configuration, and says which object was refused and how far it came', async () => {
    const field = async (body: unknown) => (await app.admin('POST', '/v1/config/apply', body)).body.errors?.[0]?.field;
    expect(await field({ v: 2, zones: [] })).toBe('v');
    expect(await field({ v: 1, zones: [{ slug: 'x' }] })).toBe('zones.0.name');
    expect(await field({ v: 1, zones: [{ slug: 'x', name: 'X', color: 'red' }] })).toBe('zones.0.color');
    const twice = [
      { slug: 'agent', name: 'A' },
      { slug: 'agent', name: 'B' },
    ];
    expect(await field({ v: 1, zones: [{ slug: 'old', name: 'X', applications: twice }] })).toBe('zones');
    const grants = [{ application: 'nobody', resource: 'one', scopes: ['read'] }];
    const refused = await apply([{ slug: 'old', name: 'Again', grants }]);
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', applied: 1, failed: { op: 'create', kind: 'grant' } },
    });
  });

  it('[T12] is for global tokens: exported with `read`, applied with `write`', async () => {
    const reader = await administrator(app, ['read']);
    const bound = await administrator(app, ['read', 'write'], ['old']);
    expect((await reader('GET', '/v1/config/export')).status).toBe(200);
    expect((await reader('POST', '/v1/config/apply', { v: 1, zones: [] })).body.code).toBe('insufficient_capability');
    expect((await bound('GET', '/v1/config/export')).body.code).toBe('insufficient_capability');
    expect((await bound('POST', '/v1/config/apply', { v: 1, zones: [] })).status).toBe(403);
  });
});
