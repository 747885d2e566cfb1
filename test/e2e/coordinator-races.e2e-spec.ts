import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RuntimeState } from '../../src/coordinator/index.js';
import { Database } from '../../src/platform/database/index.js';
import type { TokenClaims } from '../../src/auth/index.js';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

interface Agent {
  readonly id: string;
  readonly session_token: string;
}

let app: TestApp;
let other: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let mail: SceneResource;
let token: string;

beforeAll(async () => {
  // Replicas are one server to their clients: they share the issuer.
  app = await startTestApp({ PUBLIC_URL: 'http://caracal.test' });
  other = await app.replica();
  scene = await OAuthScene.open(app);
  const etag = (await app.admin('GET', `/v1/zones/${scene.zone}`)).headers.get('etag') ?? '';
  const limits = {
    children_per_session: 100_000,
    sessions_per_application: 100_000,
    sessions_per_zone: 100_000,
    spawn_per_minute: 1_000_000,
  };
  ok(await app.admin('PATCH', `/v1/zones/${scene.zone}`, { limits }, { 'if-match': etag }));
  owner = await scene.client();
  mail = await scene.resource(['read']);
  await scene.grant(owner, mail, ['read']);
  token = await scene.applicationToken(owner);
});

afterAll(() => app.close());

/** One runtime request on a replica of choice; issuer and tokens are the first one's. */
const on = (replica: TestApp, method: string, path: string, bearer: string, body?: unknown) =>
  call(`${replica.url}/z/${scene.zone}`, { method, path, body, headers: { authorization: `Bearer ${bearer}` } });

const query = <T extends object>(sql: string, params: unknown[]) =>
  asSuperuser(app.dsn, async (client) => (await client.query<T>(sql, params)).rows);

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 600; n += 1) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it did not come true');
}

/** Starts children under whatever of the tree is known so far, all at once, while the root is ended in the middle. */
async function race(replicas: readonly TestApp[], spawns: number): Promise<{ root: Agent; children: Agent[] }> {
  const started = new Set<TestApp>();
  const root = await scene.session(token);
  const tree: Agent[] = [root];
  const attempts = Array.from({ length: spawns }, async (_, n) => {
    await new Promise((done) => setTimeout(done, n * 3));
    const parent = tree[n % tree.length] as Agent;
    const bearer = n % 2 === 0 ? token : parent.session_token;
    const answer = await on(replicas[n % replicas.length] as TestApp, 'POST', '/sessions', bearer, {
      lifecycle: 'task',
      parent: parent.id,
    });
    if (answer.status === 201) {
      tree.push(answer.body as Agent);
      started.add(replicas[n % replicas.length] as TestApp);
    } else expect([401, 409, 429]).toContain(answer.status);
  });
  // In the middle: some children are there, from every replica, and more are on their way.
  for (let n = 0; n < 500 && (tree.length < 8 || started.size < replicas.length); n += 1)
    await new Promise((done) => setTimeout(done, 5));
  const terminate = on(replicas[0] as TestApp, 'POST', `/sessions/${root.id}/terminate`, token, {});
  ok(await terminate);
  await Promise.all(attempts);
  expect(started.size).toBe(replicas.length);
  return { root, children: tree.slice(1) };
}

