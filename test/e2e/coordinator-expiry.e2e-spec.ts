import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TokenClaims } from '../../src/auth/index.js';
import { RuntimeState } from '../../src/coordinator/index.js';
import { LifecycleJobs } from '../../src/coordinator/jobs/lifecycle-jobs.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let mail: SceneResource;
let token: string;
let jobs: LifecycleJobs;
let runtime: RuntimeState;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  owner = await scene.client();
  mail = await scene.resource(['read']);
  await scene.grant(owner, mail, ['read']);
  token = await scene.applicationToken(owner);
  jobs = app.running.app.get(LifecycleJobs);
  runtime = app.running.app.get(RuntimeState);
});

afterAll(() => app.close());

const get = async (id: string) => ok(await scene.runtime('GET', `/sessions/${id}`, token));
const pass = (ms: number) => new Promise((done) => setTimeout(done, ms));

const query = <T extends object>(sql: string, params: unknown[]) =>
  asSuperuser(app.dsn, async (client) => (await client.query<T>(sql, params)).rows);

const stored = async (id: string) => {
  const [row] = await query<{ status: string; end_reason: string | null }>(
    'SELECT status, end_reason FROM caracal.sessions WHERE id = $1',
    [id],
  );
  return [row?.status, row?.end_reason];
};

/** The lease as a heartbeat on another replica would leave it, or the lack of one. */
const lease = (id: string, seconds: number) =>
  query(`UPDATE caracal.sessions SET lease_expires_at = now() + make_interval(secs => $2) WHERE id = $1`, [
    id,
    seconds,
  ]);

const typesOf = async (session: string) =>
  (await scene.entries(`session=${session}`)).map(({ entry }) => entry['type']);

describe('a task', () => {
  it('[T2] has expired at its TTL, before any row says so; then row, entry and children follow', async () => {
    const task = await scene.session(token, { ttl_seconds: 1 });
    const child = await scene.session(task.session_token);
    await pass(1_100);
    expect(await get(task.id)).toMatchObject({ status: 'expired', end_reason: 'ttl' });
    expect((await get(child.id)).status).toBe('expired');
    expect((await scene.runtime('POST', '/sessions', token, { lifecycle: 'task', parent: task.id })).body.code).toBe(
      'session_not_active',
    );
    await jobs.expire();
    expect(await stored(task.id)).toEqual(['expired', 'ttl']);
    expect((await stored(child.id))[0]).toBe('expired');
    expect((await typesOf(task.id)).filter((type) => type === 'session.expired')).toHaveLength(1);
    await jobs.expire();
    expect((await typesOf(task.id)).filter((type) => type === 'session.expired')).toHaveLength(1);
  });
});

describe('a delegation', () => {
  it('has expired at its TTL, and its row and entry follow', async () => {
    const [from, to] = [await scene.session(token), await scene.session(token)];
    const body = { target: to.id, resources: [{ resource: mail.identifier, scopes: ['read'] }], ttl_seconds: 1 };
    const edge = created(await scene.runtime('POST', '/delegations', from.session_token, body));
    await pass(1_100);
    expect(ok(await scene.runtime('GET', `/delegations/${edge.id}`, token)).status).toBe('expired');
    expect(await runtime.delegationsTo(scene.zone, to.id)).toEqual([]);
    await jobs.expire();
    expect(await scene.entries(`type=delegation.expired&delegation=${edge.id}`)).toHaveLength(1);
    expect((await get(to.id)).status).toBe('active');
  });
});

describe('a service', () => {
  it('[T4] that misses its lease is suspended, then terminated when the grace period is over', async () => {
    const service = await scene.session(token, { lifecycle: 'service' });
    await lease(service.id, -1);
    runtime.leaseRenewed(scene.zone, service.id);
    expect(await get(service.id)).toMatchObject({ status: 'suspended', suspend_reason: 'lease_missed' });
    expect((await scene.runtime('POST', `/sessions/${service.id}/heartbeat`, token, { generation: 1 })).body.code).toBe(
      'session_not_active',
    );
    await jobs.expire();
    expect(await stored(service.id)).toEqual(['suspended', null]);
    await lease(service.id, -601);
    expect(await get(service.id)).toMatchObject({ status: 'terminated', end_reason: 'lease_lost' });
    await jobs.expire();
    expect(await stored(service.id)).toEqual(['terminated', 'lease_lost']);
    expect(await typesOf(service.id)).toEqual(['session.started', 'session.suspended', 'session.terminated']);
  });

  it('that missed its lease may be resumed within the grace period, under a new generation', async () => {
    const service = await scene.session(token, { lifecycle: 'service' });
    await lease(service.id, -5);
    runtime.leaseRenewed(scene.zone, service.id);
    const resumed = ok(await scene.runtime('POST', `/sessions/${service.id}/resume`, token, {}));
    expect(resumed).toMatchObject({ status: 'active', generation: 2 });
    ok(await scene.runtime('POST', `/sessions/${service.id}/heartbeat`, token, { generation: 2 }));
  });

  it('whose lease was renewed elsewhere is read again before it is refused', async () => {
    const service = await scene.session(token, { lifecycle: 'service' });
    const claims = claimsOf(service.session_token) as unknown as TokenClaims;
    await lease(service.id, 0.5);
    runtime.leaseRenewed(scene.zone, service.id);
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
    await lease(service.id, 60);
    await pass(600);
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('active');
    await lease(service.id, -1);
    runtime.leaseRenewed(scene.zone, service.id);
    expect(await runtime.verdict(scene.zone, claims, Date.now())).toBe('suspended');
  });
});

describe('the sweep', () => {
  it('[T4] settles what no message asked for', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const grand = await scene.session(child.session_token);
    await query(
      `UPDATE caracal.sessions SET status = 'terminated', ended_at = now(), end_reason = 'lost' WHERE id = $1`,
      [root.id],
    );
    await jobs.sweep();
    expect(await stored(child.id)).toEqual(['terminated', 'ancestor_ended']);
    expect(await stored(grand.id)).toEqual(['terminated', 'ancestor_ended']);
  });

  it('[T2] settles the sessions of a revoked credential, application or zone', async () => {
    const zone = await OAuthScene.open(app);
    const [one, two] = [await zone.client(), await zone.client()];
    const [first, second] = [
      await zone.session(await zone.applicationToken(one)),
      await zone.session(await zone.applicationToken(two)),
    ];
    const crd = claimsOf(first.session_token)['crd'];
    created(await zone.admin('POST', '/revocations', { kind: 'credential', id: crd, reason: 'leaked' }));
    await jobs.sweep();
    expect(await stored(first.id)).toEqual(['terminated', 'credential_revoked']);
    expect((await stored(second.id))[0]).toBe('active');
    created(await zone.admin('POST', '/revocations', { kind: 'application', id: two.id, reason: 'odd' }));
    await jobs.sweep();
    expect(await stored(second.id)).toEqual(['terminated', 'application_revoked']);
  });
});
