import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Settlement } from '../../src/coordinator/jobs/settlement.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { addResource, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, OAuthScene, ok } from '../support/oauth-scene.js';
import {
  dependencies,
  EVERYTHING,
  lineOf,
  type ModelAgent,
  type ModelEdge,
  type ModelMandate,
  type ModelParts,
  World,
} from '../support/runtime-model.js';

/** As many histories as fit into the time; `MODEL_RUNS` and `MODEL_COMMANDS` make a campaign of it, `MODEL_SEED` and `MODEL_PATH` repeat one. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 10);
const COMMANDS = Number(process.env['MODEL_COMMANDS'] ?? 14);
const SEED = process.env['MODEL_SEED'];
const PATH = process.env['MODEL_PATH'];
const IS_CAMPAIGN = process.env['MODEL_RUNS'] !== undefined;
const MOST_MS = 20_000;
const totals = new Map<string, number>();

let app: TestApp;
let upstream: Upstream;
let base: Omit<ModelParts, 'owner' | 'ownerToken'>;

beforeAll(async () => {
  // Replicas are one server to their clients: they share the issuer.
  app = await startTestApp({ PUBLIC_URL: 'http://caracal.test' });
  const replicas = [app, await app.replica()];
  upstream = await startUpstream((request, response) => void request.resume().on('end', () => response.end('{}')));
  const scene = await OAuthScene.open(app);
  const etag = (await scene.admin('GET', '')).headers.get('etag') ?? '';
  const limits = { spawn_per_minute: 1_000_000, sessions_per_application: 100_000, sessions_per_zone: 100_000 };
  ok(await scene.admin('PATCH', '', { limits }, { 'if-match': etag }));
  const { resource } = await addResource(scene, await scene.client(), {
    upstream: upstream.url,
    scopes: [...EVERYTHING],
  });
  base = { replicas, scene, resource };
});

afterAll(async () => {
  await app.close();
  await upstream.close();
  if (IS_CAMPAIGN) process.stdout.write(`${JSON.stringify(Object.fromEntries(totals))}\n`);
});

/** Each history has an application of its own. */
async function newWorld(): Promise<World> {
  const owner = await base.scene.client();
  await base.scene.grant(owner, base.resource, [...EVERYTHING]);
  return new World({ ...base, owner, ownerToken: await base.scene.applicationToken(owner) }, totals);
}

interface Op {
  readonly kind: keyof typeof ACTS;
  readonly replica: number;
  readonly one: number;
  readonly two: number;
}

type Act = (world: World, op: Op) => Promise<unknown>;

const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % Math.max(1, from.length)];
const oneScope = ({ two }: Op): string[] => [[...EVERYTHING][two % 2] as string];

const ofAgent =
  (act: (world: World, op: Op, agent: ModelAgent) => Promise<unknown>): Act =>
  async (world, op) => {
    const agent = pick(world.agents, op.one);
    if (agent) await act(world, op, agent);
  };
const stand = (what: string): Act =>
  ofAgent((world, op, agent) => world.ask(op.replica, 'POST', `/sessions/${agent.id}/${what}`, world.parts.ownerToken));

/** Each does one thing to the server and notes what its answer says. What it may not do is refused; what it may do may race with others. */
const ACTS = {
  root: (world: World, op: Op) => spawn(world, op, undefined),
  child: ofAgent(spawn),
  narrow: ofAgent(spawn),
  delegate: ofAgent(delegate),
  suspend: stand('suspend'),
  resume: stand('resume'),
  heartbeat: ofAgent((world, op, agent) =>
    world.ask(op.replica, 'POST', `/sessions/${agent.id}/heartbeat`, agent.token, { generation: 1 + (op.two % 2) }),
  ),
  refresh: ofAgent(refresh),
  exchange: ofAgent(exchange),
  terminate: ofAgent((world, op, { id }) => end(world, op, { path: `/sessions/${id}/terminate`, id })),
  revoke: async (world: World, op: Op) => {
    const edge = pick(world.edges, op.one);
    if (edge) await end(world, op, { path: `/delegations/${edge.id}/revoke`, id: edge.id });
  },
  disown: ofAgent(disown),
  use: async (world: World, op: Op) => {
    const mandate = pick(world.mandates, op.one);
    const over = mandate && world.isEnded(mandate);
    if (mandate && (await world.use(op.replica, mandate)) === 200 && over)
      await laterRefused(world, op.replica, mandate);
  },
} satisfies Record<string, Act>;

