import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, type SystemPurpose } from '../../src/platform/database/index.js';
import { startTestApp, type TestAnswer, type TestApp, unique } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';
import { SilentLink } from '../support/silent-link.js';

let link: SilentLink;
let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let resource: SceneResource;
let applicationToken: string;

beforeAll(async () => {
  app = await startTestApp({ DATABASE_TIMEOUT: '1000' }, async (dsn) => {
    const made = await SilentLink.to(dsn);
    link = made.link;
    return made.dsn;
  });
  scene = await OAuthScene.open(app);
  client = await scene.client();
  resource = await scene.resource(['read']);
  await scene.grant(client, resource, ['read']);
  applicationToken = await scene.applicationToken(client);
  ok(await exchange());
});

afterAll(async () => {
  link.carry('all');
  await app.close();
  link.close();
});

const exchange = (): Promise<TestAnswer> =>
  scene.exchange(client, applicationToken, { resource: resource.gateway_url, scope: 'read' });

const ready = async (): Promise<TestAnswer['body']> => (await fetch(`${app.url}/health/ready`)).json();

/** Waits until something holds; says what was seen last when it never does. */
async function until(holds: () => Promise<boolean> | boolean, seen: () => unknown = () => undefined): Promise<void> {
  for (let n = 0; n < 600; n += 1) {
    if (await holds()) return;
    await delay(50);
  }
  throw new Error(`it did not come true: ${JSON.stringify(await seen())}`);
}

/** The link carries everything again, and the server has found out by itself. */
async function healed(): Promise<void> {
  link.carry('all');
  await until(async () => (await ready()).status === 'ready', ready);
  await until(async () => (await exchange()).status === 200);
}

const readings = async (): Promise<number> => (await scene.entries('type=exchange&decision=allow')).length;

describe('[T8] a database that vanishes without a word', () => {
  beforeEach(healed);

  it('holds up no token exchange for longer than was configured, and nothing is issued', async () => {
    link.carry('nothing');
    // The second group waits behind the first.
    const first = exchange();
    await delay(200);
    for (const answer of await Promise.all([first, exchange(), exchange()])) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body).toEqual({
        error: 'temporarily_unavailable',
        error_description: expect.any(String),
      });
    }
  });

  it('issues nothing whose commit is not known, though it was made', async () => {
    const before = await readings();
    link.carry('questions');
    const answer = await exchange();
    expect([answer.status, answer.body.error, answer.body.access_token]).toEqual([
      503,
      'temporarily_unavailable',
      undefined,
    ]);
    link.carry('all');
    await until(async () => (await exchange()).status === 200);
    // The one that was lost, and the one just now.
    expect(await readings()).toBeGreaterThanOrEqual(before + 2);
  });

  it('is told to administrators who read and who change', async () => {
    link.carry('nothing');
    const answers = await Promise.all([
      scene.admin('GET', '/applications'),
      scene.admin('POST', '/applications', { name: unique('app') }),
      scene.runtime('POST', '/sessions', applicationToken, { lifecycle: 'task' }),
    ]);
    for (const answer of answers) {
      expect([answer.status, answer.body.code]).toEqual([503, 'temporarily_unavailable']);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
  });

  it('is no reason to make a thing twice: the same Idempotency-Key tells what became of it', async () => {
    const headers = { 'idempotency-key': `"${unique('key')}"` };
    const name = unique('app');
    const create = (): Promise<TestAnswer> => scene.admin('POST', '/applications', { name }, headers);
    link.carry('questions');
    expect((await create()).status).toBe(503);
    await healed();
    let again = await create();
    while ([409, 503].includes(again.status)) {
      await delay(50);
      again = await create();
    }
    expect(again.status).toBe(201);
    const { items } = ok(await scene.admin('GET', '/applications?limit=200'));
    expect(items.filter((item: { name: string }) => item.name === name)).toHaveLength(1);
  });

  it('makes the replica unready, and it gives up the connections that do not answer', async () => {
    link.carry('nothing');
    await until(async () => (await ready()).reasons?.includes('database_unreachable') === true, ready);
    // What it cannot be asked about is not said to be wrong with it.
    const { reasons } = await ready();
    for (const other of ['migrations_pending', 'clock_skew']) expect(reasons).not.toContain(other);
    expect(link.muteConnections).not.toEqual([]);
    await healed();
    await until(
      () => link.muteConnections.length === 0,
      () => link.muteConnections,
    );
  });

  it('frees the connections of jobs too, which a database that is there may keep waiting for longer', async () => {
    const database = app.running.app.get(Database);
    const sleep = (purpose: SystemPurpose): Promise<unknown> =>
      database.withSystem(purpose, (tx) => tx.query('SELECT pg_sleep(1.2)'));
    await sleep('retention');
    await expect(sleep('replicas')).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    const job = sleep('retention').then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    await delay(300);
    link.carry('nothing');
    // By itself it would wait for ten minutes; the others' patience is what ends it.
    expect(await job).toBe('temporarily_unavailable');
  });

  it('keeps no verifier from the public keys for as long as it might hold them anyway, and shows no others', async () => {
    const replica = await app.replica({ VIEW_MAX_STALENESS: '500' });
    const keys = (zone: string): Promise<Response> => fetch(`${replica.url}/z/${zone}/jwks.json`);
    const cold = await OAuthScene.open(app);
    const before = await keys(scene.zone);
    expect(before.headers.get('cache-control')).toBe('public, max-age=300');
    link.carry('nothing');
    await until(async () => (await keys(cold.zone)).status === 503);
    const remembered = await keys(scene.zone);
    expect([remembered.status, remembered.headers.get('etag')]).toEqual([200, before.headers.get('etag')]);
    expect(await remembered.json()).toEqual(await before.json());
    const [, seconds] = /^public, max-age=(\d+)$/.exec(remembered.headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds)).toBeLessThan(300);
    const metadata = await fetch(`${replica.url}/z/${scene.zone}/.well-known/oauth-authorization-server`);
    expect(metadata.status).toBe(503);
    link.carry('all');
    await until(async () => (await keys(cold.zone)).status === 200);
    expect((await keys(scene.zone)).headers.get('cache-control')).toBe('public, max-age=300');
  });

  it('is no different when its processes stop: what they finish later was promised to nobody', async () => {
    const pids = await asSuperuser(app.dsn, async (superuser) => {
      const sql = `SELECT pid FROM pg_stat_activity WHERE usename = 'caracal_audit' AND datname = current_database()`;
      return (await superuser.query<{ pid: number }>(sql)).rows.map((row) => row.pid);
    });
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      const answer = await exchange();
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
      // Without them, over new connections.
      await until(async () => (await exchange()).status === 200);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    ok(await exchange());
    const { id } = (await scene.admin('POST', '/audit/verify')).body;
    let sweep = ok(await scene.admin('GET', `/audit/verify/${id}`));
    while (sweep.status === 'running') {
      await delay(50);
      sweep = ok(await scene.admin('GET', `/audit/verify/${id}`));
    }
    expect(sweep.findings).toEqual([]);
  });

  it('does not hold up the end of the process', async () => {
    link.carry('nothing');
    void exchange().catch(() => undefined);
    await app.running.close(1_000);
  });
});
