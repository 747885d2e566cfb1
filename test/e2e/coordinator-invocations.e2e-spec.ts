import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InvocationUpkeep } from '../../src/coordinator/jobs/invocation-upkeep.js';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { created, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

interface Agent {
  readonly id: string;
  readonly session_token: string;
}

let app: TestApp;
let other: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let ownerToken: string;
let workerToken: string;
let strangerToken: string;
let boss: Agent;
let worker: Agent;

beforeAll(async () => {
  app = await startTestApp({ PUBLIC_URL: 'http://caracal.test' });
  other = await app.replica();
  scene = await OAuthScene.open(app);
  owner = await scene.client();
  ownerToken = await scene.applicationToken(owner);
  workerToken = await scene.applicationToken(await scene.client());
  strangerToken = await scene.applicationToken(await scene.client());
  boss = await scene.session(ownerToken);
  worker = await scene.session(workerToken);
});

afterAll(() => app.close());

const post = (path: string, bearer: string, body: unknown = {}) =>
  scene.runtime('POST', `/invocations${path}`, bearer, body);
const get = (path: string, bearer: string) => scene.runtime('GET', `/invocations${path}`, bearer);
const code = ({ status, body }: TestAnswer) => [status, body.code] as const;
const order = (members: object = {}) => ({ target: worker.id, deadline_seconds: 600, ...members });
const hand = async (members: object = {}) => created(await post('', boss.session_token, order(members)));
const types = async (id: string) =>
  (ok(await get(`/${id}/events`, ownerToken)).items as { type: string }[]).map((event) => event.type);
const upkeep = () => app.running.app.get(InvocationUpkeep).run();

describe('an invocation', () => {
  it('goes from pending over running to succeeded, with its events and entries', async () => {
    const invocation = await hand({ input: { task: 'count' }, max_attempts: 2 });
    expect(invocation).toMatchObject({
      id: expect.stringMatching(/^inv_/),
      status: 'pending',
      attempts: 0,
      max_attempts: 2,
      source: boss.id,
      target: worker.id,
      input: { task: 'count' },
      input_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      deadline_at: expect.any(String),
      result: null,
    });
    const { id } = invocation;
    expect(ok(await post(`/${id}/start`, worker.session_token))).toMatchObject({ status: 'running', attempts: 1 });
    const half = { note: 'half way', percent: 50 };
    expect(ok(await post(`/${id}/progress`, worker.session_token, half))).toMatchObject({ percent: 50 });
    const done = ok(await post(`/${id}/complete`, worker.session_token, { result: [1, null], result_digest: 'd:1' }));
    expect(done).toMatchObject({ status: 'succeeded', result: [1, null], result_digest: 'd:1' });
    expect(ok(await get(`/${id}`, boss.session_token))).toEqual(done);
    const { items, next_cursor: next } = ok(await get(`/${id}/events?limit=3`, boss.session_token));
    expect(items).toMatchObject([
      { seq: 1, type: 'created', attempt: 0 },
      { type: 'started', attempt: 1 },
      { type: 'progress', ...half },
    ]);
    expect(ok(await get(`/${id}/events?cursor=${next}`, worker.session_token)).items).toMatchObject([
      { seq: 4, type: 'succeeded' },
    ]);
    const entries = await scene.entries(`session=${boss.id}`);
    const own = entries.filter(({ entry }) => (entry['detail'] as { invocation?: string }).invocation === id);
    expect(own.map(({ entry }) => entry['type'])).toEqual([
      'invocation.created',
      'invocation.started',
      'invocation.succeeded',
    ]);
    expect(JSON.stringify(own)).not.toContain('count');
  });

  it('is tried again while attempts remain', async () => {
    const { id } = await hand({ max_attempts: 2 });
    for (const attempt of [1, 2]) {
      ok(await post(`/${id}/start`, worker.session_token));
      const failed = ok(await post(`/${id}/fail`, worker.session_token, { reason: 'no paper' }));
      expect(failed).toMatchObject({ status: 'failed', attempts: attempt, reason: 'no paper' });
      const retried = await post(`/${id}/retry`, boss.session_token);
      if (attempt === 1) expect(ok(retried)).toMatchObject({ status: 'pending', attempts: 1 });
      else expect(code(retried)).toEqual([409, 'invalid_transition']);
    }
    expect(await types(id)).toEqual(['created', 'started', 'failed', 'retried', 'started', 'failed']);
  });

  it('waits for its backoff after a retry', async () => {
    const { id } = await hand({ max_attempts: 3, backoff_seconds: 900 });
    ok(await post(`/${id}/start`, worker.session_token));
    ok(await post(`/${id}/fail`, worker.session_token, { reason: 'later' }));
    const retried = ok(await post(`/${id}/retry`, boss.session_token));
    expect(Date.parse(retried.available_at)).toBeGreaterThan(Date.now() + 800_000);
    expect(code(await post(`/${id}/start`, worker.session_token))).toEqual([409, 'invalid_transition']);
    const { items } = ok(await get('?assigned=true', worker.session_token));
    expect((items as Agent[]).map((item) => item.id)).not.toContain(id);
    ok(await post(`/${id}/cancel`, boss.session_token));
  });

  it('[T4] makes no illegal move', async () => {
    const { id } = await hand();
    const move = (act: string, bearer: string, body: object = {}) => post(`/${id}/${act}`, bearer, body);
    const illegal = [409, 'invalid_transition'];
    expect(code(await move('complete', worker.session_token))).toEqual(illegal);
    expect(code(await move('fail', worker.session_token, { reason: 'x' }))).toEqual(illegal);
    expect(code(await move('progress', worker.session_token))).toEqual(illegal);
    expect(code(await move('retry', boss.session_token))).toEqual(illegal);
    ok(await move('start', worker.session_token));
    expect(code(await move('start', worker.session_token))).toEqual(illegal);
    expect(ok(await move('cancel', boss.session_token, { reason: 'enough' }))).toMatchObject({
      status: 'cancelled',
      reason: 'enough',
    });
    expect(code(await move('complete', worker.session_token))).toEqual(illegal);
    expect(code(await move('cancel', boss.session_token))).toEqual(illegal);
  });

  it('[T2] is its parties’ business: the wrong one is refused, a stranger knows of nothing', async () => {
    const { id } = await hand();
    expect(code(await post(`/${id}/start`, boss.session_token))).toEqual([403, 'access_denied']);
    expect(code(await post(`/${id}/cancel`, worker.session_token))).toEqual([403, 'access_denied']);
    const sibling = await scene.session(ownerToken);
    for (const bearer of [strangerToken, (await scene.session(strangerToken)).session_token, sibling.session_token]) {
      expect(code(await get(`/${id}`, bearer))).toEqual([404, 'not_found']);
      expect(code(await get(`/${id}/events`, bearer))).toEqual([404, 'not_found']);
      expect(code(await post(`/${id}/start`, bearer))).toEqual([404, 'not_found']);
      expect(code(await post(`/${id}/cancel`, bearer))).toEqual([404, 'not_found']);
    }
    expect(code(await get('/inv_nothing', boss.session_token))).toEqual([404, 'not_found']);
    const bodiless = { method: 'POST', path: `/invocations/${id}/start` };
    ok(await call(scene.issuer, { ...bodiless, headers: { authorization: `Bearer ${workerToken}` } }));
    ok(await post(`/${id}/cancel`, ownerToken));
    expect(code(await post('', ownerToken, order()))).toEqual([403, 'access_denied']);
  });

  it('goes to a session that is there and active', async () => {
    const target = await scene.session(workerToken);
    ok(await scene.runtime('POST', `/sessions/${target.id}/suspend`, workerToken, {}));
    const to = (id: string) => post('', boss.session_token, order({ target: id }));
    expect(code(await to(target.id))).toEqual([409, 'session_not_active']);
    ok(await scene.runtime('POST', `/sessions/${target.id}/terminate`, workerToken, {}));
    expect(code(await to(target.id))).toEqual([409, 'session_not_active']);
    expect(code(await to('ses_nobody'))).toEqual([404, 'not_found']);
  });

  it('[T1] takes no malformed request', async () => {
    const faults: readonly object[] = [
      { deadline_seconds: 0 },
      { deadline_seconds: '60' },
      { max_attempts: 0 },
      { backoff_seconds: -1 },
      { input_digest: 'a b' },
      { input: 'x'.repeat(65_536) },
      { input: 'nul \0' },
      { surprise: 1 },
    ];
    for (const members of faults)
      expect(code(await post('', boss.session_token, order(members)))).toEqual([400, 'invalid_request']);
    const { id } = await hand();
    ok(await post(`/${id}/start`, worker.session_token));
    expect(code(await post(`/${id}/fail`, worker.session_token, {}))).toEqual([400, 'invalid_request']);
    for (const percent of [101, -1, 0.5, 1e-7])
      expect(code(await post(`/${id}/progress`, worker.session_token, { percent }))).toEqual([400, 'invalid_request']);
    for (const query of ['?assigned=true&wait=26', '?assigned=yes', '?wait=1', '?assigned=true&status=failed'])
      expect(code(await get(query, worker.session_token))).toEqual([400, 'invalid_request']);
    ok(await post(`/${id}/cancel`, boss.session_token));
  });

  it('happens once under an idempotency key', async () => {
    const once = () =>
      call(scene.issuer, {
        method: 'POST',
        path: '/invocations',
        body: order(),
        headers: { authorization: `Bearer ${boss.session_token}`, 'idempotency-key': '"once"' },
      });
    const [first, second] = [created(await once()), created(await once())];
    expect(second).toEqual(first);
  });
});

describe('lists', () => {
  it('show a party its own, and an administrator everything but what is handed over', async () => {
    const mine = await scene.session(ownerToken);
    const made = [];
    for (let n = 0; n < 3; n += 1)
      made.push(created(await post('', mine.session_token, order({ input: 'secret' }))).id);
    ok(await post(`/${made[0]}/cancel`, mine.session_token));
    const ids = (answer: { items: Agent[] }) => answer.items.map((item) => item.id);
    const first = ok(await get('?limit=2', mine.session_token));
    const rest = ok(await get(`?limit=2&cursor=${first.next_cursor}`, mine.session_token));
    expect([...ids(first), ...ids(rest)]).toEqual(made);
    expect(ids(ok(await get(`?status=cancelled&source=${mine.id}`, ownerToken)))).toEqual([made[0]]);
    expect(ids(ok(await get('', strangerToken)))).toEqual([]);
    const seen = ok(await scene.admin('GET', `/invocations?source=${mine.id}`));
    expect(ids(seen)).toEqual(made);
    expect(JSON.stringify(seen)).not.toContain('secret');
    expect(ok(await scene.admin('GET', `/invocations/${made[0]}`)).status).toBe('cancelled');
    expect(code(await scene.admin('GET', '/invocations/inv_nothing'))).toEqual([404, 'not_found']);
  });
});

describe('the long poll', () => {
  const poll = (replica: TestApp, agent: Agent, wait: number) =>
    call(`${replica.url}/z/${scene.zone}`, {
      method: 'GET',
      path: `/invocations?assigned=true&wait=${wait}`,
      headers: { authorization: `Bearer ${agent.session_token}` },
    });

  it('answers at once what there is, and nothing when the wait is over', async () => {
    const idle = await scene.session(workerToken);
    expect(ok(await poll(app, idle, 0))).toEqual({ items: [], next_cursor: null });
    expect(ok(await poll(app, idle, 1))).toEqual({ items: [], next_cursor: null });
    const { id } = await hand({ target: idle.id, input: 7 });
    expect(ok(await poll(app, idle, 25)).items).toMatchObject([{ id, status: 'pending', input: 7 }]);
  });

  it('answers as soon as there is work, on whichever replica it was handed out', async () => {
    const idle = await scene.session(workerToken);
    const waits = [poll(app, idle, 25), poll(other, idle, 25)];
    await new Promise((done) => setTimeout(done, 200));
    const { id } = await hand({ target: idle.id });
    for (const wait of waits) expect(ok(await wait).items).toMatchObject([{ id }]);
  });

  it('[T3] tells nothing to a session that ended while it waited', async () => {
    const idle = await scene.session(workerToken);
    const wait = poll(app, idle, 25);
    await new Promise((done) => setTimeout(done, 200));
    ok(await scene.runtime('POST', `/sessions/${idle.id}/terminate`, workerToken, {}));
    expect(code(await wait)).toEqual([401, 'invalid_token']);
  });
});

describe('upkeep', () => {
  const age = (id: string) =>
    asSuperuser(app.dsn, (client) =>
      client.query(`UPDATE caracal.invocations SET deadline_at = now() - interval '1 s' WHERE id = $1`, [id]),
    );

  it('work past its deadline has timed out, before any row says so', async () => {
    const [late, running] = [await hand({ max_attempts: 5 }), await hand()];
    ok(await post(`/${running.id}/start`, worker.session_token));
    for (const { id } of [late, running]) {
      await age(id);
      expect(ok(await get(`/${id}`, boss.session_token))).toMatchObject({ status: 'timed_out', reason: 'deadline' });
      expect(code(await post(`/${id}/complete`, worker.session_token))).toEqual([409, 'invalid_transition']);
      expect(code(await post(`/${id}/retry`, boss.session_token))).toEqual([409, 'invalid_transition']);
    }
    await Promise.all([upkeep(), other.running.app.get(InvocationUpkeep).run()]);
    expect((await types(late.id)).at(-1)).toBe('timed_out');
    expect((await types(running.id)).filter((type) => type === 'timed_out')).toHaveLength(1);
    expect(ok(await get(`?status=timed_out&source=${boss.id}`, ownerToken)).items).toHaveLength(2);
  });

  it('[T4] work whose target has ended fails, and is cancelled when nobody waits for it', async () => {
    const [source, target] = [await scene.session(ownerToken), await scene.session(workerToken)];
    const given = created(await post('', boss.session_token, order({ target: target.id })));
    const asked = created(await post('', source.session_token, order()));
    ok(await scene.runtime('POST', `/sessions/${target.id}/terminate`, workerToken, {}));
    ok(await scene.runtime('POST', `/sessions/${source.id}/terminate`, ownerToken, {}));
    await upkeep();
    expect(ok(await get(`/${given.id}`, ownerToken))).toMatchObject({ status: 'failed', reason: 'target_ended' });
    expect(ok(await get(`/${asked.id}`, ownerToken))).toMatchObject({ status: 'cancelled', reason: 'source_ended' });
    expect(code(await post(`/${given.id}/retry`, ownerToken))).toEqual([409, 'session_not_active']);
  });

  it('[T4] an attempt that was lost with its lease is open again while attempts remain', async () => {
    const service = await scene.session(workerToken, { lifecycle: 'service' });
    const { id } = await hand({ target: service.id, max_attempts: 2 });
    for (const status of ['pending', 'failed']) {
      ok(await post(`/${id}/start`, workerToken));
      ok(await scene.runtime('POST', `/sessions/${service.id}/suspend`, workerToken, {}));
      expect(code(await post(`/${id}/complete`, workerToken))).toEqual([409, 'session_not_active']);
      ok(await scene.runtime('POST', `/sessions/${service.id}/resume`, workerToken, {}));
      await upkeep();
      expect(ok(await get(`/${id}`, ownerToken)).status).toBe(status);
    }
    expect(await types(id)).toEqual(['created', 'started', 'failed', 'retried', 'started', 'failed']);
  });
});
