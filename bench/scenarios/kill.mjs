/** From the answer to a kill switch to the last call that was still accepted: for a session, an application, a subject, a zone, and a tree of 10 000. */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Pool } from 'undici';
import { call, oauthClient } from '../../examples/demo/caracal.mjs';
import { mandateOf, startSession } from '../environment.mjs';
import { median } from '../measure.mjs';

const CALLERS = 16;
const TREE = 10_000;

/** Calls without pause until it is told to stop; remembers when the last accepted call was begun and when the first refusal came. */
async function keepCalling(pool, { path, headers }, seen) {
  while (!seen.stop) {
    const begun = performance.now();
    const answer = await pool.request({ path, method: 'GET', headers });
    await answer.body.dump();
    if (answer.statusCode === 200) seen.lastAccepted = Math.max(seen.lastAccepted, begun);
    else seen.refused += 1;
  }
}

/** One kill under load: `scene` has a mandate that is in use, and the switch that ends it. */
async function killOnce({ gatewayUrl, mandate, pull, after = async () => {} }) {
  const url = new URL(`${gatewayUrl}/1k`);
  const pool = new Pool(url.origin, { connections: CALLERS });
  const seen = { stop: false, lastAccepted: 0, refused: 0 };
  const request = { path: url.pathname, headers: { authorization: `Bearer ${mandate}` } };
  const callers = Array.from({ length: CALLERS }, () => keepCalling(pool, request, seen));
  for (let n = 0; n < 500 && seen.lastAccepted === 0; n += 1) await pause(10);
  await pause(100);
  const asked = performance.now();
  const answer = await pull();
  const answered = performance.now();
  if (answer.status > 201) throw new Error(`kill: ${answer.status} ${JSON.stringify(answer.body)}`);
  await pause(400);
  seen.stop = true;
  await Promise.all(callers);
  await pool.close();
  await after();
  if (seen.refused === 0) throw new Error('no call was refused after the kill switch had answered');
  if (seen.lastAccepted === 0) throw new Error('no call was accepted before the kill switch was pulled');
  // A call may have been begun and accepted before the request to end the session was.
  return {
    afterAnswer: Math.max(0, seen.lastAccepted - answered),
    afterRequest: Math.max(0, seen.lastAccepted - asked),
    answered: answered - asked,
  };
}

/** An application of its own in the zone, with a session at work. */
async function ownApplication(env, zone, resource) {
  const at = `/zones/${zone.slug}`;
  const { client_id } = await env.admin.create(`${at}/applications`, { name: 'To be killed' });
  const { client_secret } = await env.admin.create(`${at}/applications/${client_id}/credentials`, {
    type: 'client_secret',
  });
  await env.admin.create(`${at}/grants`, { application: client_id, resource: resource.id, scopes: ['api:read'] });
  const own = { zone, resource, oauth: await oauthClient(zone.issuer, { client_id, client_secret }) };
  const session = await startSession(own);
  return { own, application: client_id, session, mandate: await mandateOf(own, session) };
}

/** What an administrator ends by its kind and id. */
function revocation({ server }, zone, kind, id) {
  const json = { kind, id, reason: 'measured' };
  return call('POST', `${server.base}/v1/zones/${zone.slug}/revocations`, { token: server.adminToken, json });
}

async function ownZone(env, n) {
  const zone = await env.admin.create('/zones', { slug: `bench-kill-${n}`, name: 'To be killed' });
  const at = `/zones/${zone.slug}`;
  const provider = await env.admin.create(`${at}/providers`, { name: 'none', kind: 'none', config: {} });
  const resource = await env.admin.create(`${at}/resources`, {
    slug: 'api',
    name: 'API',
    identifier: 'https://api.bench.example/',
    upstream_url: env.upstream,
    enforcement: 'gateway',
    scopes: [{ name: 'api:read', description: 'read' }],
    operations: [{ method: 'GET', path: '/1k', scope: 'api:read' }],
    provider: provider.id,
  });
  return { zone, resource };
}

