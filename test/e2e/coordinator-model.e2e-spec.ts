import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Settlement } from '../../src/coordinator/jobs/settlement.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { addResource, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { OAuthScene, ok } from '../support/oauth-scene.js';
import { edgesOf, lineOf, type ModelAgent, type ModelEdge, type ModelParts, World } from '../support/runtime-model.js';

const SCOPES = ['read', 'write'];
const RUNS = 6;
const totals = new Map<string, number>();

let app: TestApp;
let upstream: Upstream;
let parts: ModelParts;

beforeAll(async () => {
  // Replicas are one server to their clients: they share the issuer.
  app = await startTestApp({ PUBLIC_URL: 'http://caracal.test' });
  const replicas = [app, await app.replica()];
  upstream = await startUpstream((request, response) => void request.resume().on('end', () => response.end('{}')));
  const scene = await OAuthScene.open(app);
  const etag = (await scene.admin('GET', '')).headers.get('etag') ?? '';
  const limits = { spawn_per_minute: 1_000_000, sessions_per_application: 100_000, sessions_per_zone: 100_000 };
  ok(await scene.admin('PATCH', '', { limits }, { 'if-match': etag }));
  const owner = await scene.client();
  const { resource } = await addResource(scene, owner, { upstream: upstream.url, scopes: SCOPES });
  parts = { replicas, scene, owner, resource, ownerToken: await scene.applicationToken(owner) };
}, 90_000);

afterAll(async () => {
  await app.close();
  await upstream.close();
});

interface Op {
  readonly kind: keyof typeof ACTS;
  readonly replica: number;
  readonly one: number;
  readonly two: number;
}

type Act = (world: World, op: Op) => Promise<unknown>;

const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % Math.max(1, from.length)];

const ofAgent =
  (act: (world: World, op: Op, agent: ModelAgent) => Promise<unknown>): Act =>
  async (world, op) => {
    const agent = pick(world.agents, op.one);
    if (agent) await act(world, op, agent);
  };
const stand = (what: string): Act =>
  ofAgent((world, op, agent) => world.ask(op.replica, 'POST', `/sessions/${agent.id}/${what}`, parts.ownerToken, {}));

/** Each does one thing to the server and notes what its answer says. What it may not do is refused; what it may do may race with others. */
const ACTS = {
  root: (world: World, op: Op) => spawn(world, op, undefined),
  child: ofAgent(spawn),
  narrow: ofAgent(spawn),
  delegate: ofAgent(delegate),
  suspend: stand('suspend'),
  resume: stand('resume'),
  exchange: ofAgent(exchange),
  terminate: ofAgent((world, op, { id }) => end(world, op, { path: `/sessions/${id}/terminate`, id })),
  revoke: async (world: World, op: Op) => {
    const edge = pick(world.edges, op.one);
    if (edge) await end(world, op, { path: `/delegations/${edge.id}/revoke`, id: edge.id });
  },
  use: async (world: World, op: Op) => {
    const mandate = pick(world.mandates, op.one);
    const over = mandate && world.isEnded(mandate);
    if (mandate && (await world.use(op.replica, mandate)) === 200 && over)
      await laterRefused(world, op.replica, mandate);
  },
} satisfies Record<string, Act>;

const act = (world: World, op: Op): Promise<unknown> => ACTS[op.kind](world, op);

async function spawn(world: World, op: Op, parent: ModelAgent | undefined): Promise<void> {
  const scopes = op.kind === 'narrow' ? [SCOPES[op.two % 2] as string] : SCOPES;
  const resources = [{ resource: parts.resource.identifier, scopes }];
  const authority = op.kind === 'narrow' ? { narrow: { resources, hops: 3 } } : 'inherit';
  const bearer = op.two % 3 === 0 && parent ? parent.token : parts.ownerToken;
  const body = { lifecycle: 'task', authority, ...(parent ? { parent: parent.id } : {}) };
  const over = parent && lineOf(parent).some((one) => world.ended.has(one.id));
  const answer = await world.ask(op.replica, 'POST', '/sessions', bearer, body);
  if (answer.status !== 201) return;
  if (over) world.faults.push(`a child was started under ${parent.id}, which had ended`);
  const held = new Set(scopes.filter((scope) => parent?.scopes.has(scope) ?? true));
  world.agents.push({ id: answer.body.id, token: answer.body.session_token, parent, scopes: held });
  world.count(op.kind);
}

async function delegate(world: World, op: Op, source: ModelAgent): Promise<void> {
  const target = pick(world.agents, op.two);
  if (!target) return;
  const scopes = [SCOPES[op.two % 2] as string];
  const resources = [{ resource: parts.resource.identifier, scopes }];
  const body = { target: target.id, resources, ttl_seconds: 600, hops: op.one % 3 };
  const answer = await world.ask(op.replica, 'POST', '/delegations', source.token, body);
  if (answer.status !== 201) return;
  const parent = world.edges.find((edge) => edge.id === answer.body.parent);
  const edge: ModelEdge = { id: answer.body.id, source, target, scopes: new Set(scopes), parent };
  world.edges.push(edge);
  world.count(op.kind);
}

async function exchange(world: World, op: Op, agent: ModelAgent): Promise<void> {
  const edge = world.edges.find((one) => one.target === agent && op.two % 2 === 0);
  const over = world.isEnded({ token: '', agent, edge });
  const answer = await world.exchange(op.replica, agent, edge?.id);
  if (answer.status !== 200) return;
  const mandate = { token: answer.body.access_token as string, agent, edge };
  // Implied where none was presented: then the edge is not known here, and nothing is claimed about its scopes.
  const implied = edge === undefined && world.edges.some((one) => lineOf(agent).includes(one.target));
  const most = edge ? edge.scopes : agent.scopes;
  const excess = (answer.body.scope as string).split(' ').filter((scope) => !most.has(scope));
  if (!implied && excess.length > 0) world.faults.push(`${agent.id} obtained ${excess.join(' ')}`);
  // The other replica may issue for a moment yet, but what it issues is refused at use.
  if (over) await laterRefused(world, op.replica, mandate);
  else world.mandates.push(mandate);
  world.count(op.kind);
}