describe('spawning against terminating', () => {
  it('[T4] leaves no live child of a dead parent, on one replica', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { root, children } = await race([app], 100);
      for (const child of [root, ...children])
        expect((await on(app, 'GET', `/sessions/${child.id}`, child.session_token)).status).toBe(401);
      const listed = ok(await on(app, 'GET', '/sessions?status=active', token)).items as { root: string }[];
      expect(listed.filter((item) => item.root === root.id)).toEqual([]);
    }
  });

  it('[T4] nor on two replicas of one database', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { root, children } = await race([app, other], 60);
      const answers = await Promise.all(
        children.map((child) => on(app, 'GET', `/sessions/${child.id}`, child.session_token)),
      );
      expect(answers.every((answer) => answer.status === 401)).toBe(true);
      await eventually(async () => {
        const seen = await Promise.all(
          [root, ...children].map((child) => on(other, 'GET', `/sessions/${child.id}`, child.session_token)),
        );
        return seen.every((answer) => answer.status === 401);
      });
      const rows = await query<{ n: string }>(
        `SELECT count(*) AS n FROM caracal.sessions s JOIN caracal.sessions r ON r.zone = s.zone AND r.id = s.root
         WHERE s.root = $1 AND s.started_at > r.ended_at + interval '1 second'`,
        [root.id],
      );
      expect(rows[0]?.n).toBe('0');
    }
  });

  it('[T4] many terminations of one session end it once', async () => {
    const root = await scene.session(token);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        on(n % 2 ? app : other, 'POST', `/sessions/${root.id}/terminate`, token, { reason: `r${n}` }),
      ),
    );
    const ends = new Set(answers.map((answer) => ok(answer).end_reason as string));
    expect(ends.size).toBe(1);
    expect(await scene.entries(`type=session.terminated&session=${root.id}`)).toHaveLength(1);
  });

  it('[T8] a limit holds when many ask at once', async () => {
    const small = await OAuthScene.open(app);
    const bearer = await small.applicationToken(await small.client({ limits: { sessions_per_application: 5 } }));
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => small.runtime('POST', '/sessions', bearer, { lifecycle: 'task' })),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(5);
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(35);
  });

  it('[T8] a limit of the zone holds on all replicas, and what ended frees its room at once', async () => {
    const small = await OAuthScene.open(app);
    const etag = (await small.admin('GET', '')).headers.get('etag') ?? '';
    const limits = { sessions_per_zone: 20, children_per_session: 20, spawn_per_minute: 1_000 };
    ok(await small.admin('PATCH', '', { limits }, { 'if-match': etag }));
    const bearers = await Promise.all([0, 1, 2].map(async () => small.applicationToken(await small.client())));
    const start = (n: number, body: object = {}) =>
      call(`${(n % 2 ? app : other).url}/z/${small.zone}`, {
        method: 'POST',
        path: '/sessions',
        body: { lifecycle: 'task', ...body },
        headers: { authorization: `Bearer ${bearers[n % bearers.length]}` },
      });
    const root = created(await start(0));
    const below = created(await start(0, { parent: root.id }));
    const started = await Promise.all(
      Array.from({ length: 60 }, (_, n) => start(n, n % 3 === 0 ? { parent: below.id } : {})),
    );
    expect(started.filter((answer) => answer.status === 201)).toHaveLength(18);
    expect(started.filter((answer) => answer.body.limit === 'sessions_per_zone')).toHaveLength(42);
    const children = started.filter((answer) => answer.status === 201 && answer.body.parent === below.id).length;
    // Nothing below the root is settled yet, and all of it is dead.
    ok(await small.runtime('POST', `/sessions/${root.id}/terminate`, bearers[0] as string, {}));
    const again = await Promise.all(Array.from({ length: 40 }, (_, n) => start(n)));
    expect(again.filter((answer) => answer.status === 201)).toHaveLength(2 + children);
    const counted = (): Promise<{ said: number; there: number }[]> =>
      query(
        `SELECT (SELECT open FROM caracal.session_counts WHERE zone = $1 AND scope = '') AS said, count(*)::int AS there
         FROM caracal.sessions WHERE zone = $1 AND status IN ('active', 'suspended')`,
        [small.zone],
      );
    await eventually(async () => (await counted())[0]?.there === 20);
    expect(await counted()).toEqual([{ said: 20, there: 20 }]);
  });

  it('[T4] delegating against revoking leaves nothing usable below', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [from, middle, last] = [
        await scene.session(token),
        await scene.session(token, { authority: 'none' }),
        await scene.session(token),
      ];
      const asked = (target: Agent, hops: number) => ({
        target: target.id,
        resources: [{ resource: mail.identifier, scopes: ['read'] }],
        ttl_seconds: 60,
        hops,
      });
      const upper = created(await on(app, 'POST', '/delegations', from.session_token, asked(middle, 1)));
      const [, ...lower] = await Promise.all([
        on(app, 'POST', `/delegations/${upper.id}/revoke`, from.session_token, {}),
        ...Array.from({ length: 10 }, (_, n) =>
          on(n % 2 ? app : other, 'POST', '/delegations', middle.session_token, asked(last, 0)),
        ),
      ]);
      for (const { status, body } of lower) {
        if (status === 201) expect(ok(await on(app, 'GET', `/delegations/${body.id}`, token)).status).toBe('revoked');
        else expect(body.code).toBe('authority_exceeded');
      }
    }
  });
});