/** Below a root stand 10 000 sessions in chains of ten, as the coordinator writes them; the last one works. */
async function growTree(env, root) {
  const client = new pg.Client({ connectionString: env.dsn });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO caracal.sessions (zone, id, application, credential, parent, root, path, depth, lifecycle, subject, subject_type, authority, epochs, txn, started_at, expires_at)
       SELECT r.zone, r.id || '-' || c || '-' || d, r.application, r.credential, CASE d WHEN 1 THEN r.id ELSE r.id || '-' || c || '-' || (d - 1) END, r.id,
         r.id || (SELECT string_agg('/' || r.id || '-' || c || '-' || x, '' ORDER BY x) FROM generate_series(1, d) x),
         d, 'task', r.subject, r.subject_type, 'inherit', r.epochs, r.txn, now(), r.expires_at
       FROM caracal.sessions r, generate_series(1, ${TREE / 10}) c, generate_series(1, 10) d WHERE r.id = $1 ORDER BY d`,
      [root.id],
    );
  } finally {
    await client.end();
  }
}

const KINDS = {
  session: async (env) => {
    const session = await startSession(env);
    const end = `${env.zone.issuer}/sessions/${session.id}/terminate`;
    return {
      mandate: await mandateOf(env, session),
      pull: () => call('POST', end, { token: session.applicationToken, json: {} }),
    };
  },
  application: async (env) => {
    const { application, mandate } = await ownApplication(env, env.zone, env.resource);
    return { mandate, pull: () => revocation(env, env.zone, 'application', application) };
  },
  subject: async (env) => {
    const { application, mandate } = await ownApplication(env, env.zone, env.resource);
    return { mandate, pull: () => revocation(env, env.zone, 'subject', `app:${application}`) };
  },
  zone: async (env, n) => {
    const { zone, resource } = await ownZone(env, n);
    const { mandate } = await ownApplication(env, zone, resource);
    const kill = `${env.server.base}/v1/zones/${zone.slug}/kill`;
    return {
      gatewayUrl: resource.gateway_url,
      mandate,
      pull: () => call('POST', kill, { token: env.server.adminToken, json: { reason: 'measured' } }),
    };
  },
  tree: async (env) => {
    const most = 100_000;
    const limits = {
      sessions_per_application: most,
      sessions_per_zone: most,
      children_per_session: most,
      spawn_per_minute: most,
    };
    const { zone, resource } = await ownZone(env, `tree-${Date.now()}`);
    const at = `${env.server.base}/v1/zones/${zone.slug}`;
    const patched = await call('PATCH', at, {
      token: env.server.adminToken,
      json: { limits },
      headers: { 'if-match': '*' },
    });
    if (patched.status !== 200) throw new Error(`limits: ${patched.status} ${JSON.stringify(patched.body)}`);
    const { own, session: root } = await ownApplication(env, zone, resource);
    await growTree(env, root);
    const leaf = await call('POST', `${zone.issuer}/sessions`, {
      token: root.applicationToken,
      json: { lifecycle: 'task', parent: `${root.id}-500-9` },
    });
    if (leaf.status !== 201) throw new Error(`leaf: ${leaf.status} ${JSON.stringify(leaf.body)}`);
    return {
      gatewayUrl: resource.gateway_url,
      mandate: await mandateOf(own, leaf.body),
      pull: () =>
        call('POST', `${zone.issuer}/sessions/${root.id}/terminate`, { token: root.applicationToken, json: {} }),
    };
  },
};

export async function measureKills(env, { kills }, { title, kind = 'session', goalMs, atReplica = (url) => url }) {
  const rows = [];
  for (let n = 0; n < kills; n += 1) {
    const { gatewayUrl = env.resource.gateway_url, ...scene } = await KINDS[kind](env, n);
    rows.push(await killOnce({ ...scene, gatewayUrl: atReplica(gatewayUrl) }));
  }
  const middle = (name) => median(rows.map((row) => row[name])).toFixed(1);
  return {
    title,
    value: Math.max(...rows.map((row) => row.afterAnswer)),
    unit: 'ms',
    goal: { atMost: goalMs },
    note: `worst of ${kills}, from the answer to the last accepted call; answered after ${middle('answered')} ms, last accepted call ${middle('afterRequest')} ms after the request (medians)`,
    rounds: rows,
  };
}

/** Each kind of kill switch, on the replica that it was pulled on. */
export const killScenarios = Object.fromEntries(
  Object.keys(KINDS).map((kind) => [
    kind === 'session' ? 'kill' : `kill-${kind}`,
    (env, { kills }) =>
      measureKills(
        env,
        // A tree of 10 000 takes its time to grow.
        { kills: kind === 'tree' ? Math.min(kills, 3) : kills },
        {
          title: `kill switch, ${kind === 'tree' ? 'tree of 10 000' : kind}`,
          kind,
          goalMs: kind === 'tree' ? 1_000 : 10,
        },
      ),
  ]),
);
