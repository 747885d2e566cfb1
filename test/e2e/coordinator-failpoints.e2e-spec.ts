import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditedChanges } from '../../src/audit/index.js';
import type { ChangeStep } from '../../src/audit/audited-changes.js';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { OAuthScene, ok, type SceneResource } from '../support/oauth-scene.js';

interface Agent {
  readonly id: string;
  readonly session_token: string;
}

/** A tree of two, somebody to delegate to, and a delegation. */
interface Stage {
  readonly root: Agent;
  readonly child: Agent;
  readonly target: Agent;
  readonly edge: string;
}

let app: TestApp;
let other: TestApp;
let scene: OAuthScene;
let token: string;
let mail: SceneResource;
/** Where the next change of the zone ends. */
let deadly: ChangeStep | undefined;

beforeAll(async () => {
  app = await startTestApp({ PUBLIC_URL: 'http://caracal.test' });
  other = await app.replica();
  app.running.app.get(AuditedChanges).onStep((zone, step) => {
    if (step !== deadly || zone !== scene.zone) return;
    deadly = undefined;
    throw new Error(`ended after ${step}`);
  });
});

afterAll(() => app.close());

const on = (replica: TestApp, method: string, path: string, bearer: string, body?: object): Promise<TestAnswer> =>
  call(`${replica.url}/z/${scene.zone}`, { method, path, body, headers: { authorization: `Bearer ${bearer}` } });
const post = (path: string, bearer: string, body: object = {}) => on(app, 'POST', path, bearer, body);
const passOn = ({ root, target }: Pick<Stage, 'root' | 'target'>) =>
  post('/delegations', root.session_token, {
    target: target.id,
    resources: [{ resource: mail.identifier, scopes: ['read'] }],
    ttl_seconds: 600,
  });

/** In a zone of its own, so that nothing of an earlier case is settled meanwhile. */
async function stage(): Promise<Stage> {
  scene = await OAuthScene.open(app);
  const owner = await scene.client();
  mail = await scene.resource(['read']);
  await scene.grant(owner, mail, ['read']);
  token = await scene.applicationToken(owner);
  const root = await scene.session(token);
  const [child, target] = [await scene.session(root.session_token), await scene.session(token)];
  return { root, child, target, edge: (await passOn({ root, target })).body.id };
}

const ACTS: Readonly<Record<string, (stage: Stage) => Promise<TestAnswer>>> = {
  spawn: ({ root }) => post('/sessions', root.session_token, { lifecycle: 'task' }),
  delegate: passOn,
  terminate: ({ root }) => post(`/sessions/${root.id}/terminate`, token),
  revoke: ({ edge }) => post(`/delegations/${edge}/revoke`, token),
};

/** Everything that a change writes, counted. */
async function written(): Promise<Record<string, string>> {
  const zone = scene.zone;
  return asSuperuser(app.dsn, async (client) => {
    const { rows } = await client.query<Record<string, string>>(
      `SELECT (SELECT count(*) FROM caracal.sessions WHERE zone = $1 AND status = 'active') AS sessions,
              (SELECT count(*) FROM caracal.delegations WHERE zone = $1 AND ended_at IS NULL) AS delegations,
              (SELECT count(*) FROM caracal.revocations WHERE zone = $1) AS revocations,
              (SELECT count(*) FROM caracal.outbox WHERE zone = $1) AS outbox,
              (SELECT seq FROM caracal.feed_head WHERE zone = $1) AS feed,
              (SELECT count(*) FROM caracal.change_log WHERE zone = $1) AS changes,
              (SELECT next_index FROM caracal.ledger_head WHERE zone = $1) AS head,
              (SELECT count(*) FROM caracal.ledger WHERE zone = $1) AS entries`,
      [zone],
    );
    return rows[0] as Record<string, string>;
  });
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 300; n += 1) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('it did not come true');
}

const isRefused = (replica: TestApp, agent: Agent) => async (): Promise<boolean> =>
  (await on(replica, 'GET', `/sessions/${agent.id}`, agent.session_token)).status === 401;
const isRevoked = (replica: TestApp, edge: string) => async (): Promise<boolean> =>
  ok(await on(replica, 'GET', `/delegations/${edge}`, token)).status === 'revoked';

/** The change is there on every replica, also on the one that did not come to apply it. */
async function inEffect(act: string, { root, child, edge }: Stage): Promise<void> {
  for (const replica of [app, other]) {
    if (act === 'terminate') await Promise.all([root, child].map((agent) => eventually(isRefused(replica, agent))));
    if (act === 'revoke' || act === 'terminate') await eventually(isRevoked(replica, edge));
  }
}

describe('a change that its process did not come to apply', () => {
  const steps = ['ledger', 'committed', 'applied'] as const satisfies readonly ChangeStep[];
  const cases = Object.keys(ACTS).flatMap((act) => steps.map((step) => [act, step] as const));

  it.each(cases)('[T4] %s, ended after %s, is there on every replica or on none', async (act, step) => {
    const on = await stage();
    const before = await written();
    deadly = step;
    expect((await (ACTS[act] as (typeof ACTS)[string])(on)).status).toBe(500);
    expect(deadly).toBeUndefined();
    const after = await written();
    expect([after['head'], after['feed']]).toEqual([after['entries'], after['changes']]);
    if (step === 'committed' || step === 'applied') {
      expect(Number(after['head'])).toBeGreaterThan(Number(before['head']));
      await inEffect(act, on);
      return;
    }
    expect(after).toEqual(before);
    expect((await (ACTS[act] as (typeof ACTS)[string])(on)).status).toBeLessThan(300);
    await inEffect(act, on);
  });
});