/** Ends something; from the answer on nothing of it is accepted on the same replica. */
async function end(world: World, op: Op, { path, id }: { path: string; id: string }): Promise<void> {
  const answer = await world.ask(op.replica, 'POST', path, parts.ownerToken, {});
  if (answer.status !== 200) return;
  world.ended.add(id);
  world.count(op.kind);
  const over = world.mandates.filter((mandate) => world.isEnded(mandate)).slice(-4);
  for (const mandate of over) {
    if ((await world.use(op.replica, mandate)) === 200) world.faults.push(`a call was accepted after ${path} returned`);
    const again = await world.exchange(op.replica, mandate.agent, mandate.edge?.id);
    if (again.status === 200) world.faults.push(`a mandate was issued after ${path} returned`);
  }
}

/** Another replica hears of an end a moment later; longer than the freshness bound it never accepts anything. */
async function laterRefused(world: World, replica: number, mandate: World['mandates'][number]): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    if ((await world.use(replica, mandate)) !== 200) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  world.faults.push('a call was accepted long after its authority had ended');
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
    const page = ok(await world.ask(0, 'GET', `/sessions?limit=200${cursor}`, parts.ownerToken));
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
    const sessions = [...lineOf(mandate.agent), ...edgesOf(mandate.edge).flatMap((edge) => lineOf(edge.source))];
    const live = sessions.every((one) => rows.get(one.id)?.status === 'active') && !world.isEnded(mandate);
    if (!live) await Promise.all([0, 1].map((replica) => laterRefused(world, replica, mandate)));
    else if (!mandate.edge) await accepted(world, mandate);
  }
  expect(world.faults).toEqual([]);
}

/** Nothing is taken away that nobody took: a delegation that was implied when it was minted may have ended by itself. */
async function accepted(world: World, mandate: World['mandates'][number]): Promise<void> {
  const needed = SCOPES[0] as string;
  if (!mandate.agent.scopes.has(needed)) return;
  if (world.edges.some((edge) => lineOf(mandate.agent).includes(edge.target))) return;
  expect(await world.use(0, mandate)).toBe(200);
  world.count('accepted');
}

/** Once everything is settled, rows, answers and ledger count the same. */
async function counts(world: World): Promise<void> {
  await app.running.app.get(Settlement).settleZone(parts.scene.zone);
  const ids = world.agents.map((agent) => agent.id);
  const count = async (sql: string): Promise<number> =>
    asSuperuser(app.dsn, async (client) => Number((await client.query<{ n: string }>(sql, [ids])).rows[0]?.n));
  const open = await count(
    `SELECT count(*) AS n FROM caracal.sessions WHERE id = ANY ($1) AND status IN ('active', 'suspended')`,
  );
  const entries = (types: string): Promise<number> =>
    count(
      `SELECT count(*) AS n FROM caracal.ledger WHERE entry::jsonb ->> 'session' = ANY ($1) AND entry::jsonb ->> 'type' IN (${types})`,
    );
  expect(await entries(`'session.started'`)).toBe(ids.length);
  expect(await entries(`'session.terminated', 'session.expired'`)).toBe(ids.length - open);
  const dangling = await count(
    `SELECT count(*) AS n FROM caracal.delegations d JOIN caracal.sessions s ON s.zone = d.zone AND s.id IN (d.source, d.target)
     WHERE d.status = 'active' AND s.status NOT IN ('active', 'suspended') AND d.source = ANY ($1)`,
  );
  expect(dangling).toBe(0);
}

class Burst implements fc.AsyncCommand<object, World> {
  constructor(private readonly ops: readonly Op[]) {}

  check = (): boolean => true;

  async run(_model: object, world: World): Promise<void> {
    await Promise.all(this.ops.map((op) => act(world, op)));
    await invariants(world);
  }

  toString = (): string =>
    this.ops.map(({ kind, replica, one, two }) => `${kind}@${replica}(${one},${two})`).join(' | ');
}

const opArbitrary: fc.Arbitrary<Op> = fc.record({
  kind: fc.constantFrom(
    ...([
      'root',
      'child',
      'child',
      'child',
      'narrow',
      'delegate',
      'delegate',
      'exchange',
      'exchange',
      'exchange',
    ] as const),
    ...(['use', 'use', 'suspend', 'resume', 'resume', 'terminate', 'revoke'] as const),
  ),
  replica: fc.nat(1),
  one: fc.nat(40),
  two: fc.nat(40),
});

describe('random concurrent histories', () => {
  it('[T4] leave no authority behind, on two replicas', async () => {
    const bursts = fc.array(opArbitrary, { minLength: 2, maxLength: 7 }).map((ops) => new Burst(ops));
    await fc.assert(
      fc.asyncProperty(fc.commands([bursts], { maxCommands: 14, size: 'max' }), async (commands) => {
        const world = new World(parts, totals);
        for (const two of [0, 1, 2]) await act(world, { kind: 'root', replica: two % 2, one: 0, two });
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await counts(world);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    // The histories were no idle ones.
    expect(
      Math.min(...['child', 'delegate', 'exchange', 'terminate', 'accepted'].map((kind) => totals.get(kind) ?? 0)),
    ).toBeGreaterThan(0);
  }, 120_000);
});
