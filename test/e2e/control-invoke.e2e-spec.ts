import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

let dir: string;
let gate: string;
let app: TestApp;
let scene: OAuthScene;
let agent: SceneClient;
let resource: { id: string; identifier: string; scopes: { name: string }[] };

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'caracal-gate-'));
  gate = path.join(dir, 'gate');
  await openGate();
  app = await startTestApp({ CONTROL_ENABLED: 'true', CONTROL_GATE_FILE: gate });
  scene = await OAuthScene.open(app);
  agent = await scene.client();
  const { items } = ok(await scene.admin('GET', '/resources'));
  resource = items.find((one: { identifier: string }) => one.identifier === controlUrl());
  await grant([
    'control:applications:create',
    'control:applications:list',
    'control:zones:list',
    'control:zones:patch',
  ]);
});

afterAll(async () => {
  await app.close();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(openGate);

async function openGate(): Promise<void> {
  await rm(gate, { recursive: true, force: true });
  await writeFile(gate, '', { mode: 0o600 });
}

function controlUrl(): string {
  return `${app.url}/control/v1/invoke`;
}

async function grant(scopes: readonly string[], to = agent): Promise<string> {
  return created(await scene.admin('POST', '/grants', { application: to.id, resource: resource.id, scopes })).id;
}

function token(scope?: string, client = agent): Promise<TestAnswer> {
  const wanted = scope === undefined ? {} : { scope };
  return scene.oauth('token', { grant_type: 'client_credentials', resource: controlUrl(), ...wanted }, client);
}

async function controlToken(scope?: string): Promise<string> {
  return ok(await token(scope)).access_token;
}

function invoke(bearer: string | undefined, body: unknown, on: TestApp = app): Promise<TestAnswer> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  return call(on.url, { method: 'POST', path: '/control/v1/invoke', body, headers });
}

const create = (name: string) => ({ command: 'applications', verb: 'create', args: { name } });

describe('control tokens', () => {
  it('[T6] has its resource in each zone, whose ledger still begins with the zone itself', async () => {
    const { items } = ok(await scene.admin('GET', '/audit/events?limit=2'));
    expect(items.map(({ entry }: { entry: { type: string } }) => entry.type)).toEqual([
      'admin.zones.create',
      'admin.resources.control',
    ]);
  });

  it('are had by exchange for the control URL, for at most 300 s, with the scopes of granted commands', async () => {
    const answer = ok(await token('control:applications:create'));
    expect(answer).toMatchObject({ scope: 'control:applications:create', expires_in: 300 });
    expect(claimsOf(answer.access_token)).toMatchObject({ aud: controlUrl(), zone: scene.zone });
    expect((await token('control:applications:archive')).body).toMatchObject({ error: 'invalid_scope' });
    expect(
      (await scene.oauth('token', { grant_type: 'client_credentials', resource: controlUrl(), lifetime: '301' }, agent))
        .body,
    ).toMatchObject({ error: 'invalid_request' });
  });

  it('[T9] are never had for the control URL and something else at once', async () => {
    const other = await scene.resource(['read']);
    const fields = { grant_type: 'client_credentials', resource: [controlUrl(), other.gateway_url] };
    expect((await scene.oauth('token', fields, agent)).body).toMatchObject({ error: 'invalid_target' });
  });

  it('[T9] [T12] nobody changes the built-in resource, and no agent is granted what its granter could not do', async () => {
    const path = `/resources/${resource.id}`;
    expect((await scene.admin('PATCH', path, { scopes: [] }, { 'if-match': '*' })).status).toBe(409);
    expect((await scene.admin('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(409);
    const bound = created(
      await app.admin('POST', '/v1/admin-tokens', { name: 'bound', capabilities: ['write'], zones: [scene.zone] }),
    );
    const granted = (scopes: string[]) =>
      call(app.url, {
        method: 'POST',
        path: `/v1/zones/${scene.zone}/grants`,
        body: { application: agent.id, resource: resource.id, scopes },
        headers: { authorization: `Bearer ${bound.token}` },
      });
    expect((await granted(['control:providers:create'])).status).toBe(201);
    for (const foreign of ['control:zones:create', 'control:audit:events'])
      expect((await granted([foreign])).body).toMatchObject({ code: 'insufficient_capability' });
  });
});

describe('POST /control/v1/invoke', () => {
  it('runs the use case of the administration API and answers its result', async () => {
    const answer = await invoke(await controlToken(), create('Made by an agent'));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { id } = answer.body.result;
    expect(ok(await scene.admin('GET', `/applications/${id}`))).toMatchObject({ name: 'Made by an agent' });
  });

  it('pages and filters like the administration API', async () => {
    const answer = await invoke(await controlToken(), { command: 'applications', verb: 'list', args: { limit: 1 } });
    expect(answer.body.result.items).toHaveLength(1);
    expect(answer.body.result.next_cursor).toEqual(expect.any(String));
  });

  it('[T9] [T6] records the command before its effect, by the agent, and the change with it', async () => {
    const bearer = await controlToken();
    const answer = await invoke(bearer, create('Recorded'));
    const requestId = answer.headers.get('x-request-id') ?? '';
    const [command, change] = await scene.entries(`request_id=${requestId}`);
    expect(command?.entry).toMatchObject({
      type: 'control.invoke',
      decision: 'allow',
      actor: { kind: 'agent', id: agent.id },
      scopes: ['control:applications:create'],
      token: { jti: claimsOf(bearer)['jti'] },
    });
    expect(change?.entry).toMatchObject({
      type: 'admin.applications.create',
      actor: { kind: 'agent', id: agent.id, token: claimsOf(bearer)['jti'] },
      application: agent.id,
    });
  });

  it('[T9] a token works once: of 50 parallel uses one runs, and the others are replayed', async () => {
    const bearer = await controlToken();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => invoke(bearer, create(`Race ${n}`))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(others.every(({ status, body }) => status === 401 && body.code === 'replayed')).toBe(true);
    expect(others[0]?.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('[T9] a malformed request spends nothing', async () => {
    const bearer = await controlToken();
    const malformed: unknown[] = [
      {},
      { command: 'applications', verb: 'create', args: [] },
      { ...create('x'), extra: 1 },
      { command: 'applications', verb: 'create', args: { name: 'x', nonsense: 1 } },
      { command: 'applications', verb: 'create', args: { name: 'x'.repeat(8 * 1024 + 1) } },
      {
        command: 'applications',
        verb: 'create',
        args: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`a${n}`, 1])),
      },
    ];
    for (const body of malformed) expect((await invoke(bearer, body)).body).toMatchObject({ code: 'invalid_request' });
    expect((await invoke(bearer, create('After all that'))).status).toBe(200);
  });

  it('[T9] unknown, ungranted and foreign commands are refused alike, and recorded', async () => {
    const bearer = await controlToken();
    const other = await OAuthScene.open(app);
    const refused = [
      { command: 'shell', verb: 'run', args: {} },
      { command: 'applications', verb: 'archive', args: {} },
      { command: '__proto__', verb: 'constructor' },
      { ...create('x'), zone: other.zone },
    ];
    const answers = await Promise.all(refused.map((body) => invoke(bearer, body)));
    const shown = answers.map(({ status, body }) => ({ status, code: body.code, detail: body.detail }));
    expect(new Set(shown.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(shown[0]).toMatchObject({ status: 403, code: 'access_denied' });
    for (const answer of answers) {
      const [entry] = await scene.entries(`request_id=${answer.headers.get('x-request-id')}`);
      expect(entry?.entry).toMatchObject({ type: 'control.invoke', decision: 'deny', actor: { id: agent.id } });
    }
  });

  it('a condition is an argument', async () => {
    const patch = (if_match: string) => ({ command: 'zones', verb: 'patch', args: { name: 'Renamed', if_match } });
    expect((await invoke(await controlToken(), patch('"999"'))).body).toMatchObject({ code: 'precondition_failed' });
    expect((await invoke(await controlToken(), patch('*'))).body.result).toMatchObject({ name: 'Renamed' });
  });

  it('a command of no zone takes none', async () => {
    const list = { command: 'zones', verb: 'list', args: {} };
    expect((await invoke(await controlToken(), { ...list, zone: scene.zone })).status).toBe(400);
    expect((await invoke(await controlToken(), list)).body.result.items.length).toBeGreaterThan(0);
  });

  it.each(['a mandate', 'an application token', 'an admin token', 'nothing', 'nonsense'])(
    '[T9] takes a control token and nothing else: not %s',
    async (what) => {
      const other = await scene.resource(['read']);
      await scene.grant(agent, other, ['read']);
      const bearers: Record<string, () => Promise<string | undefined>> = {
        'a mandate': () => scene.applicationToken(agent, { resource: other.gateway_url }),
        'an application token': () => scene.applicationToken(agent),
        'an admin token': async () => app.adminToken,
        nothing: async () => undefined,
        nonsense: async () => 'a.b.c',
      };
      const answer = await invoke(await bearers[what]?.(), create('x'));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    },
  );

  it('[T9] a withdrawn grant and a revoked application end it at once', async () => {
    const client = await scene.client();
    const id = await grant(['control:applications:list'], client);
    const list = { command: 'applications', verb: 'list', args: {} };
    const first = ok(await token(undefined, client)).access_token;
    await scene.admin('DELETE', `/grants/${id}`, undefined, { 'if-match': '*' });
    expect((await invoke(first, list)).status).toBe(403);
    await grant(['control:applications:list'], client);
    const second = ok(await token(undefined, client)).access_token;
    await scene.admin('POST', '/revocations', { kind: 'application', id: client.id, reason: 'test' });
    expect((await invoke(second, list)).status).toBe(401);
  });

  it('[T9] a policy is asked about each command', async () => {
    const zone = await OAuthScene.open(app);
    const client = await zone.client();
    const { items } = ok(await zone.admin('GET', '/resources'));
    const scopes = ['control:applications:list'];
    created(await zone.admin('POST', '/grants', { application: client.id, resource: items[0].id, scopes }));
    const bearer = ok(
      await zone.oauth('token', { grant_type: 'client_credentials', resource: controlUrl() }, client),
    ).access_token;
    const policy = created(
      await zone.admin('POST', '/policies', { name: 'none', cedar: 'forbid(principal, action, resource);' }),
    );
    const { version } = created(await zone.admin('POST', '/policy-sets', { policies: [policy.id] }));
    ok(await zone.admin('POST', `/policy-sets/${version}/activate`));
    expect((await invoke(bearer, { command: 'applications', verb: 'list' })).status).toBe(403);
  });
});

describe('[T9] the gate', () => {
  const shut: [string, () => Promise<void>][] = [
    ['missing', () => rm(gate)],
    [
      'a directory',
      async () => {
        await rm(gate);
        await mkdir(gate);
      },
    ],
    [
      'a symbolic link to a sound file',
      async () => {
        await rm(gate);
        await writeFile(`${gate}.real`, '');
        await symlink(`${gate}.real`, gate);
      },
    ],
    ['writable by its group', () => chmod(gate, 0o660)],
    ['writable by the world', () => chmod(gate, 0o606)],
  ];
  it.each(shut)('[T9] keeps everything shut when it is %s, before anything is parsed', async (_, close) => {
    const bearer = await controlToken();
    await close();
    const malformed = await fetch(controlUrl(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    expect(malformed.status).toBe(503);
    expect(malformed.headers.get('retry-after')).toBe('60');
    expect(await malformed.json()).toMatchObject({ code: 'control_disabled' });
    expect((await app.admin('GET', '/control/v1/catalog')).status).toBe(503);
    expect((await invoke(bearer, create('x'))).status).toBe(503);
    await openGate();
    expect((await invoke(bearer, create('x'))).status).toBe(200);
  });

  it('does not help unless CONTROL_ENABLED is exactly true; then no zone has the resource either', async () => {
    const off = await startTestApp({ CONTROL_ENABLED: 'TRUE', CONTROL_GATE_FILE: gate });
    const { zone } = await OAuthScene.open(off);
    expect((await invoke('x', create('x'), off)).status).toBe(503);
    expect(ok(await off.admin('GET', `/v1/zones/${zone}/resources`)).items).toEqual([]);
    await off.close();
  });

  it('gives zones that were made before their control resource when it is switched on', async () => {
    const off = await startTestApp();
    const { zone } = await OAuthScene.open(off);
    const on = await off.replica({ CONTROL_ENABLED: 'true', CONTROL_GATE_FILE: gate });
    const { items } = ok(await on.admin('GET', `/v1/zones/${zone}/resources`));
    expect(items).toHaveLength(1);
    await off.close();
  });
});

describe('GET /control/v1/catalog', () => {
  interface Item {
    command: string;
    verb: string;
    scope: string;
    zone: string;
    schema: { properties: object };
  }
  const catalogue = async (): Promise<Item[]> => ok(await app.admin('GET', '/control/v1/catalog')).items;

  it('[T9] has every administrative route but those for people, each once', async () => {
    const { paths } = ok(await app.admin('GET', '/openapi.json'));
    const operations = Object.entries(paths as Record<string, Record<string, Record<string, unknown>>>).flatMap(
      ([route, methods]) =>
        Object.values(methods).map((operation) => ({ route, capability: operation['x-capability'] })),
    );
    const administrative = operations.filter(
      ({ route, capability }) => route.startsWith('/v1/') && ['read', 'write', 'audit'].includes(String(capability)),
    );
    const items = await catalogue();
    expect(new Set(items.map(({ scope }) => scope)).size).toBe(items.length);
    // Those that stream or answer something else than JSON have no result to hand on.
    expect(items.length).toBeGreaterThan(administrative.length * 0.8);
    expect(items.length).toBeLessThanOrEqual(administrative.length);
    expect(items.map(({ scope }) => scope).filter((scope) => /admin-tokens|approve|deny/.test(scope))).toEqual([]);
  });

  it('says what each command takes', async () => {
    const items = await catalogue();
    expect(items.find(({ scope }) => scope === 'control:applications:create')).toMatchObject({
      command: 'applications',
      verb: 'create',
      zone: 'bound',
      schema: { type: 'object', additionalProperties: false, required: ['name'] },
    });
    expect(items.find(({ scope }) => scope === 'control:zones:list')).toMatchObject({ zone: 'global' });
    const references = [...JSON.stringify(items).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target);
    expect(references.length).toBeGreaterThan(0);
    expect(references.every((target) => target?.startsWith('#/$defs/'))).toBe(true);
  });

  it('is read by control tokens, which it does not spend, and by admin tokens with read', async () => {
    const bearer = await controlToken();
    const path = '/control/v1/catalog';
    const read = (by: string) => call(app.url, { method: 'GET', path, headers: { authorization: `Bearer ${by}` } });
    expect((await read(bearer)).status).toBe(200);
    expect((await invoke(bearer, create('Still good'))).status).toBe(200);
    const audit = created(await app.admin('POST', '/v1/admin-tokens', { name: 'auditor', capabilities: ['audit'] }));
    expect((await read(audit.token)).status).toBe(403);
    expect((await read('cat_wrong')).status).toBe(401);
  });
});
