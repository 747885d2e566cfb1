import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditedChanges } from '../../src/audit/index.js';
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
    await created(app, '/v1/zones/old/subject-issuers', { issuer: 'https://login.example.com', audience: 'caracal' });
    await created(app, '/v1/webhooks', { url: 'https://hooks.example.com/x', events: ['*'], zone: 'old' });
    const { id } = await created(app, '/v1/zones/old/policies', { name: 'all', cedar: PERMIT });
    const { version } = await created(app, '/v1/zones/old/policy-sets', { policies: [id] });
    expect((await app.admin('POST', `/v1/zones/old/policy-sets/${version}/activate`)).status).toBe(200);
  });
  afterAll(() => app.close());

  const exported = async () => (await app.admin('GET', '/v1/config/export')).body;
  const apply = (zones: unknown, query = '', more: object = {}, headers = {}) =>
    app.admin('POST', `/v1/config/apply${query}`, { v: 1, zones, ...more }, headers);
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
          providers: [{ name: 'Key', kind: 'api_key', secret: { set: true } }],
          subject_issuers: [{ issuer: 'https://login.example.com', audience: 'caracal' }],
          resources: [{ slug: 'one', provider: 'Key' }],
          grants: [{ application: 'agent', resource: 'one', scopes: ['read'], label: 'ops' }],
          policy_set: { policies: [{ name: 'all', cedar: PERMIT }] },
        },
      ],
    });
    expect(JSON.stringify(document)).not.toMatch(/upstream-secret-value|whsec_|"id"|app_|res_|prv_|sis_|whk_/);
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
      'create subject_issuer',
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
    expect((await apply([zone])).body).toEqual({ changes: [] });
    expect(await zoneOf('new')).toEqual({ ...zone, providers: [{ ...zone.providers[0], secret: { set: true } }] });
    const client = applied.body.changes.find(({ kind }: { kind: string }) => kind === 'application').id;
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

  it('[T1] refuses what is no configuration, and says which object was refused', async () => {
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
      body: { code: 'invalid_request', applied: 0, failed: { op: 'create', kind: 'grant' } },
    });
  });

  it('[T1] [T4] is applied whole or not at all: what is refused last undoes what came first, in every zone, and dry runs say the same', async () => {
    const before = await exported();
    const size = async () => (await app.admin('GET', '/v1/zones/old/audit/events?limit=200')).body.items.length;
    const ledger = await size();
    const zones: object[] = [
      { slug: 'first', name: 'First', applications: [{ slug: 'a', name: 'A' }] },
      { slug: 'old', name: 'Changed', applications: [{ slug: 'more', name: 'More' }] },
      {
        slug: 'last',
        name: 'Last',
        resources: [soundResource('api')],
        policy_set: {
          policies: [{ name: 'p', cedar: 'permit(principal, action == Action::"undeclared", resource);' }],
        },
      },
    ];
    const webhooks = [{ url: 'https://hooks.example.com/y', events: ['*'] }];
    for (const query of ['?dry_run=true', '']) {
      const refused = await apply(zones, query, { webhooks });
      expect(refused).toMatchObject({
        status: 400,
        body: { failed: { kind: 'policy_set', zone: 'last' }, applied: 0 },
      });
    }
    expect(await exported()).toEqual(before);
    for (const slug of ['first', 'last']) expect((await app.admin('GET', `/v1/zones/${slug}`)).status).toBe(404);
    expect(await size()).toBe(ledger);
    zones[2] = { slug: 'last', name: 'Last', resources: [soundResource('api')] };
    const planned = await apply(zones, '?dry_run=true', { webhooks });
    expect(await exported()).toEqual(before);
    const applied = await apply(zones, '', { webhooks });
    const without = (changes: { id: unknown }[]) => changes.map(({ id: _id, ...change }) => change);
    expect(without(applied.body.changes)).toEqual(without(planned.body.changes));
    expect(planned.body.secrets).toBeUndefined();
    expect(applied.body.secrets).toEqual([{ kind: 'webhook', id: expect.any(String), secret: expect.any(String) }]);
    const after = await exported();
    expect(await apply(after.zones, '', { webhooks: after.webhooks })).toMatchObject({
      status: 200,
      body: { changes: [] },
    });
    expect(await exported()).toEqual(after);
  });

  it('[T6] has an entry for every object, each in the ledger of its zone', async () => {
    const { body } = await apply([
      { slug: 'old', name: 'Told', applications: [{ slug: 'told', name: 'Told' }] },
      { slug: 'other', name: 'Other', providers: [{ name: 'None', kind: 'none' }] },
    ]);
    expect(body.changes).toHaveLength(4);
    const actions = async (zone: string) =>
      (await app.admin('GET', `/v1/zones/${zone}/audit/events?limit=200`)).body.items.map(
        ({ entry }: { entry: { type: string; detail: { target?: string } } }) => `${entry.type} ${entry.detail.target}`,
      );
    const [zone, application, , provider] = body.changes as { id: string }[];
    expect(await actions('old')).toEqual(
      expect.arrayContaining([
        `admin.zones.update zone:${zone?.id}`,
        `admin.applications.create application:${application?.id}`,
      ]),
    );
    expect(await actions('other')).toEqual([
      'admin.zones.create zone:other',
      `admin.providers.create provider:${provider?.id}`,
    ]);
  });

  it.each(['feed', 'ledger'])(
    '[T4] [T6] a process that ends at the %s of its second zone has done nothing',
    async (end) => {
      const before = await exported();
      let broken = true;
      app.running.app.get(AuditedChanges).onStep((zone, step) => {
        if (broken && zone === 'other' && step === end) throw new Error('the process ends here');
      });
      const change = ['old', 'other'].map((slug) => ({ slug, name: `Broken at ${end}` }));
      expect((await apply(change)).status).toBe(500);
      broken = false;
      expect(await exported()).toEqual(before);
      expect((await apply(change)).status).toBe(200);
    },
  );

  it('[T4] is applied to the configuration that was read, or to none', async () => {
    const read = await app.admin('GET', '/v1/config/export');
    const tag = read.headers.get('etag') ?? '';
    const change = [{ slug: 'old', name: 'By tag' }];
    expect((await apply(change, '?dry_run=true', {}, { 'if-match': tag })).status).toBe(200);
    expect((await apply(change, '', {}, { 'if-match': tag })).status).toBe(200);
    for (const query of ['', '?dry_run=true']) {
      const stale = await apply([{ slug: 'old', name: 'Stale' }], query, {}, { 'if-match': tag });
      expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    }
    expect((await zoneOf('old')).name).toBe('By tag');
  });

  it('[T4] of many at once each is applied whole, and none is lost among single changes', async () => {
    const document = (at: number) => [
      { slug: 'old', name: `Name ${at}`, applications: [{ slug: 'agent', name: `Agent ${at}` }] },
      { slug: 'other', name: `Name ${at}` },
    ];
    const single = (at: number) =>
      app.admin('POST', '/v1/zones/old/applications', { name: `Single ${at}`, slug: `single-${at}` });
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].flatMap((at) => [apply(document(at)), single(at)]));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(6);
    expect(statuses.every((status) => [200, 201, 409].includes(status))).toBe(true);
    expect(statuses).toContain(200);
    const [old, other] = [await zoneOf('old'), await zoneOf('other')];
    expect(old.name).toBe(other.name);
    const agent = old.applications.find(({ slug }: { slug: string }) => slug === 'agent');
    expect(agent.name.replace('Agent', 'Name')).toBe(old.name);
  });

  it('objects of one name keep their places, and everything that can be chosen comes back', async () => {
    const provider = (name: string, header: string) => ({
      name,
      kind: 'api_key',
      config: { in: 'header', name: header },
      secret: { value: `secret of ${header}` },
    });
    const zone = {
      slug: 'whole',
      name: 'Whole',
      approval_privacy: 'minimal',
      sponsor: 'required',
      key_rotation_days: 30,
      hold_ttl_seconds: 60,
      applications: [
        { slug: 'a', name: 'A', allowed_labels: ['x'], blueprint: { labels: ['x'] }, limits: { depth: 2 } },
      ],
      providers: [provider('Twin', 'X-One'), provider('Twin', 'X-Two')],
      resources: [
        soundResource('one', { provider: 'Twin' }),
        soundResource('two', { provider: 'Twin#2', approval_privacy: 'minimal', single_use: true }),
      ],
    };
    expect((await apply([zone])).status).toBe(200);
    const back = await zoneOf('whole');
    expect(back).toMatchObject({
      approval_privacy: 'minimal',
      sponsor: 'required',
      key_rotation_days: 30,
      hold_ttl_seconds: 60,
    });
    expect(back.applications).toMatchObject([{ blueprint: { labels: ['x'] }, limits: { depth: 2 } }]);
    expect(back.resources.map((one: { provider: string }) => one.provider)).toEqual(['Twin', 'Twin#2']);
    expect(await apply([back])).toMatchObject({ status: 200, body: { changes: [] } });
    const kept = { ...back, slug: 'elsewhere' };
    const refused = await apply([kept]);
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'secret' }], failed: { kind: 'provider' } },
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
