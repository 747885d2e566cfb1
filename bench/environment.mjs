/** The built server on its embedded PostgreSQL, its rulers, and a zone to work in. */
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { administration, call, oauthClient } from '../examples/demo/caracal.mjs';
import { start } from '../examples/demo/processes.mjs';
import { startServer } from '../examples/demo/server.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const TMPFS = 0x0102_1994;
const ready = (text) => /listening on (http:\/\/\S+)/.exec(text)?.[1];

/** A directory on a real disk: an fsync to memory would flatter every figure. */
export async function workDirectory() {
  for (const base of [tmpdir(), '/var/tmp', path.join(HERE, 'results')]) {
    if ((await statfs(base)).type !== TMPFS) return mkdtemp(path.join(base, 'caracal-bench-'));
  }
  throw new Error('no directory on a disk: set TMPDIR to one');
}

export function startRuler(name, env = {}) {
  return start(name, { args: [path.join(HERE, 'rulers', `${name}.mjs`)], env, ready });
}

/** What the scenarios share; made once, stopped with `stopAll`. */
export async function openEnvironment(directory, { profile }) {
  const upstream = await startRuler('upstream');
  const proxy = await startRuler('proxy', { BENCH_UPSTREAM: upstream.answer });
  const oidc = await startRuler('oidc');
  const dataDir = path.join(directory, 'caracal');
  const nodeArgs = profile ? ['--cpu-prof', `--cpu-prof-dir=${directory}`] : [];
  const server = await startServer(dataDir, { LOG_LEVEL: 'warn' }, nodeArgs);
  const dsn = (await readFile(path.join(dataDir, 'secrets/operator_dsn'), 'utf8')).trim();
  const work = await makeZone(server, upstream.answer);
  return {
    upstream: upstream.answer,
    proxy: proxy.answer,
    oidc: oidc.answer,
    server,
    dataDir,
    dsn,
    durability: await durability(dsn),
    ...work,
  };
}

/** The settings that a figure stands for; a benchmark without them would compare something else. */
async function durability(dsn) {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  try {
    const { rows } =
      await client.query(`SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('full_page_writes') AS full_page_writes, current_setting('server_version') AS version`);
    if (rows[0].fsync !== 'on' || rows[0].synchronous_commit !== 'on')
      throw new Error('the database does not keep what it acknowledges');
    return rows[0];
  } finally {
    await client.end();
  }
}

const POLICIES = 30;

async function makeZone(server, upstream) {
  const admin = administration(server);
  const zone = await admin.create('/zones', { slug: 'bench', name: 'Benchmark' });
  const at = '/zones/bench';
  const application = await admin.create(`${at}/applications`, { name: 'Load', slug: 'load' });
  const { client_secret: secret } = await admin.create(`${at}/applications/${application.client_id}/credentials`, {
    type: 'client_secret',
  });
  const provider = await admin.create(`${at}/providers`, {
    name: 'token',
    kind: 'bearer',
    config: {},
    secret: { token: 'upstream-token' },
  });
  const resource = await admin.create(`${at}/resources`, {
    slug: 'api',
    name: 'API',
    identifier: 'https://api.bench.example/',
    upstream_url: upstream,
    enforcement: 'gateway',
    scopes: [{ name: 'api:read', description: 'read' }],
    operations: [
      { method: 'GET', path: '/1k', scope: 'api:read' },
      { method: 'GET', path: '/stream', scope: 'api:read' },
      { method: 'GET', path: '/events', scope: 'api:read' },
    ],
    provider: provider.id,
  });
  await admin.create(`${at}/grants`, {
    application: application.client_id,
    resource: resource.id,
    scopes: ['api:read'],
  });
  const policies = await activatePolicies(server, resource.id, POLICIES);
  const client = { client_id: application.client_id, client_secret: secret };
  return { admin, zone, client, resource, policies, oauth: await oauthClient(zone.issuer, client) };
}

/** So many policies that are looked at and do not decide alone. */
export async function activatePolicies(server, resourceId, count) {
  const token = server.adminToken;
  const at = `${server.base}/v1/zones/bench`;
  const ids = [];
  for (let n = 0; n < count; n += 1) {
    const cedar =
      n === 0
        ? 'permit(principal, action, resource);'
        : `forbid(principal, action, resource) when { context.depth > ${n + 10} && resource == Resource::"${resourceId}" };`;
    const made = await call('POST', `${at}/policies`, { token, json: { name: `bench-${count}-${n}`, cedar } });
    if (made.status !== 201) throw new Error(`policy ${n}: ${made.status} ${JSON.stringify(made.body)}`);
    ids.push(made.body.id);
  }
  const set = await call('POST', `${at}/policy-sets`, { token, json: { policies: ids } });
  const active = await call('POST', `${at}/policy-sets/${set.body.version}/activate`, { token, json: {} });
  if (active.status !== 200) throw new Error(`policy set: ${active.status} ${JSON.stringify(active.body)}`);
  return `${count} policies`;
}

/** A session and its token. */
export async function startSession({ oauth, zone }) {
  const token = (await oauth.clientCredentials()).body.access_token;
  const session = await call('POST', `${zone.issuer}/sessions`, {
    token,
    json: { lifecycle: 'task', ttl_seconds: 3_600 },
  });
  if (session.status !== 201) throw new Error(`session: ${session.status} ${JSON.stringify(session.body)}`);
  return { ...session.body, applicationToken: token };
}

/** A fresh mandate for the resource, from a session's token. */
export async function mandateOf({ oauth, resource }, session) {
  const answer = await oauth.exchange(session.session_token, { resource: resource.identifier });
  if (answer.status !== 200) throw new Error(`exchange: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.access_token;
}

export async function closeEnvironment(directory) {
  await rm(directory, { recursive: true, force: true });
}