const act = (world: World, op: Op): Promise<unknown> => ACTS[op.kind](world, op);

async function spawn(world: World, op: Op, parent: ModelAgent | undefined): Promise<void> {
  const scopes = oneScope(op);
  const bearer = op.two % 3 === 0 && parent ? parent.token : world.parts.ownerToken;
  const body = { ...startOf(world, op), ...(parent ? { parent: parent.id } : {}) };
  const over = parent && lineOf(parent).some((one) => world.ended.has(one.id));
  const answer = await world.start(op.replica, bearer, body);
  if (answer.status !== 201) return;
  if (over) world.faults.push(`a child was started under ${parent.id}, which had ended`);
  const { id, session_token: token, delegation } = answer.body;
  const edge = delegation && parent ? await spawnedEdge(world, op, { delegation, parent, scopes }) : undefined;
  if (edge) world.edges.push(edge);
  world.agents.push({ id, token, parent, edge });
  world.count(op.kind);
}

function startOf(world: World, op: Op): object {
  const resources = [{ resource: world.parts.resource.identifier, scopes: oneScope(op) }];
  const authority = op.kind === 'narrow' ? { narrow: { resources, hops: 3 } } : 'inherit';
  return { lifecycle: op.two % 5 === 0 ? 'service' : 'task', authority };
}

/** The edge of a narrowed child continues the one that its parent's authority came through. */
async function spawnedEdge(
  world: World,
  op: Op,
  born: { delegation: string; parent: ModelAgent; scopes: string[] },
): Promise<ModelEdge> {
  const { delegation: id, parent: source, scopes } = born;
  const { body } = await world.ask(op.replica, 'GET', `/delegations/${id}`, world.parts.ownerToken);
  return { id, source, scopes: new Set(scopes), parent: await knownEdge(world, body.parent) };
}

async function delegate(world: World, op: Op, source: ModelAgent): Promise<void> {
  const target = pick(world.agents, op.two);
  if (!target) return;
  const scopes = oneScope(op);
  const resources = [{ resource: world.parts.resource.identifier, scopes }];
  const body = { target: target.id, resources, ttl_seconds: 600, hops: op.one % 3 };
  const over = [source, target].some((one) => lineOf(one).some(({ id }) => world.ended.has(id)));
  const answer = await world.ask(op.replica, 'POST', '/delegations', source.token, body);
  if (answer.status !== 201) return;
  const parent = await knownEdge(world, answer.body.parent);
  const edge: ModelEdge = { id: answer.body.id, source, target, scopes: new Set(scopes), parent };
  if (over || dependencies(source, parent).some((id) => world.ended.has(id) && answer.body.status === 'active'))
    await endsSoon(world, op, edge);
  world.edges.push(edge);
  world.count(op.kind);
}

/** The answer that made an edge may come a moment after the answer that passes it on. */
async function knownEdge(world: World, id: string | null): Promise<ModelEdge | undefined> {
  if (id === null) return undefined;
  for (let n = 0; n < 200; n += 1) {
    const edge = world.edges.find((one) => one.id === id);
    if (edge) return edge;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`nobody was answered the edge ${id}`);
}

/** What was ended while the edge was made ended it too; what had ended before it was asked for must have refused it. */
async function endsSoon(world: World, op: Op, edge: ModelEdge): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    const { body } = await world.ask(op.replica, 'GET', `/delegations/${edge.id}`, world.parts.ownerToken);
    const ends = await Promise.all(
      [edge.source, edge.target].map((one) =>
        world.ask(op.replica, 'GET', `/sessions/${one?.id}`, world.parts.ownerToken),
      ),
    );
    if (body.status !== 'active' || ends.some((end) => !isOpen(end.body.status))) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  world.faults.push(`${edge.id} outlives what it came from`);
}

