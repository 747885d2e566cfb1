import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { all } from '../support/administration.js';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { addResource, startUpstream, type GatewayScene, type Upstream } from '../support/gateway-scene.js';
import { eventually } from '../support/log.js';
import { claimsOf, created, OAuthScene, ok } from '../support/oauth-scene.js';

interface Item {
  readonly index: number;
  readonly ingested_at: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- entries of many shapes; tests assert them
  readonly entry: Record<string, any>;
}

let app: TestApp;
let upstream: Upstream;
let scene: OAuthScene;
let gate: GatewayScene;
let everything: Item[];
const asked = unique('asked');
const sessions = { root: '', child: '', other: '' };
let delegation = '';

const events = (query = '', limit = 200): Promise<Item[]> =>
  all(app.admin, `/v1/zones/${scene.zone}/audit/events${query === '' ? '' : `?${query}`}`, limit);

beforeAll(async () => {
  app = await startTestApp();
  upstream = await startUpstream((_request, response) => response.writeHead(201).end('done'));
  scene = await OAuthScene.open(app);
  gate = await addResource(scene, await scene.client(), { upstream: upstream.url });
  const { client, resource } = gate;
  const token = await scene.applicationToken(client);
  const [root, other] = [await scene.session(token), await scene.session(token)];
  const child = await scene.session(root.session_token, { authority: 'inherit' });
  Object.assign(sessions, { root: root.id, child: child.id, other: other.id });
  const passed = { target: other.id, resources: [{ resource: resource.identifier, scopes: ['use'] }], ttl_seconds: 60 };
  delegation = created(await scene.runtime('POST', '/delegations', root.session_token, passed)).id;
  const mandate = ok(await scene.exchange(client, child.session_token, { resource: resource.gateway_url }));
  const headers = { 'x-request-id': asked };
  expect((await gate.get('/tickets/7?x=1', { token: mandate.access_token, headers })).status).toBe(201);
  expect((await scene.exchange(client, other.session_token, { resource: 'https://unheard.example' })).status).toBe(400);
  everything = await eventually(
    () => events(),
    (items) => items.some(({ entry }) => entry['type'] === 'gateway.outcome'),
  );
}, 60_000);

afterAll(async () => {
  await app.close();
  await upstream.close();
});

const of = (type: string): Item => everything.find(({ entry }) => entry['type'] === type) as Item;

