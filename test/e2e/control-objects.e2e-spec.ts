import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { administrator, all, archive, patch, read, soundResource, type Asker } from '../support/administration.js';
import { created, makeZoneOverHttp } from '../support/fixtures.js';

interface Area {
  readonly name: string;
  /** A body that creates; called once per object. */
  readonly make: (scene: Scene) => Promise<object>;
  readonly change: object;
  readonly changed: object;
  readonly prefix: string;
}

interface Scene {
  readonly zone: string;
  readonly application: string;
  readonly resource: string;
}

const AREAS: readonly Area[] = [
  {
    name: 'applications',
    make: async () => ({
      name: 'Agent',
      slug: unique('app'),
      allowed_labels: ['tier:gold'],
      limits: { depth: 2 },
      expires_at: '2099-01-01T00:00:00Z',
    }),
    change: { name: 'Other', allowed_labels: [], limits: null, expires_at: null },
    changed: { name: 'Other', allowed_labels: [], limits: {} },
    prefix: 'app_',
  },
  {
    name: 'providers',
    make: async () => ({
      name: 'Upstream',
      kind: 'bearer',
      config: { scheme: 'Token' },
      secret: { token: 'canary-secret' },
    }),
    change: { name: 'Other', config: {}, secret: { token: 'canary-secret-2' } },
    changed: { name: 'Other', config: {}, secret_version: 2 },
    prefix: 'prv_',
  },
  {
    name: 'resources',
    make: async () => soundResource(unique('res'), { limits: { timeout_ms: 100 }, cookies: 'pass', single_use: true }),
    change: { name: 'Other', operations: [], limits: null, cookies: null, single_use: false, mcp: true },
    changed: { name: 'Other', operations: [], limits: {}, single_use: false, mcp: true },
    prefix: 'res_',
  },
  {
    name: 'grants',
    make: async ({ application, resource }) => ({
      application,
      resource,
      scopes: ['read'],
      label: 'tier:gold',
      expires_at: '2099-01-01T00:00:00Z',
    }),
    change: { scopes: ['read', 'write'], label: null, expires_at: null },
    changed: { scopes: ['read', 'write'] },
    prefix: 'gra_',
  },
];