describe('exchanging against revoking', () => {
  it('[T2] issues nothing after the revocation has returned, and refuses at use what was issued meanwhile', async () => {
    for (let round = 0; round < 3; round += 1) {
      const session = await scene.session(token);
      const exchange = () => scene.exchange(owner, session.session_token, { resource: mail.gateway_url });
      expect((await exchange()).status).toBe(200);
      const running = Array.from({ length: 60 }, exchange);
      ok(await on(app, 'POST', `/sessions/${session.id}/terminate`, token, {}));
      const after = await Promise.all(Array.from({ length: 10 }, exchange));
      expect(after.every((answer) => answer.status === 400)).toBe(true);
      const issued = (await Promise.all(running)).filter((answer) => answer.status === 200);
      for (const answer of issued)
        expect(ok(await scene.oauth('introspect', { token: answer.body.access_token }, owner))).toEqual({
          active: false,
        });
    }
  });

  it('[T2] reaches the other replica, where the counter moves and listeners hear of it', async () => {
    const session = await scene.session(token);
    const claims = claimsOf(session.session_token) as unknown as TokenClaims;
    const runtime = other.running.app.get(RuntimeState);
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
    const count = runtime.revocationCount(scene.zone);
    let heard = 0;
    runtime.onRevoked((zone) => void (heard += zone === scene.zone ? 1 : 0));
    ok(await on(app, 'POST', `/sessions/${session.id}/terminate`, token, {}));
    await eventually(async () => (await runtime.verdict(scene.zone, claims, Date.now())) === 'revoked');
    // The session's row is news of its own, so the verdict may be there a moment before the anchor is.
    await eventually(async () => runtime.revocationCount(scene.zone) > count && heard > 0);
  });

  it('answers verdicts without the database once it is warm, and follows what changes', async () => {
    const root = await scene.session(token);
    const narrow = { narrow: { resources: [{ resource: mail.identifier, scopes: ['read'] }] } };
    const child = await scene.session(root.session_token, { authority: narrow });
    const claims = claimsOf(child.session_token) as unknown as TokenClaims;
    const runtime = app.running.app.get(RuntimeState);
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
    const database = app.running.app.get(Database);
    const reads: string[] = [];
    const readZone = database.readZone.bind(database);
    database.readZone = (zone, fn) => {
      reads.push(zone);
      return readZone(zone, fn);
    };
    for (let n = 0; n < 50; n += 1) expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
    expect(reads).toEqual([]);
    database.readZone = readZone;
    ok(await on(app, 'POST', `/sessions/${root.id}/suspend`, token, {}));
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('suspended');
    ok(await on(app, 'POST', `/sessions/${root.id}/resume`, token, {}));
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
  });
});

describe('a tree of 10 000 sessions', () => {
  it('[T4] is ended by one call, at once; its rows and entries follow', async () => {
    const root = await scene.session(token);
    // Ten levels of 1 000 chains, as the starter would have written them.
    await query(
      `INSERT INTO caracal.sessions (zone, id, application, credential, parent, root, path, depth, lifecycle, subject, subject_type, authority, epochs, txn, started_at, expires_at)
       SELECT r.zone, r.id || '-' || c || '-' || d, r.application, r.credential, CASE d WHEN 1 THEN r.id ELSE r.id || '-' || c || '-' || (d - 1) END, r.id,
         r.id || (SELECT string_agg('/' || r.id || '-' || c || '-' || x, '' ORDER BY x) FROM generate_series(1, d) x),
         d, 'task', r.subject, r.subject_type, 'inherit', r.epochs, r.txn, now(), r.expires_at
       FROM caracal.sessions r, generate_series(1, 1000) c, generate_series(1, 10) d WHERE r.id = $1 ORDER BY d`,
      [root.id],
    );
    const leaf = `${root.id}-500-10`;
    const claims = { ...(claimsOf(root.session_token) as unknown as TokenClaims), jti: 'leaf', sid: leaf };
    const runtime = app.running.app.get(RuntimeState);
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
    ok(await on(app, 'POST', `/sessions/${root.id}/terminate`, token, {}));
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('revoked');
    expect(ok(await on(app, 'GET', `/sessions/${leaf}`, token)).status).toBe('terminated');
    expect((await scene.session(token)).id).toMatch(/^ses_/);
    await eventually(async () => {
      const [row] = await query<{ n: string }>(
        `SELECT count(*) AS n FROM caracal.sessions WHERE root = $1 AND status IN ('active', 'suspended')`,
        [root.id],
      );
      return row?.n === '0';
    });
    const [entries] = await query<{ n: string }>(
      `SELECT count(*) AS n FROM caracal.ledger WHERE zone = $1 AND facets @> ARRAY['type=session.terminated'] AND entry LIKE '%' || $2 || '-%'`,
      [scene.zone, root.id],
    );
    expect(entries?.n).toBe('10000');
  });
});
