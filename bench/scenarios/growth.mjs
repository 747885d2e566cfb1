/** What many of something cost: exchange and governed call with few, then with many of them, and the memory of the process. */
import { call } from '../../examples/demo/caracal.mjs';
import { activatePolicies } from '../environment.mjs';
import { throughputs } from '../measure.mjs';
import { residentBytes } from '../memory.mjs';
import { targetOf } from './throughput.mjs';

const AT_ONCE = 16;
const MIB = 2 ** 20;

/** Does something so many times, a few at once. */
async function times(count, act) {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await act((next += 1));
    }),
  );
}

const MANY = {
  resources: {
    count: 10_000,
    grow: ({ admin }, count) =>
      times(count, (n) =>
        admin.create('/zones/bench/resources', {
          slug: `grown-${n}`,
          name: `Grown ${n}`,
          identifier: `https://grown-${n}.bench.example/`,
          enforcement: 'direct',
          scopes: [{ name: 'read', description: 'read' }],
        }),
      ),
  },
  policies: { count: 1_000, grow: (env, count) => activatePolicies(env.server, env.resource.id, count) },
  zones: {
    count: 1_000,
    grow: ({ admin }, count) => times(count, (n) => admin.create('/zones', { slug: `grown-${n}`, name: `Grown ${n}` })),
  },
  sessions: {
    count: 10_000,
    grow: async (env, count) => {
      await allowSessions(env);
      let token;
      await times(count, async (n) => {
        if (n % 10_000 === 1) token = env.oauth.clientCredentials().then(({ body }) => body.access_token);
        const json = { lifecycle: 'task', ttl_seconds: 3_600 };
        const { status, body } = await call('POST', `${env.zone.issuer}/sessions`, { token: await token, json });
        if (status !== 201) throw new Error(`session ${n}: ${status} ${JSON.stringify(body)}`);
      });
    },
  },
};

async function allowSessions({ server }) {
  const at = `${server.base}/v1/zones/bench`;
  const limits = { sessions_per_application: 1_000_000, sessions_per_zone: 1_000_000, spawn_per_minute: 1_000_000 };
  const { headers } = await call('GET', at, { token: server.adminToken });
  const raised = { token: server.adminToken, json: { limits }, headers: { 'if-match': headers.get('etag') } };
  const { status, body } = await call('PATCH', at, raised);
  if (status !== 200) throw new Error(`limits: ${status} ${JSON.stringify(body)}`);
}

async function rates(env, options) {
  const targets = { exchange: () => targetOf('exchange', env), gateway: () => targetOf('gateway', env) };
  const seen = await throughputs(targets, options);
  const memory = (await residentBytes(env.server.pid)) / MIB;
  return { exchange: seen.exchange.perSecond, gateway: seen.gateway.perSecond, memory };
}

async function growth(name, env, options) {
  const { count, grow } = MANY[name];
  const few = await rates(env, options);
  const started = performance.now();
  await grow(env, count);
  const seconds = (performance.now() - started) / 1_000;
  const many = await rates(env, options);
  const [before, after] = [few, many].map((seen) => `${Math.round(seen.gateway)}/s and ${Math.round(seen.memory)} MiB`);
  return {
    title: `exchange beside ${count} ${name}`,
    value: many.exchange,
    unit: '/s',
    ruler: 'beside few',
    rulerValue: few.exchange,
    ratio: Math.min(many.exchange / few.exchange, many.gateway / few.gateway),
    goal: { ratio: 0.7 },
    note: `governed GET from ${before} to ${after}; made in ${Math.round(seconds)} s`,
  };
}

/** `growth-<what>` → scenario. */
export const growthScenarios = Object.fromEntries(
  Object.keys(MANY).map((name) => [`growth-${name}`, (env, options) => growth(name, env, options)]),
);
