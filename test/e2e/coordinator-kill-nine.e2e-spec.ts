import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CHANGE_STEPS } from '../../src/audit/audited-changes.js';
import type { TestAnswer } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { DatabaseServer } from '../support/database-server.js';
import { claimsOf, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

interface Agent {
  readonly id: string;
  readonly session_token: string;
}

/** A zone of its own: a tree of two, somebody to delegate to, and a delegation. */
interface Stage {
  readonly scene: OAuthScene;
  readonly owner: SceneClient;
  readonly token: string;
  readonly mail: SceneResource;
  readonly root: Agent;
  readonly child: Agent;
  readonly target: Agent;
  readonly edge: string;
}

type Act = 'spawn' | 'spawn once' | 'delegate' | 'terminate' | 'revoke' | 'exchange';
type Station = readonly [act: Act, step: string];

let server: DatabaseServer;

beforeAll(async () => {
  server = await DatabaseServer.open();
});

afterAll(() => server.close());

const passOn = ({ scene, mail, root, target }: Omit<Stage, 'child' | 'edge'>) =>
  scene.runtime('POST', '/delegations', root.session_token, {
    target: target.id,
    resources: [{ resource: mail.identifier, scopes: ['read'] }],
    ttl_seconds: 600,
  });

async function stage(): Promise<Stage> {
  const scene = await OAuthScene.open(server);
  const owner = await scene.client();
  const mail = await scene.resource(['read']);
  await scene.grant(owner, mail, ['read']);
  const token = await scene.applicationToken(owner);
  const [root, target] = await Promise.all([scene.session(token), scene.session(token)]);
  const child = await scene.session(root.session_token);
  const { body } = await passOn({ scene, owner, token, mail, root, target });
  return { scene, owner, token, mail, root, child, target, edge: body.id };
}

const ONCE = { 'idempotency-key': '"once"' };
const ACTS: Readonly<Record<Act, (stage: Stage) => Promise<TestAnswer>>> = {
  spawn: ({ scene, root }) => scene.runtime('POST', '/sessions', root.session_token, { lifecycle: 'task' }),
  'spawn once': ({ scene, root }) =>
    scene.runtime('POST', '/sessions', root.session_token, { lifecycle: 'task' }, ONCE),
  delegate: passOn,
  terminate: ({ scene, root, token }) => scene.runtime('POST', `/sessions/${root.id}/terminate`, token, {}),
  revoke: ({ scene, edge, token }) => scene.runtime('POST', `/delegations/${edge}/revoke`, token, {}),
  exchange: ({ scene, owner, root, mail }) => scene.exchange(owner, root.session_token, { resource: mail.gateway_url }),
};

const query = <T extends object>(sql: string, params: unknown[]): Promise<T[]> =>
  asSuperuser(server.dsn, async (client) => (await client.query<T>(sql, params)).rows);

/** Everything that changes write in a zone, counted. */
async function written({ scene: { zone } }: Stage): Promise<Record<string, string>> {
  const [row] = await query<Record<string, string>>(
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
  return row as Record<string, string>;
}

/** Lets each act come to its step, all in one process, kills it there with signal 9, and starts another on the same database. */
async function killAt(stations: readonly Station[]): Promise<{ on: Stage; before: Record<string, string> }[]> {
  const stages = await Promise.all(stations.map(stage));
  const before = await Promise.all(stages.map(written));
  const answers: Promise<unknown>[] = [];
  // One after the other: what one of them holds must not keep the next from its step.
  for (const [n, [act, step]] of stations.entries()) {
    const on = stages[n] as Stage;
    const { zone } = on.scene;
    const stands = server.process.told({ held: zone, step });
    // What a dying process has begun to settle is taken up again when its lock ends, which is not waited for here.
    await server.process.tell({ arm: { zone, steps: step === 'sent' ? [step] : [step, 'claimed'] } });
    answers.push(ACTS[act](on).catch(() => 'died'));
    await stands;
  }
  await server.dieAndStart();
  await Promise.all(answers);
  return stages.map((on, n) => ({ on, before: before[n] as Record<string, string> }));
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 400; n += 1) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error('it did not come true');
}

const reads = async ({ scene }: Stage, agent: Agent): Promise<number> =>
  (await scene.runtime('GET', `/sessions/${agent.id}`, agent.session_token)).status;
const edgeStatus = async ({ scene, edge, token }: Stage): Promise<string> =>
  ok(await scene.runtime('GET', `/delegations/${edge}`, token)).status;

/** What an act does is there at once, for the first process that answers after the death. */
async function inEffect(act: Act, on: Stage): Promise<void> {
  const statuses = await Promise.all([reads(on, on.root), reads(on, on.child), reads(on, on.target)]);
  const dead = act === 'terminate' ? 401 : 200;
  expect([act, statuses]).toEqual([act, [dead, dead, 200]]);
  if (act === 'revoke') expect(await edgeStatus(on)).toBe('revoked');
  // Edges of a session that has ended are settled by message, but nobody can use them before.
  if (act === 'terminate') {
    const { scene, owner, target, mail, edge } = on;
    const used = await scene.exchange(owner, target.session_token, { resource: mail.gateway_url, delegation: edge });
    expect(used.body.error).toBe('invalid_request');
  }
}

/** What must hold in every zone, whenever the process has died. */
async function invariants(on: Stage): Promise<void> {
  const { zone } = on.scene;
  const now = await written(on);
  expect([now['head'], now['feed']]).toEqual([now['entries'], now['changes']]);
  const tokens = [on.root, on.child, on.target].map(({ session_token: token }) => claimsOf(token)['jti']);
  const [counts] = await query<Record<string, string>>(
    `SELECT (SELECT count(*) FROM caracal.sessions WHERE zone = $1)
          - (SELECT count(*) FROM caracal.ledger WHERE zone = $1 AND facets @> ARRAY['type=session.started']) AS unlogged_sessions,
            (SELECT count(*) FROM caracal.delegations WHERE zone = $1)
          - (SELECT count(*) FROM caracal.ledger WHERE zone = $1 AND facets @> ARRAY['type=delegation.created']) AS unlogged_edges,
            (SELECT count(*) FROM unnest($2::text[]) jti
              WHERE NOT EXISTS (SELECT FROM caracal.ledger WHERE zone = $1 AND entry::jsonb #>> '{token,jti}' = jti)) AS unlogged_tokens`,
    [zone, tokens],
  );
  expect(counts).toEqual({ unlogged_sessions: '0', unlogged_edges: '0', unlogged_tokens: '0' });
  expect((await query(UNSOUND, [zone])).length).toBe(0);
}

/** Sessions that say they live below one that says it does not, once everything is settled; edges likewise. */
const UNSETTLED = `
  SELECT s.id FROM caracal.sessions s JOIN caracal.sessions p ON p.zone = s.zone AND p.id = s.parent
   WHERE s.zone = $1 AND s.status = 'active' AND p.status <> 'active'
  UNION ALL SELECT d.id FROM caracal.delegations d JOIN caracal.sessions s ON s.zone = d.zone AND s.id IN (d.source, d.target)
   WHERE d.zone = $1 AND d.status = 'active' AND s.status <> 'active'
  UNION ALL SELECT o.id::text FROM caracal.outbox o WHERE o.zone = $1 AND o.done_at IS NULL`;
/** An end without the anchor that stops what is below, or without the message that settles it. */
const UNSOUND = `
  SELECT s.id FROM caracal.sessions s WHERE s.zone = $1 AND s.status = 'terminated' AND s.end_reason = 'requested'
     AND NOT EXISTS (SELECT FROM caracal.revocations r WHERE r.zone = s.zone AND r.kind = 'session' AND r.anchor = s.id)
  UNION ALL SELECT d.id FROM caracal.delegations d WHERE d.zone = $1 AND d.status = 'revoked' AND d.end_reason = 'requested'
     AND NOT EXISTS (SELECT FROM caracal.outbox o WHERE o.zone = d.zone AND o.body ->> 'anchor' = d.id)`;

/** A relay that died holds its rows for a minute; here the minute is over. */
const leaseIsOver = ({ scene }: Stage) =>
  query('UPDATE caracal.outbox SET leased_until = now() WHERE zone = $1 AND done_at IS NULL', [scene.zone]);
const settled = async ({ scene }: Stage): Promise<boolean> => (await query(UNSETTLED, [scene.zone])).length === 0;

const happened = (step: string): boolean => !['begun', 'rows', 'outbox', 'feed', 'ledger', 'unlogged'].includes(step);
const stationsOf = (...acts: Act[]): Station[] =>
  acts.flatMap((act) => CHANGE_STEPS.map((step) => [act, step] as const));

describe('a server that is killed with signal 9', () => {
  it.each<[string, Station[]]>([
    ['making authority', [...stationsOf('spawn', 'delegate'), ['spawn', 'unsigned'], ['spawn', 'signed']]],
    ['ending authority', stationsOf('terminate', 'revoke')],
  ])(
    '[T4] at any step of %s has done all of it or nothing',
    async (_, stations) => {
      const killed = await killAt(stations);
      await Promise.all(
        killed.map(async ({ on, before }, n) => {
          const [act, step] = stations[n] as Station;
          await invariants(on);
          const after = await written(on);
          if (happened(step)) expect(Number(after['head'])).toBeGreaterThan(Number(before['head']));
          else {
            expect([act, step, after]).toEqual([act, step, before]);
            expect((await ACTS[act](on)).status).toBeLessThan(300);
          }
          await inEffect(act, on);
          await leaseIsOver(on);
          await eventually(() => settled(on));
          await invariants(on);
        }),
      );
    },
    120_000,
  );

  it('[T6] at any step of an exchange has issued no token that the ledger does not have', async () => {
    const stations = (['unlogged', 'logged', 'unsigned', 'signed'] as const).map((step) => ['exchange', step] as const);
    const killed = await killAt(stations);
    for (const [n, { on }] of killed.entries()) {
      const entries = await on.scene.entries('type=exchange&decision=allow');
      const issued = entries.filter(({ entry }) => entry['session'] === on.root.id);
      expect(issued.length).toBe(happened((stations[n] as Station)[1]) ? 1 : 0);
      const { access_token: mandate } = ok(await ACTS.exchange(on));
      const { jti } = claimsOf(mandate);
      const last = (await on.scene.entries('type=exchange&decision=allow')).at(-1);
      expect(last?.entry['token']).toMatchObject({ jti });
      await invariants(on);
    }
  });

  it('[T4] before it kept its answer makes no second session under the same Idempotency-Key', async () => {
    const stations = (['rows', 'committed', 'answered'] as const).map((step) => ['spawn once', step] as const);
    const killed = await killAt(stations);
    for (const [n, { on, before }] of killed.entries()) {
      const step = (stations[n] as Station)[1];
      const again = async () => (await ACTS['spawn once'](on)).status;
      expect([step, await again()]).toEqual([step, 409]);
      // A dead request holds its key for a minute; here the minute is over.
      await query('UPDATE caracal.idempotency_keys SET leased_until = now() WHERE zone = $1', [on.scene.zone]);
      const expected = happened(step) ? 409 : 201;
      expect([step, await again(), await again()]).toEqual([step, expected, expected]);
      expect(Number((await written(on))['sessions'])).toBe(Number(before['sessions']) + 1);
      await invariants(on);
    }
  }, 120_000);

  it('[T7] between outbox and queue loses no message, nor when the queue loses its own: what ended is settled', async () => {
    for (const step of ['claimed', 'sent']) {
      const on = (await killAt([['terminate', step]]))[0]?.on as Stage;
      await inEffect('terminate', on);
      if (step === 'sent') await query('DELETE FROM bullmq.job', []);
      await leaseIsOver(on);
      await eventually(() => settled(on));
      await invariants(on);
      expect(await on.scene.entries(`type=session.terminated&session=${on.child.id}`)).toHaveLength(1);
    }
  });
});