async function refresh(world: World, op: Op, agent: ModelAgent): Promise<void> {
  const presented = op.two % 2 === 0 ? agent.token : world.parts.ownerToken;
  const over = world.isEnded({ agent, tokens: tokensOf(presented) });
  const answer = await world.ask(op.replica, 'POST', `/sessions/${agent.id}/token`, presented);
  if (answer.status !== 200) return;
  const token = answer.body.session_token as string;
  // The other replica may issue for a moment yet, but what it issues is refused at use.
  if (over) return tokenLaterRefused(world, op.replica, agent, token);
  agent.token = token;
  world.count(op.kind);
}

async function exchange(world: World, op: Op, agent: ModelAgent): Promise<void> {
  const edge = world.edges.find((one) => one.target === agent && op.two % 2 === 0);
  const before = new Set(world.ended);
  const mandate = await world.exchange(op.replica, agent, edge?.id);
  if (!mandate) return;
  const over = [...mandate.tokens, ...dependencies(agent, mandate.edge)].some((id) => before.has(id));
  if (over) await laterRefused(world, op.replica, mandate);
  else world.mandates.push(mandate);
  world.count(op.kind);
}

/** Revokes the token that an agent holds: what was obtained with it ends, the session goes on. */
async function disown(world: World, op: Op, agent: ModelAgent): Promise<void> {
  const { jti } = claimsOf(agent.token) as { jti: string };
  const answer = await world.administer(op.replica, '/revocations', { kind: 'token', id: jti, reason: 'model' });
  if (answer.status > 201) return;
  world.ended.add(jti);
  world.count(op.kind);
  await nothingAccepted(world, op, 'a token was revoked');
}

/** Ends something; from the answer on nothing of it is accepted on the same replica. */
async function end(world: World, op: Op, { path, id }: { path: string; id: string }): Promise<void> {
  const answer = await world.ask(op.replica, 'POST', path, world.parts.ownerToken, {});
  if (answer.status !== 200) return;
  world.ended.add(id);
  world.count(op.kind);
  await nothingAccepted(world, op, path);
}

async function nothingAccepted(world: World, op: Op, what: string): Promise<void> {
  const over = world.mandates.filter((mandate) => world.isEnded(mandate)).slice(-4);
  for (const mandate of over) {
    if ((await world.use(op.replica, mandate)) === 200) world.faults.push(`a call was accepted after ${what} returned`);
    const before = new Set(world.ended);
    const again = await world.exchange(op.replica, mandate.agent, mandate.edge?.id);
    if (again && [...again.tokens, ...dependencies(again.agent, again.edge)].some((id) => before.has(id)))
      world.faults.push(`a mandate was issued after ${what} returned`);
  }
}

/** Another replica hears of an end a moment later; longer than the freshness bound it never accepts anything. */
async function laterRefused(world: World, replica: number, mandate: ModelMandate): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    if ((await world.use(replica, mandate)) !== 200) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  world.faults.push('a call was accepted long after its authority had ended');
}

async function tokenLaterRefused(world: World, replica: number, { id }: ModelAgent, token: string): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    if ((await world.ask(replica, 'GET', `/sessions/${id}`, token)).status === 401) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  world.faults.push('a session token was accepted long after its session had ended');
}

/** The token itself and those that it was obtained with. */
function tokensOf(token: string): string[] {
  const { jti, ptk = [] } = claimsOf(token) as { jti: string; ptk?: string[] };
  return [jti, ...ptk];
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly parent: string | null;
}

const isOpen = (status: string | undefined): boolean => status === 'active' || status === 'suspended';

