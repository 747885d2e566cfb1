import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { created, makeZoneOverHttp } from '../support/fixtures.js';

describe('admin tokens', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    await makeZoneOverHttp(app, 'a');
    await makeZoneOverHttp(app, 'b');
  });

  afterAll(() => app.close());

  const mint = (body: object) => created(app, '/v1/admin-tokens', body);
  const as = (token: string, method: string, path: string, body?: unknown) =>
    call(app.url, { method, path, body, headers: { authorization: `Bearer ${token}` } });
  const statusAs = async (token: string, method: string, path: string, body?: unknown) =>
    (await as(token, method, path, body)).status;

  it('[T5] shows a token once and keeps only its MAC', async () => {
    const made = await mint({ name: 'once', capabilities: ['read'] });
    expect(made).toMatchObject({
      name: 'once',
      capabilities: ['read'],
      zones: null,
      created_by: 'bootstrap',
      revoked_at: null,
    });
    expect(made.token).toMatch(/^cat_[0-9A-Za-z]{49}$/);
    const read = await app.admin('GET', `/v1/admin-tokens/${made.id}`);
    expect(read.status).toBe(200);
    expect(read.body).not.toHaveProperty('token');
    const list = await app.admin('GET', '/v1/admin-tokens?limit=200');
    expect(JSON.stringify(list.body)).not.toContain(made.token);
    expect(app.logs()).not.toContain(made.token);
  });

  it('lives 90 days unless it says otherwise, and no longer than a year', async () => {
    const { created_at: from, expires_at: to } = await mint({ name: 'default life', capabilities: ['read'] });
    expect(Date.parse(to) - Date.parse(from)).toBe(90 * 86_400_000);
    const longer = await app.admin('POST', '/v1/admin-tokens', {
      name: 'x',
      capabilities: ['read'],
      ttl_seconds: 365 * 86_400 + 1,
    });
    expect([longer.status, longer.body.code]).toEqual([400, 'invalid_request']);
  });

  it.each([
    ['no name', { capabilities: ['read'] }, 'name'],
    ['an unknown capability', { name: 'x', capabilities: ['root'] }, 'capabilities'],
    ['no capability', { name: 'x', capabilities: [] }, 'capabilities'],
    ['a capability twice', { name: 'x', capabilities: ['read', 'read'] }, 'capabilities'],
    ['no zone in its zones', { name: 'x', capabilities: ['read'], zones: [] }, 'zones'],
    ['a zone that is not there', { name: 'x', capabilities: ['read'], zones: ['nowhere'] }, 'zones.0'],
    ['a malformed zone', { name: 'x', capabilities: ['read'], zones: ['../a'] }, 'zones'],
    ['a life of nothing', { name: 'x', capabilities: ['read'], ttl_seconds: 0 }, 'ttl_seconds'],
    ['a life in text', { name: 'x', capabilities: ['read'], ttl_seconds: '60' }, 'ttl_seconds'],
    ['a member of its own', { name: 'x', capabilities: ['read'], id: 'adm_1' }, 'id'],
    ['a control character', { name: 'a\u0000b', capabilities: ['read'] }, 'name'],
  ])('[T1] is not made with %s', async (_name, body, field) => {
    const answer = await app.admin('POST', '/v1/admin-tokens', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors.map((fault: { field: string }) => fault.field)).toContain(field);
  });

  it('[T12] is managed by global bootstrap tokens only', async () => {
    const held = [
      await mint({ name: 'w', capabilities: ['read', 'write', 'approve', 'audit'] }),
      await mint({ name: 'bound', capabilities: ['bootstrap'], zones: ['a'] }),
    ];
    for (const { token, id } of held) {
      for (const [method, path] of [
        ['GET', '/v1/admin-tokens'],
        ['POST', '/v1/admin-tokens'],
        ['GET', `/v1/admin-tokens/${id}`],
        ['DELETE', `/v1/admin-tokens/${id}`],
      ] as const) {
        const answer = await as(
          token,
          method,
          path,
          method === 'POST' ? { name: 'x', capabilities: ['read'] } : undefined,
        );
        expect([answer.status, answer.body.code]).toEqual([403, 'insufficient_capability']);
      }
    }
  });

  it('[T12] is good for its zones: the others are not there, global routes are not allowed', async () => {
    const { token } = await mint({ name: 'bound', capabilities: ['read', 'write'], zones: ['a'] });
    await expect(statusAs(token, 'GET', '/v1/zones/a/applications')).resolves.toBe(200);
    await expect(statusAs(token, 'GET', '/v1/zones/b/applications')).resolves.toBe(404);
    await expect(statusAs(token, 'GET', '/v1/zones/nowhere/applications')).resolves.toBe(404);
    await expect(statusAs(token, 'POST', '/v1/zones', { slug: 'c', name: 'c' })).resolves.toBe(403);
    await expect(statusAs(token, 'GET', '/v1/zones/_system')).resolves.toBe(404);
    const zones = await as(token, 'GET', '/v1/zones');
    expect(zones.body.items.map((zone: { slug: string }) => zone.slug)).toEqual(['a']);
  });

  it.each([
    ['read', 200, 403],
    ['write', 200, 201],
    ['approve', 403, 403],
    ['audit', 403, 403],
    ['bootstrap', 200, 201],
  ])('[T12] with the capability %s reads with %d and writes with %d', async (capability, reads, writes) => {
    const { token } = await mint({ name: capability, capabilities: [capability] });
    await expect(statusAs(token, 'GET', '/v1/zones/a/applications')).resolves.toBe(reads);
    const body = { name: `by ${capability}` };
    await expect(statusAs(token, 'POST', '/v1/zones/a/applications', body)).resolves.toBe(writes);
  });

  it('[T12] is refused from the moment its revocation was answered, and revoking it again changes nothing', async () => {
    const { token, id } = await mint({ name: 'short', capabilities: ['read'] });
    await expect(statusAs(token, 'GET', '/v1/zones/a')).resolves.toBe(200);
    await expect(app.admin('DELETE', `/v1/admin-tokens/${id}`)).resolves.toMatchObject({ status: 204 });
    const refused = await as(token, 'GET', '/v1/zones/a');
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_token']);
    await expect(app.admin('DELETE', `/v1/admin-tokens/${id}`)).resolves.toMatchObject({ status: 204 });
    const audit = await app.admin('GET', '/v1/zones/_system/audit/events?type=admin.admin_token.revoke');
    const targets = audit.body.items.map((item: { entry: { detail: { target: string } } }) => item.entry.detail.target);
    expect(targets.filter((target: string) => target === `admin_token:${id}`)).toHaveLength(1);
  });

  it('[T12] is refused on every replica once revoked', async () => {
    const { token, id } = await mint({ name: 'far', capabilities: ['read'] });
    const replica = await app.replica();
    const there = () =>
      call(replica.url, { method: 'GET', path: '/v1/zones/a', headers: { authorization: `Bearer ${token}` } });
    expect((await there()).status).toBe(200);
    await app.admin('DELETE', `/v1/admin-tokens/${id}`);
    let status = 200;
    for (let attempt = 0; attempt < 200 && status === 200; attempt += 1) {
      status = (await there()).status;
      if (status === 200) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(status).toBe(401);
  });

  it.each([
    '/v1/admin-tokens/nonsense',
    '/v1/admin-tokens/adm_018f0000-0000-7000-8000-000000000000',
    "/v1/admin-tokens/'%20OR%201=1",
  ])('is not found at %s', async (path) => {
    const answer = await app.admin('GET', path);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  it('shows when a token was last used, and nothing before', async () => {
    const made = await mint({ name: 'used', capabilities: ['read'] });
    const at = `/v1/admin-tokens/${made.id}`;
    expect(made.last_used_at).toBeNull();
    expect((await app.admin('GET', at)).body.last_used_at).toBeNull();
    expect(await statusAs(made.token, 'GET', '/v1/zones')).toBe(200);
    const { last_used_at: used } = (await app.admin('GET', at)).body;
    expect(Date.parse(used)).toBeGreaterThanOrEqual(Date.parse(made.created_at) - 1_000);
  });

  it('[T12] is rotated: the new one may do the same, the old one ends at once or with the overlap', async () => {
    const old = await mint({ name: 'rotating', capabilities: ['read'], zones: ['a'] });
    const rotated = await app.admin('POST', `/v1/admin-tokens/${old.id}/rotate`, {});
    expect(rotated).toMatchObject({
      status: 201,
      body: { name: 'rotating', capabilities: ['read'], zones: ['a'], replaces: old.id },
    });
    expect(await statusAs(old.token, 'GET', '/v1/zones/a')).toBe(401);
    expect(await statusAs(rotated.body.token, 'GET', '/v1/zones/a')).toBe(200);
    const again = await app.admin('POST', `/v1/admin-tokens/${rotated.body.id}/rotate`, { overlap_seconds: 60 });
    expect(await statusAs(rotated.body.token, 'GET', '/v1/zones/a')).toBe(200);
    expect(await statusAs(again.body.token, 'GET', '/v1/zones/a')).toBe(200);
    const { expires_at: ends } = (await app.admin('GET', `/v1/admin-tokens/${rotated.body.id}`)).body;
    expect(Date.parse(ends) - Date.now()).toBeLessThanOrEqual(60_000);
    expect((await app.admin('POST', `/v1/admin-tokens/${old.id}/rotate`, {})).body.code).toBe('conflict');
    expect(await statusAs(again.body.token, 'POST', `/v1/admin-tokens/${again.body.id}/rotate`, {})).toBe(403);
    const actions = (await app.admin('GET', '/v1/admin-audit?limit=10')).body.items.map(
      (item: { action: string }) => item.action,
    );
    expect(actions).toContain('admin_token.rotate');
  });

  it('lists page by page, each once', async () => {
    const ids: string[] = [];
    let path: string | undefined = '/v1/admin-tokens?limit=2';
    while (path) {
      const { body } = await app.admin('GET', path);
      ids.push(...body.items.map((item: { id: string }) => item.id));
      path = body.next_cursor === null ? undefined : `/v1/admin-tokens?limit=2&cursor=${body.next_cursor}`;
    }
    expect(ids.length).toBeGreaterThan(4);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('[T12] the bootstrap token', () => {
  it('is meant for emergencies: its use is warned about once named tokens exist', async () => {
    const app = await startTestApp();
    try {
      const warned = () => app.logs().includes('the bootstrap token was used although named tokens exist');
      await app.admin('GET', '/v1/zones');
      expect(warned()).toBe(false);
      await created(app, '/v1/admin-tokens', { name: 'first', capabilities: ['bootstrap'] });
      expect((await app.admin('GET', '/v1/zones')).status).toBe(200);
      expect(warned()).toBe(true);
    } finally {
      await app.close();
    }
  });

  it('is refused from an address outside BOOTSTRAP_CIDRS, and the log says why', async () => {
    const app = await startTestApp({ BOOTSTRAP_CIDRS: '203.0.113.0/24' });
    try {
      const answer = await app.admin('GET', '/v1/zones');
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
      expect(app.logs()).toContain('the bootstrap token is not accepted from this address');
    } finally {
      await app.close();
    }
  });
});