describe('the events of a zone', () => {
  it('are found by every filter there is: exactly those that match', async () => {
    const call = of('gateway.request');
    const denied = everything.find(({ entry }) => entry['decision'] === 'deny') as Item;
    const minted = everything.find(({ entry }) => entry['token'] !== undefined) as Item;
    const [txn, foreign] = [call.entry['txn'], denied.entry['txn']];
    const middle = (everything[Math.floor(everything.length / 2)] as Item).ingested_at;
    const { client, resource } = gate;
    const admins = (one: Item): boolean => one.entry['actor'].token === 'bootstrap';
    const filters: [string, (one: Item) => boolean][] = [
      ['type=gateway.request', ({ entry }) => entry['type'] === 'gateway.request'],
      ['decision=deny', ({ entry }) => entry['decision'] === 'deny'],
      [`request_id=${asked}`, ({ entry }) => entry['request_id'] === asked],
      [`txn=${txn}`, ({ entry }) => entry['txn'] === txn],
      [`session=${sessions.child}`, ({ entry }) => entry['session'] === sessions.child],
      [`tree=${sessions.root}`, ({ entry }) => entry['txn'] === txn],
      [`tree=${sessions.child}`, ({ entry }) => entry['txn'] === txn],
      [`tree=${sessions.other}`, ({ entry }) => entry['txn'] === foreign],
      [`tree=${sessions.root}&type=gateway.request`, ({ index }) => index === call.index],
      ['tree=ses_nobody', () => false],
      [`application=${client.id}`, ({ entry }) => entry['application'] === client.id],
      [`actor=${client.id}`, ({ entry }) => entry['actor'].id === client.id || entry['actor'].token === client.id],
      ['actor=bootstrap', admins],
      [`actor=${call.entry['actor'].token}`, ({ entry }) => entry['actor'].token === call.entry['actor'].token],
      ['actor=agent', () => false],
      ['actor=%22%25_', () => false],
      [`subject=${call.entry['subject']}`, ({ entry }) => entry['subject'] === call.entry['subject']],
      [`delegation=${delegation}`, ({ entry }) => entry['delegation'] === delegation],
      [`resource=${encodeURIComponent(resource.identifier)}`, ({ entry }) => entry['resource'] === resource.identifier],
      [
        `reason=${denied.entry['reasons'][0]}`,
        ({ entry }) => (entry['reasons'] ?? []).includes(denied.entry['reasons'][0]),
      ],
      [`jti=${minted.entry['token'].jti}`, ({ entry }) => entry['token']?.jti === minted.entry['token'].jti],
      ['from=3&to=9', ({ index }) => index >= 3 && index < 9],
      [`since=${middle}`, (one) => one.ingested_at >= middle],
      [`until=${middle}`, (one) => one.ingested_at < middle],
    ];
    const to = everything.length;
    for (const [query, matches] of filters) {
      const expected = everything.filter(matches).map(({ index }) => index);
      const found = (await events(query)).filter(({ index }) => index < to);
      expect([query, found.map(({ index }) => index)]).toEqual([query, expected]);
    }
    // Filters that find something, or the table above would prove nothing.
    expect(everything.filter(admins).length).toBeGreaterThan(3);
    expect(new Set([txn, foreign]).size).toBe(2);
    expect(everything.some(({ entry }) => entry['delegation'] === delegation)).toBe(true);
  });

  it('are read page by page without a gap or a repetition while entries are appended', async () => {
    const seen: number[] = [];
    let cursor = '';
    for (let pages = 0; pages < 100; pages += 1) {
      const { items, next_cursor: next } = ok(await scene.admin('GET', `/audit/events?limit=4${cursor}`));
      seen.push(...(items as Item[]).map(({ index }) => index));
      if (next === null) break;
      cursor = `&cursor=${next}`;
      if (pages < 3) await scene.client();
    }
    expect(seen.length).toBeGreaterThan(everything.length + 5);
    expect(seen).toEqual(seen.map((_, at) => at));
  });

  it('explain one request: who, for whom, through which chain, which policy and why, which operation, and how it ended', async () => {
    const { summary, items } = ok(await scene.admin('GET', `/audit/requests/${asked}`));
    const { client, resource } = gate;
    expect((items as Item[]).map(({ entry }) => entry['type'])).toEqual(['gateway.request', 'gateway.outcome']);
    expect(summary).toMatchObject({
      entries: 2,
      decision: 'allow',
      actor: { kind: 'agent', id: client.id },
      application: client.id,
      session: sessions.child,
      subject: `app:${client.id}`,
      resource: resource.identifier,
      operation: { method: 'GET', path: '/tickets/7', template: '/**' },
      scopes: ['use'],
      policy: { version: expect.any(Number), determining: expect.any(Array) },
      outcome: { status: 201, ended: 'complete', bytes_out: expect.any(Number), duration_ms: expect.any(Number) },
      started_at: expect.any(String),
      ended_at: expect.any(String),
    });
    expect(summary.chain).toEqual(of('gateway.request').entry['chain']);
    expect(summary.more).toBeUndefined();
  });

  it('explain a refusal by its reasons', async () => {
    const requestId = unique('refused');
    const token = await gate.mandate();
    const denied = await scene.oauth(
      'token',
      { grant_type: 'client_credentials', resource: gate.resource.gateway_url, scope: 'never' },
      gate.client,
      { 'x-request-id': requestId },
    );
    expect([denied.status, claimsOf(token)['client_id']]).toEqual([400, gate.client.id]);
    const { summary } = ok(await scene.admin('GET', `/audit/requests/${requestId}`));
    expect(summary).toMatchObject({ decision: 'deny', reasons: ['invalid_scope'], application: gate.client.id });
    expect(summary.outcome).toBeUndefined();
  });
});

describe('the audit routes', () => {
  it('list holds page by page, oldest first', async () => {
    const ids: string[] = [];
    for (const reason of ['one', 'two', 'three'])
      ids.push(created(await scene.admin('POST', '/audit/holds', { reason })).id);
    const first = ok(await scene.admin('GET', '/audit/holds?limit=2'));
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const rest = ok(await scene.admin('GET', `/audit/holds?limit=2&cursor=${first.next_cursor}`));
    expect([rest.items.map(({ id }: { id: string }) => id), rest.next_cursor]).toEqual([ids.slice(2), null]);
    for (const query of ['limit=0', 'limit=201', 'surprise=1'])
      expect([query, (await scene.admin('GET', `/audit/holds?${query}`)).status]).toEqual([query, 400]);
  });

  it.each(['events', 'proofs', 'requests', 'exports', 'verify'])('[T1] know no name with a NUL: %s', async (path) => {
    for (const id of ['%00', 'a%00b', '%2500'])
      expect([id, (await scene.admin('GET', `/audit/${path}/${id}`)).status]).toEqual([id, 404]);
    expect((await scene.admin('DELETE', '/audit/holds/%00', { reason: 'none' })).status).toBe(404);
  });

  it('refuse times that no clock shows', async () => {
    for (const time of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00%2B02:00', '9999-12-31T23:59:59-02:00'])
      expect([time, (await scene.admin('GET', `/audit/events?since=${time}`)).status]).toEqual([time, 400]);
    expect((await scene.admin('GET', '/audit/events?since=0001-01-01T00:00:00Z&limit=1')).status).toBe(200);
    expect(ok(await scene.admin('GET', '/audit/events?since=9999-12-31T23:59:59Z')).items).toEqual([]);
  });

  it.each([
    'events/0',
    'requests/x',
    'checkpoint',
    'proofs/0',
    'consistency',
    'exports/exp_x',
    'exports/exp_x/entries.jsonl',
    'verify/x',
    'retention',
  ])('refuse a query that nothing reads: %s', async (path) => {
    const answer = await scene.admin('GET', `/audit/${path}?surprise=1`);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors.map(({ field }: { field: string }) => field)).toContain('surprise');
  });
});