async function sessionRows(world: World): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  for (let cursor = ''; ;) {
    const page = ok(await world.ask(0, 'GET', `/sessions?limit=200${cursor}`, world.parts.ownerToken));
    for (const row of page.items as Row[]) rows.set(row.id, row);
    if (page.next_cursor === null) return rows;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

/** What a session must be, by what was answered and by what stands above it; undefined when that leaves it open. */
function expectedStatus(world: World, agent: ModelAgent, rows: ReadonlyMap<string, Row>): string | undefined {
  const above = lineOf(agent)
    .slice(1)
    .map((one) => rows.get(one.id)?.status);
  if (world.ended.has(agent.id) || !above.every(isOpen)) return 'terminated';
  return above.includes('suspended') ? 'suspended' : undefined;
}

/** What must hold whenever nothing is under way. */
async function invariants(world: World): Promise<void> {
  expect(world.faults).toEqual([]);
  const rows = await sessionRows(world);
  for (const agent of world.agents) {
    const { id, status } = rows.get(agent.id) as Row;
    expect([id, status]).toEqual([id, expectedStatus(world, agent, rows) ?? status]);
  }
  for (const mandate of world.mandates.slice(-8)) {
    const sessions = dependencies(mandate.agent, mandate.edge).filter((id) => id.startsWith('ses_'));
    const live = sessions.every((id) => rows.get(id)?.status === 'active') && !world.isEnded(mandate);
    if (live) await accepted(world, mandate);
    else await Promise.all([0, 1].map((replica) => laterRefused(world, replica, mandate)));
  }
  expect(world.faults).toEqual([]);
}

/** Authority that nothing has ended goes on; the replica that did not commit what it rests on may need a moment. */
async function accepted(world: World, mandate: ModelMandate): Promise<void> {
  if (!mandate.isSure || !mandate.scopes.includes('read')) return;
  expect(await world.use(0, mandate)).toBe(200);
  world.count('accepted');
}

const COUNTS = `
  SELECT (SELECT count(*) FROM caracal.sessions WHERE application = $1)::int AS sessions,
    (SELECT count(*) FROM caracal.sessions WHERE application = $1 AND status IN ('active', 'suspended'))::int AS open,
    (SELECT count(*) FROM caracal.delegations WHERE source_application = $1)::int AS edges,
    (SELECT count(*) FROM caracal.delegations WHERE source_application = $1 AND status = 'active')::int AS live_edges,
    (SELECT count(*) FROM caracal.sessions s JOIN caracal.sessions p ON p.zone = s.zone AND p.id = s.parent
      WHERE s.application = $1 AND s.status IN ('active', 'suspended') AND p.status NOT IN ('active', 'suspended'))::int AS orphans,
    (SELECT count(*) FROM caracal.delegations d JOIN caracal.sessions s ON s.zone = d.zone AND s.id IN (d.source, d.target)
      WHERE d.status = 'active' AND s.status NOT IN ('active', 'suspended') AND d.source_application = $1)::int AS dangling,
    (SELECT count(*) FROM caracal.delegations d JOIN caracal.delegations u ON u.zone = d.zone AND u.id = ANY (d.path)
      WHERE d.status = 'active' AND u.status <> 'active' AND d.source_application = $1)::int AS severed`;
const ENTRIES = `SELECT entry::jsonb ->> 'type' AS type, count(*)::int AS n FROM caracal.ledger WHERE entry::jsonb ->> 'application' = $1 GROUP BY 1`;
/** What the counts of open sessions say beside what there is; a session has a row for as long as it has open children. */
const MISCOUNTED = `
  WITH there AS (
    SELECT o.scope, count(*)::int AS open FROM caracal.sessions s CROSS JOIN LATERAL (VALUES (''), (s.application), (s.parent)) AS o (scope)
     WHERE s.zone = $1 AND s.status IN ('active', 'suspended') AND o.scope IS NOT NULL GROUP BY 1
  ), said AS (SELECT scope, open FROM caracal.session_counts WHERE zone = $1)
  SELECT scope, coalesce(said.open, 0) AS said, coalesce(there.open, 0) AS there FROM said FULL JOIN there USING (scope)
   WHERE coalesce(said.open, 0) <> coalesce(there.open, 0) OR (scope LIKE 'ses_%' AND said.open = 0)`;
const FEED = `SELECT (SELECT seq FROM caracal.feed_head WHERE zone = $1) - (SELECT count(*) FROM caracal.change_log WHERE zone = $1) AS missing`;

/** Once everything is settled, rows, answers and ledger count the same. */
async function counts(world: World): Promise<void> {
  const { scene, owner } = world.parts;
  await app.running.app.get(Settlement).settleZone(scene.zone);
  const [rows, entries, feed, miscounted] = await asSuperuser(app.dsn, async (client) => [
    (await client.query<Record<string, number>>(COUNTS, [owner.id])).rows[0] as Record<string, number>,
    new Map(
      (await client.query<{ type: string; n: number }>(ENTRIES, [owner.id])).rows.map(({ type, n }) => [type, n]),
    ),
    (await client.query<{ missing: string }>(FEED, [scene.zone])).rows[0],
    (await client.query(MISCOUNTED, [scene.zone])).rows,
  ]);
  const { sessions = 0, open = 0, edges = 0, live_edges: liveEdges = 0 } = rows;
  const told = (...types: string[]): number => types.reduce((sum, type) => sum + (entries.get(type) ?? 0), 0);
  expect(rows).toMatchObject({ orphans: 0, dangling: 0, severed: 0 });
  expect(told('session.started')).toBe(sessions);
  expect(told('session.terminated', 'session.expired')).toBe(sessions - open);
  expect(told('delegation.created')).toBe(edges);
  expect(told('delegation.revoked', 'delegation.expired')).toBe(edges - liveEdges);
  // A session whose token was withheld, because authority ended meanwhile, is there and was told to nobody.
  const unanswered = [sessions - world.agents.length, edges - world.edges.length];
  for (const n of unanswered) expect([n, n >= 0 && n <= world.withheld]).toEqual([n, true]);
  expect(feed?.missing).toBe('0');
  expect(miscounted).toEqual([]);
}

class Burst implements fc.AsyncCommand<object, World> {
  constructor(private readonly ops: readonly Op[]) {}

  check = (): boolean => true;

  async run(_model: object, world: World): Promise<void> {
    await Promise.all(this.ops.map((op) => act(world, op)));
    world.count('bursts');
    await invariants(world);
  }

  toString = (): string =>
    this.ops.map(({ kind, replica, one, two }) => `${kind}@${replica}(${one},${two})`).join(' | ');
}

const opArbitrary: fc.Arbitrary<Op> = fc.record({
  kind: fc.constantFrom(
    ...(['root', 'child', 'child', 'child', 'narrow', 'narrow', 'delegate', 'delegate', 'delegate'] as const),
    ...(['exchange', 'exchange', 'exchange', 'use', 'use', 'refresh', 'heartbeat'] as const),
    ...(['suspend', 'resume', 'resume', 'terminate', 'revoke', 'disown'] as const),
  ),
  replica: fc.nat(1),
  one: fc.nat(40),
  two: fc.nat(40),
});

describe('random concurrent histories', () => {
  it(
    '[T4] leave no authority behind, on two replicas',
    async () => {
      const bursts = fc.array(opArbitrary, { minLength: 2, maxLength: 8 }).map((ops) => new Burst(ops));
      await fc.assert(
        fc.asyncProperty(fc.commands([bursts], { maxCommands: COMMANDS, size: 'max' }), async (commands) => {
          const world = await newWorld();
          for (const two of [0, 1, 2]) await act(world, { kind: 'root', replica: two % 2, one: 0, two });
          await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
          await counts(world);
          world.count('histories');
        }),
        {
          numRuns: RUNS,
          endOnFailure: true,
          ...(SEED === undefined ? {} : { seed: Number(SEED) }),
          ...(PATH === undefined ? {} : { path: PATH }),
          ...(IS_CAMPAIGN ? {} : { interruptAfterTimeLimit: MOST_MS, markInterruptAsFailure: false }),
        },
      );
      // The histories were no idle ones.
      expect(
        Math.min(...['child', 'delegate', 'exchange', 'terminate', 'accepted'].map((kind) => totals.get(kind) ?? 0)),
      ).toBeGreaterThan(0);
    },
    IS_CAMPAIGN ? 14_400_000 : 120_000,
  );
});