describe('objects of a zone', () => {
  let app: TestApp;
  let ask: Asker;
  let mine: Scene;
  let foreign: Scene;

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
    mine = await makeScene();
    foreign = await makeScene();
  });

  afterAll(() => app.close());

  async function makeScene(): Promise<Scene> {
    const zone = unique('zone');
    await makeZoneOverHttp(app, zone);
    const application = await created(app, `/v1/zones/${zone}/applications`, { name: 'agent' });
    const resource = await created(app, `/v1/zones/${zone}/resources`, soundResource('api'));
    return { zone, application: application.id, resource: resource.id };
  }

  describe.each(AREAS)('$name', ({ name, make, change, changed, prefix }) => {
    const list = ({ zone }: Scene) => `/v1/zones/${zone}/${name}`;
    const makeOne = async (scene: Scene): Promise<string> =>
      `${list(scene)}/${(await created(app, list(scene), await make(scene))).id}`;

    it('are made, read, listed, changed and archived', async () => {
      const body = await make(mine);
      const answer = await ask('POST', list(mine), body);
      expect(answer.status).toBe(201);
      expect(answer.body.id.startsWith(prefix)).toBe(true);
      const path = answer.headers.get('location') ?? '';
      expect(path).toBe(`${list(mine)}/${answer.body.id}`);
      const seen = await read(ask, path);
      expect(seen.body).toEqual(answer.body);
      expect(seen.match['if-match']).toBe(answer.headers.get('etag'));
      expect((await all(ask, list(mine))).find((item) => item.id === answer.body.id)).toEqual(answer.body);

      const after = await ask('PATCH', path, change, seen.match);
      expect([after.status, after.headers.get('etag')]).toEqual([200, '"2"']);
      expect(after.body).toMatchObject(changed);
      for (const [member, value] of Object.entries(change))
        if (value === null && !(member in changed)) expect(after.body[member]).toBeUndefined();
      expect((await read(ask, path)).body).toEqual(after.body);

      expect((await archive(ask, path)).status).toBe(204);
      const gone = await read(ask, path);
      expect(gone.body).toMatchObject({ id: answer.body.id, status: 'archived' });
      expect((await all(ask, list(mine))).map((item) => item.id)).not.toContain(answer.body.id);
      expect((await all(ask, `${list(mine)}?status=archived`)).map((item) => item.id)).toContain(answer.body.id);
      for (const again of [
        await ask('PATCH', path, change, gone.match),
        await ask('DELETE', path, undefined, gone.match),
      ]) {
        expect([again.status, again.body.code]).toEqual([409, 'conflict']);
      }
    });

    it('change under If-Match only', async () => {
      const path = await makeOne(mine);
      const { match } = await read(ask, path);
      expect((await ask('PATCH', path, change)).status).toBe(428);
      expect((await ask('DELETE', path)).status).toBe(428);
      expect((await ask('PATCH', path, change, { 'if-match': '"77"' })).status).toBe(412);
      expect((await ask('PATCH', path, change, { 'if-match': `W/${match['if-match']}` })).status).toBe(412);
      expect((await ask('PATCH', path, change, { 'if-match': `"9", ${match['if-match']}` })).status).toBe(200);
      expect((await ask('DELETE', path, undefined, match)).status).toBe(412);
      expect((await ask('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
    });

    it('[T1] of another zone are as unknown as those that never were', async () => {
      const path = await makeOne(foreign);
      const id = path.slice(path.lastIndexOf('/') + 1);
      const bound = await administrator(app, ['write', 'audit'], [mine.zone]);
      const attempts: [Asker, string][] = [
        [ask, `${list(mine)}/${id}`],
        [bound, `${list(mine)}/${id}`],
        [bound, path],
        [ask, `${list(mine)}/${prefix}00000000-0000-7000-8000-000000000000`],
        [ask, `${list(mine)}/nonsense`],
        [ask, `${list(mine)}/%00`],
      ];
      for (const [who, at] of attempts) {
        for (const [method, body] of [
          ['GET', undefined],
          ['PATCH', change],
          ['DELETE', undefined],
        ] as const) {
          const answer = await who(method, at, body, { 'if-match': '*' });
          expect([method, at, answer.status, answer.body.code]).toEqual([method, at, 404, 'not_found']);
        }
      }
      expect((await read(ask, path)).body.status).toBe('active');
      expect((await bound('POST', list(foreign), await make(foreign))).status).toBe(404);
      expect((await bound('GET', list(foreign))).status).toBe(404);
      expect((await all(bound, list(mine))).map((item) => item.id)).not.toContain(id);
    });

    it('[T1] refuse unknown members, wrong types and bodies that are no object', async () => {
      const body = await make(mine);
      for (const bad of [
        { ...body, surprise: 1 },
        { ...body, name: 7, scopes: 7 },
        { ...body, id: 'x' },
        {},
        [],
        'text',
        null,
      ]) {
        const answer = await ask('POST', list(mine), bad);
        expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      }
      const path = await makeOne(mine);
      for (const bad of [{ surprise: 1 }, { status: 'active' }, { version: 1 }, { zone: 'x' }, { created_at: 'x' }]) {
        expect((await ask('PATCH', path, bad, { 'if-match': '*' })).status).toBe(400);
      }
      expect((await read(ask, path)).match['if-match']).toBe('"1"');
    });

    it('come page by page, each once, and refuse pages that are none', async () => {
      const made: string[] = [];
      for (let at = 0; at < 5; at += 1) made.push((await makeOne(mine)).split('/').at(-1) ?? '');
      const seen = (await all(ask, list(mine), 2)).map((item) => item.id);
      expect(new Set(seen).size).toBe(seen.length);
      for (const id of made) expect(seen).toContain(id);
      for (const query of [
        'limit=0',
        'limit=201',
        'limit=x',
        'limit=1&limit=2',
        'cursor=!',
        'cursor=',
        'status=gone',
        'surprise=1',
      ]) {
        const answer = await ask('GET', `${list(mine)}?${query}`);
        expect([query, answer.status]).toEqual([query, 400]);
      }
    });
  });

  it('[T5] a secret that was sent in never comes out', async () => {
    const secret = `canary-${unique('secret')}`;
    const made = await ask(
      'POST',
      `/v1/zones/${mine.zone}/providers`,
      { name: 'P', kind: 'bearer', secret: { token: secret } },
      { 'idempotency-key': `"${unique('key')}"` },
    );
    const path = `/v1/zones/${mine.zone}/providers/${made.body.id}`;
    const answers = [
      made,
      await ask('GET', path),
      await patch(ask, path, { name: 'Q', secret: { token: `${secret}2` } }),
      await ask('GET', `/v1/zones/${mine.zone}/providers?limit=200`),
    ];
    await patch(ask, path, { secret: { token: 'bad\nvalue' } });
    answers.push(
      await ask('GET', `/v1/zones/${mine.zone}/audit/events?limit=200`),
      await ask('GET', '/v1/admin-audit?limit=200'),
    );
    expect(answers.map((answer) => answer.status)).toEqual([201, 200, 200, 200, 200, 200]);
    for (const answer of answers) expect(JSON.stringify(answer.body)).not.toContain(secret);
    expect(app.logs()).not.toContain(secret);
  });

  it('an application without a slug gets one of its name, also a second time', async () => {
    const path = `/v1/zones/${mine.zone}/applications`;
    const [one, two] = [
      await created(app, path, { name: 'Night Shift' }),
      await created(app, path, { name: 'Night Shift' }),
    ];
    expect(one.slug).toBe('night-shift');
    expect(two.slug).toMatch(/^night-shift-[0-9a-f]{6}$/);
    expect(one.client_id).toBe(one.id);
    expect(one).not.toHaveProperty('client_secret');
  });

  it('slugs of applications and resources are never used again, not even those of archived ones', async () => {
    for (const [name, body] of [
      ['applications', { name: 'x', slug: unique('slug') }],
      ['resources', soundResource(unique('slug'))],
    ] as const) {
      const { id } = await created(app, `/v1/zones/${mine.zone}/${name}`, body);
      expect((await ask('POST', `/v1/zones/${mine.zone}/${name}`, body)).body.code).toBe('conflict');
      await archive(ask, `/v1/zones/${mine.zone}/${name}/${id}`);
      expect((await ask('POST', `/v1/zones/${mine.zone}/${name}`, body)).status).toBe(409);
    }
  });

  it('an application takes only limits that are tighter than its zone', async () => {
    const answer = await ask('POST', `/v1/zones/${mine.zone}/applications`, {
      name: 'x',
      limits: { children_per_session: 51, depth: 10 },
    });
    expect([answer.status, answer.body.errors]).toEqual([
      400,
      [{ field: 'limits.children_per_session', message: "must not exceed the zone's 50" }],
    ]);
  });

  it('an expiry lies in the future when it is set with the object', async () => {
    for (const [name, body] of [
      ['applications', { name: 'x' }],
      ['grants', { application: mine.application, resource: mine.resource, scopes: ['read'] }],
    ] as const) {
      const answer = await ask('POST', `/v1/zones/${mine.zone}/${name}`, {
        ...body,
        expires_at: '2001-01-01T00:00:00Z',
      });
      expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([400, 'expires_at']);
    }
  });
});
