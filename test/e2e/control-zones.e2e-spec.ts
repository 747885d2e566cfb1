import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { administrator, all, archive, patch, read, type Asker } from '../support/administration.js';
import { created, makeApplication, makeZoneOverHttp, oauth } from '../support/fixtures.js';

describe('zones', () => {
  let app: TestApp;
  let ask: Asker;

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
  });

  afterAll(() => app.close());

  const makeZone = async (more: object = {}): Promise<string> => {
    const slug = unique('zone');
    await created(app, '/v1/zones', { slug, name: slug, ...more });
    return slug;
  };

  it('are made with issuer, log, keys and every setting that holds', async () => {
    const slug = unique('zone');
    const answer = await ask('POST', '/v1/zones', { slug, name: 'Acme', limits: { depth: 3 }, grace_seconds: 5 });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`/v1/zones/${slug}`);
    expect(answer.headers.get('etag')).toBe('"1"');
    const { body } = answer;
    const host = new URL(app.url).host;
    expect(body).toMatchObject({
      slug,
      name: 'Acme',
      status: 'active',
      issuer: `${app.url}/z/${slug}`,
      log_origin: `${host}/log/${slug}`,
      grace_seconds: 5,
      dpop_nonce: 'off',
      public_log: false,
    });
    expect(body.id).toMatch(/^zon_/);
    expect(body.limits).toMatchObject({
      depth: 3,
      children_per_session: 50,
      sessions_per_zone: 5_000,
      spawn_per_minute: 120,
    });
    expect(body.log_vkey).toMatch(
      new RegExp(`^${host.replaceAll('.', '\\.')}/log/${slug}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]{44}$`),
    );
    const keys = await ask('GET', `/v1/zones/${slug}/keys`);
    expect(keys.body.items.map((key: { state: string }) => key.state).sort()).toEqual(['active', 'next']);
    expect((await read(ask, `/v1/zones/${slug}`)).body).toEqual(body);
  });

  it.each([
    ['no slug', { name: 'x' }, 'slug'],
    ['no name', { slug: 'x' }, 'name'],
    ['a slug of the system', { slug: '_system', name: 'x' }, 'slug'],
    ['a slug in capitals', { slug: 'Acme', name: 'x' }, 'slug'],
    ['a slug with a dot', { slug: 'a.b', name: 'x' }, 'slug'],
    ['an over-long slug', { slug: 'a'.repeat(64), name: 'x' }, 'slug'],
    ['an over-long name', { slug: 'x', name: 'a'.repeat(201) }, 'name'],
    ['an unknown member', { slug: 'x', name: 'x', owner: 'me' }, 'owner'],
    ['an unknown limit', { slug: 'x', name: 'x', limits: { wings: 2 } }, 'limits.wings'],
    ['a limit as text', { slug: 'x', name: 'x', limits: { depth: '2' } }, 'limits.depth'],
    ['a negative limit', { slug: 'x', name: 'x', limits: { depth: -1 } }, 'limits.depth'],
    [
      'a token lifetime beyond its class',
      { slug: 'x', name: 'x', token_lifetimes: { mandate_seconds: 901 } },
      'token_lifetimes.mandate_seconds',
    ],
    ['a nonce policy of its own', { slug: 'x', name: 'x', dpop_nonce: 'sometimes' }, 'dpop_nonce'],
  ])('refuse %s and name the member', async (_, body, field) => {
    const answer = await ask('POST', '/v1/zones', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors.map((fault: { field: string }) => fault.field)).toContain(field);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('never use a slug again, not even that of an archived zone', async () => {
    const slug = await makeZone();
    const taken = await ask('POST', '/v1/zones', { slug, name: 'again' });
    expect([taken.status, taken.body.code]).toEqual([409, 'conflict']);
    expect((await archive(ask, `/v1/zones/${slug}`)).status).toBe(204);
    expect((await ask('POST', '/v1/zones', { slug, name: 'again' })).status).toBe(409);
  });

  it('change under If-Match only: 428 without, 412 when stale, `*` always', async () => {
    const path = `/v1/zones/${await makeZone()}`;
    expect((await ask('PATCH', path, { name: 'x' })).body.code).toBe('precondition_required');
    const { match } = await read(ask, path);
    const changed = await ask('PATCH', path, { name: 'New' }, match);
    expect([changed.status, changed.body.name, changed.headers.get('etag')]).toEqual([200, 'New', '"2"']);
    const stale = await ask('PATCH', path, { name: 'Newer' }, match);
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    expect((await ask('DELETE', path, undefined, match)).status).toBe(412);
    expect((await ask('DELETE', path)).status).toBe(428);
    expect((await ask('PATCH', path, { name: 'Newest' }, { 'if-match': '*' })).status).toBe(200);
    expect((await read(ask, path)).body.name).toBe('Newest');
  });

  it('replace limits whole, and go back to a default by null', async () => {
    const path = `/v1/zones/${await makeZone({ limits: { depth: 3, spawn_per_minute: 7 }, hold_ttl_seconds: 60 })}`;
    const limits = (await patch(ask, path, { limits: { depth: 4 } })).body.limits;
    expect([limits.depth, limits.spawn_per_minute]).toEqual([4, 120]);
    const reset = (await patch(ask, path, { limits: null, hold_ttl_seconds: null })).body;
    expect([reset.limits.depth, reset.hold_ttl_seconds]).toEqual([10, undefined]);
  });

  it.each([{ slug: 'other' }, { status: 'active' }, { epoch: 0 }, { log_origin: 'x' }, { signing_alg: 'EdDSA' }])(
    'do not change %p',
    async (change) => {
      const path = `/v1/zones/${await makeZone()}`;
      expect((await patch(ask, path, change)).status).toBe(400);
    },
  );

  it('sign with Ed25519 when they were made so', async () => {
    const slug = await makeZone({ signing_alg: 'EdDSA' });
    const jwks = await (await fetch(`${app.url}/z/${slug}/jwks.json`)).json();
    expect((jwks as { keys: { alg: string }[] }).keys.map((key) => key.alg)).toEqual(['EdDSA', 'EdDSA']);
  });

  it('[T2] killed: no token is issued, no old one lives again after a restore; both are idempotent', async () => {
    const zone = await makeZone();
    const client = await makeApplication(app, zone, 'agent');
    const token = () => oauth(app.url, `/z/${zone}/oauth2/token`, { grant_type: 'client_credentials' }, client);
    const old = (await token()).body.access_token;
    const active = async () =>
      (await oauth(app.url, `/z/${zone}/oauth2/introspect`, { token: old }, client)).body.active;
    expect(await active()).toBe(true);
    const killed = await ask('POST', `/v1/zones/${zone}/kill`, { reason: 'leak' });
    expect([killed.status, killed.body.status]).toEqual([200, 'killed']);
    const again = await ask('POST', `/v1/zones/${zone}/kill`);
    expect([again.status, again.headers.get('etag')]).toEqual([200, killed.headers.get('etag')]);
    expect([(await token()).status, (await token()).body.error]).toEqual([403, 'access_denied']);
    const restored = await ask('POST', `/v1/zones/${zone}/restore`);
    expect([restored.status, restored.body.status]).toEqual([200, 'active']);
    expect((await ask('POST', `/v1/zones/${zone}/restore`)).status).toBe(200);
    expect((await token()).status).toBe(200);
    expect(await active()).toBe(false);
    const deeds = (await all(ask, `/v1/zones/${zone}/audit/events`)).map((item) => item.entry.type);
    expect(deeds.filter((type) => type === 'admin.zones.kill').length).toBe(1);
    expect(deeds.filter((type) => type === 'admin.zones.restore').length).toBe(1);
  });

  it('archived: can be read and audited, and change no more', async () => {
    const zone = await makeZone();
    const client = await makeApplication(app, zone, 'agent');
    expect((await archive(ask, `/v1/zones/${zone}`)).status).toBe(204);
    const { body } = await read(ask, `/v1/zones/${zone}`);
    expect(body.status).toBe('archived');
    expect(body.archived_at).toMatch(/Z$/);
    expect((await ask('GET', `/v1/zones/${zone}/applications`)).body.items.length).toBe(1);
    const writes = [
      ['POST', `/v1/zones/${zone}/applications`, { name: 'x' }],
      ['PATCH', `/v1/zones/${zone}`, { name: 'x' }],
      ['DELETE', `/v1/zones/${zone}`, undefined],
      ['POST', `/v1/zones/${zone}/kill`, {}],
      ['POST', `/v1/zones/${zone}/restore`, {}],
      [
        'POST',
        `/v1/zones/${zone}/protect`,
        { name: 'x', upstream_url: 'http://127.0.0.1:9', provider: { kind: 'none' } },
      ],
      ['DELETE', `/v1/zones/${zone}/applications/${client.id}`, undefined],
    ] as const;
    for (const [method, path, body] of writes) {
      const answer = await ask(method, path, body, { 'if-match': '*' });
      expect({ path, status: answer.status, code: answer.body.code }).toEqual({ path, status: 409, code: 'conflict' });
    }
    expect((await oauth(app.url, `/z/${zone}/oauth2/token`, { grant_type: 'client_credentials' }, client)).status).toBe(
      404,
    );
    const listed = (await all(ask, '/v1/zones')).map((item) => item.slug);
    expect(listed).not.toContain(zone);
    expect((await all(ask, '/v1/zones?status=archived')).map((item) => item.slug)).toContain(zone);
  });

  it('the system zone is read by global tokens and changed by nobody', async () => {
    expect((await ask('GET', '/v1/zones/_system')).body).toMatchObject({ slug: '_system', status: 'active' });
    expect((await all(ask, '/v1/zones')).map((item) => item.slug)).not.toContain('_system');
    for (const [method, path, body] of [
      ['PATCH', '/v1/zones/_system', { name: 'x' }],
      ['DELETE', '/v1/zones/_system', undefined],
      ['POST', '/v1/zones/_system/kill', {}],
      ['POST', '/v1/zones/_system/applications', { name: 'x' }],
      ['GET', '/v1/zones/_system/applications', undefined],
    ] as const) {
      const answer = await ask(method, path, body, { 'if-match': '*' });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  it('[T12] a token bound to a zone sees that zone alone and makes none', async () => {
    const [mine, foreign] = [await makeZone(), await makeZone()];
    const bound = await administrator(app, ['write'], [mine]);
    expect((await all(bound, '/v1/zones')).map((item) => item.slug)).toEqual([mine]);
    expect((await bound('GET', `/v1/zones/${mine}`)).status).toBe(200);
    const refused = await bound('POST', '/v1/zones', { slug: unique('zone'), name: 'x' });
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_capability']);
    for (const [method, path] of [
      ['GET', `/v1/zones/${foreign}`],
      ['PATCH', `/v1/zones/${foreign}`],
      ['DELETE', `/v1/zones/${foreign}`],
      ['POST', `/v1/zones/${foreign}/kill`],
      ['GET', `/v1/zones/${foreign}/applications`],
      ['GET', '/v1/zones/_system'],
      ['GET', '/v1/zones/never-made'],
      ['GET', '/v1/zones/NOT_A_SLUG'],
    ] as const) {
      const answer = await bound(method, path, method === 'GET' || method === 'DELETE' ? undefined : {}, {
        'if-match': '*',
      });
      expect({ path, status: answer.status, code: answer.body.code }).toEqual({ path, status: 404, code: 'not_found' });
    }
  });

  it('[T12] a reader changes nothing', async () => {
    const zone = await makeZone();
    const reader = await administrator(app, ['read']);
    expect((await reader('GET', `/v1/zones/${zone}`)).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/v1/zones', { slug: 'x', name: 'x' }],
      ['PATCH', `/v1/zones/${zone}`, { name: 'x' }],
      ['DELETE', `/v1/zones/${zone}`, undefined],
      ['POST', `/v1/zones/${zone}/kill`, {}],
      ['POST', `/v1/zones/${zone}/restore`, {}],
    ] as const) {
      const answer = await reader(method, path, body, { 'if-match': '*' });
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'insufficient_capability']);
    }
  });

  it('are found by every way of asking right after they were asked for in vain', async () => {
    const slug = unique('zone');
    expect((await ask('GET', `/v1/zones/${slug}/applications`)).status).toBe(404);
    await makeZoneOverHttp(app, slug);
    expect((await ask('GET', `/v1/zones/${slug}/applications`)).status).toBe(200);
  });
});
