import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { administrator, all, archive, patch, read, soundResource, type Asker } from '../support/administration.js';
import { created, makeApplication, makeZoneOverHttp, oauth } from '../support/fixtures.js';

const digest = (value: unknown): string =>
  `sha256:${createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex')}`;

describe('what administrators did, and asking the ledger', () => {
  let app: TestApp;
  let ask: Asker;
  const zone = unique('zone');
  const other = unique('zone');
  const events = `/v1/zones/${zone}/audit/events`;

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
    await makeZoneOverHttp(app, zone);
    await makeZoneOverHttp(app, other);
  });

  afterAll(() => app.close());

  it('[T6] has one entry per change: who, what, on what, and digests of before and after', async () => {
    const made = await ask(
      'POST',
      `/v1/zones/${zone}/applications`,
      { name: 'one' },
      { 'x-request-id': unique('made') },
    );
    const path = `/v1/zones/${zone}/applications/${made.body.id}`;
    const changed = await ask('PATCH', path, { name: 'two' }, { 'if-match': '*', 'x-request-id': unique('changed') });
    await archive(ask, path);
    const gone = await read(ask, path);
    const entries = (await all(ask, events))
      .map((item) => item.entry)
      .filter((entry) => entry.detail?.target === `application:${made.body.id}`);
    expect(entries.map((entry) => [entry.type, entry.detail.before_digest, entry.detail.after_digest])).toEqual([
      ['admin.applications.create', undefined, digest(made.body)],
      ['admin.applications.update', digest(made.body), digest(changed.body)],
      ['admin.applications.archive', digest(changed.body), digest(gone.body)],
    ]);
    for (const entry of entries) expect(entry).toMatchObject({ actor: { kind: 'human', token: 'bootstrap' }, zone });
    expect(entries[0].request_id).toBe(made.headers.get('x-request-id'));
  });

  it('[T6] has no entry of a change that was refused', async () => {
    const before = (await all(ask, events)).length;
    await ask('POST', `/v1/zones/${zone}/applications`, { name: '' });
    await ask('POST', `/v1/zones/${zone}/resources`, soundResource('x', { provider: 'prv_x' }));
    await ask('PATCH', `/v1/zones/${zone}`, { name: 'x' }, { 'if-match': '"99"' });
    expect((await all(ask, events)).length).toBe(before);
  });

  it('[T6] covers every area of administration', async () => {
    const at = (area: string) => `/v1/zones/${other}/${area}`;
    const provider = await created(app, at('providers'), { name: 'p', kind: 'bearer', secret: { token: 'x' } });
    const resource = await created(app, at('resources'), soundResource('api', { provider: provider.id }));
    const client = await makeApplication(app, other, 'agent');
    const grant = await created(app, at('grants'), { application: client.id, resource: resource.id, scopes: ['read'] });
    for (const path of [
      at(`grants/${grant.id}`),
      at(`resources/${resource.id}`),
      at(`providers/${provider.id}`),
      at(`applications/${client.id}`),
    ]) {
      const change = path.includes('grants') ? { label: 'x' } : { name: 'changed' };
      expect((await patch(ask, path, change)).status).toBe(200);
      if (path.includes('applications')) await ask('DELETE', `${path}/credentials/${client.credential}`);
      expect((await archive(ask, path)).status).toBe(204);
    }
    await patch(ask, `/v1/zones/${other}`, { name: 'changed' });
    await ask('POST', `/v1/zones/${other}/kill`);
    await ask('POST', `/v1/zones/${other}/restore`);
    await archive(ask, `/v1/zones/${other}`);
    const types = (await all(ask, `/v1/zones/${other}/audit/events`)).map((item) => item.entry.type);
    const areas = ['applications', 'providers', 'resources', 'grants'].flatMap((area) =>
      ['create', 'update', 'archive'].map((act) => `admin.${area}.${act}`),
    );
    const expected = [
      ...areas,
      'admin.credentials.create',
      'admin.credentials.remove',
      ...['create', 'update', 'kill', 'restore', 'archive'].map((act) => `admin.zones.${act}`),
    ];
    expect(expected.filter((type) => !types.includes(type))).toEqual([]);
  });

  it('filters events by the members of entries, by index and by time', async () => {
    const client = await makeApplication(app, zone, 'filtered');
    await oauth(app.url, `/z/${zone}/oauth2/token`, { grant_type: 'client_credentials' }, client);
    const everything = await all(ask, events);
    const issued = everything.find((item) => item.entry.application === client.id && item.entry.decision === 'allow');
    expect(issued).toBeDefined();
    const { entry } = issued;
    const filters: [
      string,
      (item: { index: number; entry: Record<string, unknown>; ingested_at: string }) => boolean,
    ][] = [
      [`type=${entry.type}`, (item) => item.entry['type'] === entry.type],
      ['decision=allow', (item) => item.entry['decision'] === 'allow'],
      [`application=${client.id}`, (item) => item.entry['application'] === client.id],
      [`request_id=${entry.request_id}`, (item) => item.entry['request_id'] === entry.request_id],
      [`jti=${entry.token.jti}`, (item) => item.index === issued.index],
      [`from=2&to=5`, (item) => item.index >= 2 && item.index < 5],
      [`since=${everything[3].ingested_at}`, (item) => item.ingested_at >= everything[3].ingested_at],
      [`until=${everything[3].ingested_at}`, (item) => item.ingested_at < everything[3].ingested_at],
      [`type=${entry.type}&application=${client.id}&decision=deny`, () => false],
      ['session=ses_nobody', () => false],
    ];
    for (const [query, matches] of filters) {
      const expected = everything.filter(matches).map((item) => item.index);
      expect([query, (await all(ask, `${events}?${query}`)).map((item) => item.index)]).toEqual([query, expected]);
    }
    expect((await all(ask, events, 2)).map((item) => item.index)).toEqual(everything.map((item) => item.index));
    expect(everything.map((item) => item.index)).toEqual(everything.map((_, at) => at));
  });

  it.each([
    'from=-1',
    'from=x',
    'to=1.5',
    'since=yesterday',
    'decision=maybe',
    'surprise=1',
    'cursor=MS4x',
    'limit=0',
    'type=%00',
    'type=a&type=b',
  ])('refuses the query %s', async (query) => {
    const answer = await ask('GET', `${events}?${query}`);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });

  it('shows one event as the list does, and what one request did', async () => {
    const requestId = unique('request');
    await ask(
      'POST',
      `/v1/zones/${zone}/protect`,
      { name: 'x', upstream_url: 'http://127.0.0.1:9', provider: { kind: 'none' } },
      { 'x-request-id': requestId },
    );
    const list = await all(ask, `${events}?request_id=${requestId}`);
    expect((await ask('GET', `${events}/${list[0].index}`)).body).toEqual(list[0]);
    const one = await ask('GET', `/v1/zones/${zone}/audit/requests/${requestId}`);
    expect(one.status).toBe(200);
    expect(one.body).toMatchObject({
      request_id: requestId,
      items: list,
      summary: { entries: 5, actor: { kind: 'human', token: 'bootstrap' } },
    });
    const encoded = createHash('sha256')
      .update(Buffer.concat([Buffer.of(0), Buffer.from(canonicalize(list[0].entry) ?? '')]))
      .digest('hex');
    expect(list[0].leaf).toBe(encoded);
    for (const path of [
      `${events}/999999`,
      `${events}/-1`,
      `${events}/x`,
      `${events}/1e3`,
      `/v1/zones/${zone}/audit/requests/unheard-of`,
      `/v1/zones/${zone}/audit/requests/%00`,
    ]) {
      const answer = await ask('GET', path);
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'not_found']);
    }
  });

  it('[T1] shows the ledger to who may audit, in the zones they may see', async () => {
    const paths = [events, `${events}/0`, `/v1/zones/${zone}/audit/requests/x`];
    const writer = await administrator(app, ['read', 'write', 'approve']);
    for (const path of paths) expect([path, (await writer('GET', path)).status]).toEqual([path, 403]);
    const foreign = await administrator(app, ['audit'], [other]);
    for (const path of paths) expect([path, (await foreign('GET', path)).status]).toEqual([path, 404]);
    const auditor = await administrator(app, ['audit'], [zone]);
    expect((await auditor('GET', events)).status).toBe(200);
    expect((await auditor('GET', '/v1/zones/_system/audit/events')).status).toBe(404);
    expect((await ask('GET', '/v1/zones/_system/audit/events')).status).toBe(200);
  });

  describe('the list of all zones', () => {
    const find = async (query: string, asker: Asker = ask) => all(asker, `/v1/admin-audit?${query}`);

    it('names actor, action, target, zone and request, newest first', async () => {
      const requestId = unique('request');
      const { body } = await ask(
        'POST',
        `/v1/zones/${zone}/applications`,
        { name: 'listed' },
        { 'x-request-id': requestId },
      );
      const [item, ...others] = await find(`request_id=${requestId}`);
      expect(others).toEqual([]);
      expect(item).toMatchObject({
        actor: { kind: 'human', token: 'bootstrap' },
        action: 'applications.create',
        target: `application:${body.id}`,
        zone,
        before_digest: null,
        after_digest: digest(body),
        request_id: requestId,
      });
      expect(item.at).toMatch(/^\d{4}-.*Z$/);
      const times = (await all(ask, '/v1/admin-audit')).map((each) => each.at);
      expect(times).toEqual([...times].sort().reverse());
    });

    it('holds what belongs to no zone', async () => {
      const requestId = unique('request');
      await ask('POST', '/v1/admin-tokens', { name: 'x', capabilities: ['read'] }, { 'x-request-id': requestId });
      expect((await find(`request_id=${requestId}`)).map((item) => item.zone)).toEqual([null]);
    });

    it('is filtered by zone, token and action, page by page', async () => {
      const { id, token } = await created(app, '/v1/admin-tokens', { name: 'busy', capabilities: ['write'] });
      for (let at = 0; at < 3; at += 1) {
        await fetch(`${app.url}/v1/zones/${zone}/applications`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ name: 'busy' }),
        });
      }
      const mine = await all(ask, `/v1/admin-audit?token=${id}`, 1);
      expect(mine.length).toBe(3);
      expect(new Set(mine.map((item) => item.target)).size).toBe(3);
      expect((await find(`token=${id}&zone=${zone}`)).length).toBe(3);
      expect(await find(`token=${id}&zone=${other}`)).toEqual([]);
      expect(await find(`token=${id}&action=zones.kill`)).toEqual([]);
      expect((await find('action=zones.create')).length).toBeGreaterThanOrEqual(2);
    });

    it('[T12] is for global tokens that may audit', async () => {
      expect((await (await administrator(app, ['write']))('GET', '/v1/admin-audit')).status).toBe(403);
      expect((await (await administrator(app, ['audit'], [zone]))('GET', '/v1/admin-audit')).status).toBe(403);
      expect((await (await administrator(app, ['audit']))('GET', '/v1/admin-audit')).status).toBe(200);
    });

    it.each([
      'cursor=YWJj',
      `cursor=${Buffer.from('2026-99-99 99:99:99+00|a|1').toString('base64url')}`,
      'since=x',
      'zone=%00',
      'surprise=1',
    ])('refuses the query %s', async (query) => {
      const answer = await ask('GET', `/v1/admin-audit?${query}`);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    });
  });
});
