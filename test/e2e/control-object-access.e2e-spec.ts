import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { administrator, type Asker } from '../support/administration.js';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { activate, needs, PERMIT } from '../support/approvals.js';
import { asSuperuser } from '../support/database.js';
import { created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';
import { describedBy, type Description, filled, type Operation } from '../support/openapi.js';
import { SubjectIssuer } from '../support/subject-issuer.js';

/** Everything that belongs to somebody, and must not move when somebody else reaches for it. */
const TABLES = [
  'sessions',
  'delegations',
  'invocations',
  'approvals',
  'connections',
  'revocations',
  'ledger_exports',
  'ledger_holds',
  'webhooks',
];
const READS = new Set(['GET']);

let app: TestApp;
let api: Description;
let issuer: SubjectIssuer;
let here: OAuthScene;
let there: OAuthScene;
let owner: SceneClient;
let other: SceneClient;
let resource: SceneResource;
/** Ids of the owner's objects, by the area of the path that they stand in. */
let objects: Readonly<Record<string, string>>;
/** Bearers, by what they are. */
let tokens: Readonly<Record<'owner' | 'stranger' | 'strangerSession' | 'otherSubject' | 'otherZone', string>>;
let foreign: Asker;

async function subject(scene: OAuthScene, client: SceneClient, sub: string) {
  const bearer = await scene.applicationToken(client);
  return scene.session(bearer, { subject: { id_token: issuer.mint({ claims: { sub } }) } });
}

async function runtimeObjects(): Promise<Record<string, string>> {
  const source = await subject(here, owner, 'alice');
  const target = await subject(here, owner, 'alice');
  const edge = { target: target.id, resources: [{ resource: resource.identifier, scopes: ['read'] }], ttl_seconds: 60 };
  const delegation = created(await here.runtime('POST', '/delegations', source.session_token, edge));
  const task = { target: target.id, deadline_seconds: 600 };
  const invocation = created(await here.runtime('POST', '/invocations', source.session_token, task));
  const held = await here.exchange(owner, source.session_token, { resource: resource.gateway_url, scope: 'write' });
  const approvals = held.body.approval.id as string;
  return { sessions: source.id, delegations: delegation.id, invocations: invocation.id, approvals };
}

async function administeredObjects(): Promise<Record<string, string>> {
  const config = {
    authorization_endpoint: 'https://login.example.com/authorize',
    token_endpoint: 'https://login.example.com/token',
    client_id: 'c',
    auth_method: 'client_secret_basic',
    scope: 'x',
  };
  const account = {
    name: 'Account',
    kind: 'oauth2_authorization_code',
    config,
    secret: { client_secret: 'a secret of theirs' },
  };
  const provider = created(await here.admin('POST', '/providers', account));
  const connection = created(await here.admin('POST', '/connections', { provider: provider.id }));
  const exported = await here.admin('POST', '/audit/exports', { format: 'jsonl' });
  const sweep = await here.admin('POST', '/audit/verify', {});
  const kept = created(await here.admin('POST', '/audit/holds', { reason: 'a matter of law' }));
  const hook = { url: 'https://hooks.example.com/x', events: ['*'], zone: here.zone };
  const webhook = created(await app.admin('POST', '/v1/webhooks', hook));
  return {
    connections: connection.id,
    providers: provider.id,
    exports: exported.body.id,
    verify: sweep.body.id,
    holds: kept.id,
    webhooks: webhook.id,
  };
}

beforeAll(async () => {
  app = await startTestApp();
  issuer = await SubjectIssuer.start();
  [here, there] = [await OAuthScene.open(app), await OAuthScene.open(app)];
  [owner, other] = [await here.client(), await here.client()];
  resource = await here.resource(['read', 'write']);
  for (const client of [owner, other]) await here.grant(client, resource, ['read', 'write']);
  await activate(here, PERMIT, needs('subject', 'write'));
  created(await here.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' }));
  objects = { ...(await runtimeObjects()), ...(await administeredObjects()) };
  const strangerToken = await here.applicationToken(other);
  tokens = {
    owner: await here.applicationToken(owner),
    stranger: strangerToken,
    strangerSession: (await here.session(strangerToken)).session_token,
    otherSubject: (await subject(here, owner, 'bob')).session_token,
    otherZone: await there.applicationToken(await there.client()),
  };
  foreign = await administrator(app, ['read', 'write', 'approve', 'audit'], [there.zone]);
  api = await describedBy(app);
});
afterAll(async () => {
  await app.close();
  await issuer.close();
});

/** A digest of every row, table by table. */
async function state(): Promise<Record<string, string>> {
  return asSuperuser(app.dsn, async (client) => {
    const found: Record<string, string> = {};
    for (const table of TABLES) {
      const { rows } = await client.query<{ digest: string }>(
        `SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS digest FROM caracal.${table} t`,
      );
      found[table] = rows[0]?.digest ?? '';
    }
    return found;
  });
}

const areaOf = ({ path }: Operation): string =>
  path
    .split('/')
    .filter((_segment, at, all) => /^\{\w+\}$/.test(all[at + 1] ?? ''))
    .at(-1) ?? '';
const named = (operations: readonly Operation[]): Operation[] =>
  operations.filter((operation) => objects[areaOf(operation)] !== undefined && /\{\w+\}.*\{\w+\}/.test(operation.path));
const runtime = (): Operation[] => named(api.operations.filter(({ path }) => path.startsWith('/z/{')));
const administered = (): Operation[] => named(api.operations.filter(({ path }) => path.startsWith('/v1/zones/{')));

/** The path of an operation on the owner's object, in this zone. */
function at(operation: Operation, zone: string): string {
  const [, first = '', ...others] = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const zoneName = /\{(\w+)\}/.exec(operation.path)?.[1] ?? '';
  const id = objects[areaOf(operation)] ?? '';
  return filled(operation.path, {
    ...Object.fromEntries([first, ...others].map((name) => [name, id])),
    [zoneName]: zone,
  });
}

/** A body that would do, so that it is not the form that is refused. */
function bodyFor(operation: Operation): unknown {
  if (operation.method === 'DELETE') return operation.body ? { reason: 'x' } : undefined;
  if (operation.path.endsWith('/decision')) return { decision: 'approve', binding: '0'.repeat(64) };
  const example = operation.body ? api.resolve(operation.body).examples?.[0] : undefined;
  return example ?? {};
}

async function ask(operation: Operation, zone: string, bearer: string): Promise<TestAnswer> {
  const headers = { authorization: `Bearer ${bearer}`, 'if-match': '*', accept: 'application/json' };
  const body = READS.has(operation.method) ? undefined : bodyFor(operation);
  return call(app.url, { method: operation.method, path: at(operation, zone), body, headers });
}

const nameOf = ({ method, path }: Operation): string => `${method} ${path.replace(/^\/z\/\{\w+\}/, '')}`;

describe('[T1] objects and who may reach them, from the description of the API', () => {
  it('are there for their owners, so that what is refused below is refused for who asks', async () => {
    const reads = runtime().filter(({ method, path }) => method === 'GET' && path.endsWith('}'));
    expect(new Set(reads.map(areaOf))).toEqual(new Set(['sessions', 'delegations', 'invocations', 'approvals']));
    for (const operation of reads)
      expect([nameOf(operation), (await ask(operation, here.zone, tokens.owner)).status]).toEqual([
        nameOf(operation),
        200,
      ]);
    const shown = administered().filter(({ method, path }) => method === 'GET' && path.endsWith('}'));
    for (const operation of shown)
      expect([nameOf(operation), (await ask(operation, here.zone, app.adminToken)).status]).toEqual([
        nameOf(operation),
        200,
      ]);
    expect(runtime().length).toBeGreaterThan(18);
    expect(administered().length).toBeGreaterThan(15);
  });

  it.each<[string, keyof typeof tokens, 'here' | 'there', readonly number[]]>([
    ['another application', 'stranger', 'here', [403, 404]],
    ['a session of another application', 'strangerSession', 'here', [403, 404]],
    ['a session of the same application for another subject', 'otherSubject', 'here', [403, 404]],
    ['an application of another zone', 'otherZone', 'here', [401]],
    ['an application of another zone, in its own', 'otherZone', 'there', [404]],
  ])('[T1] runtime objects are not reached by %s, and nothing moves', async (_, who, where, statuses) => {
    const before = await state();
    const reached: unknown[] = [];
    for (const operation of runtime()) {
      const { status, body } = await ask(operation, (where === 'here' ? here : there).zone, tokens[who]);
      // Both applications of an edge may read it, with any of their tokens.
      const shared = who === 'otherSubject' && operation.method === 'GET' && areaOf(operation) === 'delegations';
      if (!(shared ? [200] : statuses).includes(status)) reached.push([nameOf(operation), status, body.code]);
    }
    expect(reached).toEqual([]);
    expect(await state()).toEqual(before);
  });

  it('[T1] nor are they used by naming them in a request of one’s own', async () => {
    const before = await state();
    const { sessions, delegations, approvals } = objects as Record<'sessions' | 'delegations' | 'approvals', string>;
    const edge = {
      target: sessions,
      resources: [{ resource: resource.identifier, scopes: ['read'] }],
      ttl_seconds: 60,
    };
    const runtimeOnes = [
      await here.runtime('POST', '/sessions', tokens.stranger, { lifecycle: 'task', parent: sessions }),
      await there.runtime('POST', '/sessions', tokens.otherZone, { lifecycle: 'task', parent: sessions }),
      await there.runtime('POST', '/invocations', tokens.otherZone, { target: sessions, deadline_seconds: 60 }),
      await there.runtime('POST', '/delegations', tokens.otherZone, edge),
    ];
    for (const { status } of runtimeOnes) expect([403, 404]).toContain(status);
    const fields = { resource: resource.gateway_url, scope: 'read' };
    const exchanges = [
      await here.exchange(other, tokens.strangerSession, { ...fields, delegation: delegations }),
      await here.exchange(other, tokens.strangerSession, { ...fields, scope: 'write', approval: approvals }),
      await here.exchange(owner, tokens.otherSubject, { ...fields, delegation: delegations }),
      await here.exchange(owner, tokens.otherSubject, { ...fields, scope: 'write', approval: approvals }),
    ];
    for (const { status, body } of exchanges) expect([status, body.error]).toEqual([400, 'invalid_request']);
    const poll = { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: approvals };
    for (const client of [other, owner])
      expect((await here.oauth('token', poll, client)).body.error).toBe('invalid_grant');
    expect(await state()).toEqual(before);
  });

  it.each(['here', 'there'] as const)(
    '[T1] [T12] administered objects are not there for the administrator of another zone, asked for %s',
    async (where) => {
      const before = await state();
      const reached: unknown[] = [];
      for (const operation of administered()) {
        const path = at(operation, (where === 'here' ? here : there).zone);
        const body = READS.has(operation.method) ? undefined : bodyFor(operation);
        const { status } = await foreign(operation.method, path, body, { 'if-match': '*' });
        if (status !== 404) reached.push([nameOf(operation), status]);
      }
      const hook = `/v1/webhooks/${objects['webhooks']}`;
      for (const [method, body] of [
        ['GET', undefined],
        ['PATCH', { events: ['*'] }],
        ['DELETE', undefined],
      ] as const)
        expect((await foreign(method, hook, body, { 'if-match': '*' })).status).toBe(403);
      expect(reached).toEqual([]);
      expect(await state()).toEqual(before);
      expect(ok(await app.admin('GET', hook)).status).toBe('active');
    },
  );
});
