/** What the demonstration shows, step by step. Every value that is looked at is compared with what it must be. */
import { randomBytes } from 'node:crypto';
import { administration, call, claimsOf, oauthClient } from './caracal.mjs';
import { connectMcp, interruptedStream } from './mcp.mjs';
import { expect, say, step } from './narrator.mjs';

const REGISTRY = 'https://registry.example/';
const TOOLS = 'https://tools.example/';

export async function tell({ server, registry, mcp }) {
  const admin = administration(server);
  await step('Without a credential the registry answers nobody', () => showLockedRegistry(registry));
  const zone = await step('An administrator creates a zone', () => createZone(admin));
  const application = await step('… and registers an application', () => registerApplication(admin, zone));
  const resources = await step('… and puts both upstreams behind the gateway', () =>
    protectUpstreams(admin, { zone, registry, mcp }),
  );
  await step('… and grants the application some of it', () => grant(admin, { zone, application, resources }));
  const oauth = await oauthClient(zone.issuer, application);
  const session = await step('The application authenticates and starts a session', () => startSession(oauth, zone));
  const mandates = await step('It exchanges its session token for mandates', () => exchange(oauth, session));
  await step('It works with the registry without ever holding its token', () =>
    useRegistry({ resources, registry, mandates }),
  );
  const client = await step('An MCP client works through the gateway', () => useTools({ resources, mandates }));
  const child = await step('It spawns a sub-agent that may only read', () =>
    spawnChild(oauth, { zone, session, resources }),
  );
  const refused = await step('What the sub-agent may not do is refused, with the reason', () =>
    refuse(oauth, { child, resources }),
  );
  await step('The administrator sees why', () => explain(admin, { zone, refused }));
  await step('The session is ended in the middle of a stream', () =>
    kill({ client, session, zone, resources, mandates }),
  );
  await step('Nothing that came from it works any more', () =>
    showAftermath(oauth, { session, child, resources, mandates }),
  );
  await step('The ledger holds every decision and verifies', () => verifyLedger(admin, { zone, server }));
}

async function showLockedRegistry(registry) {
  const anonymous = await call('GET', `${registry.url}/demo-package`);
  expect('reading a package without a token', anonymous.status, 401);
}

async function createZone(admin) {
  const zone = await admin.create('/zones', { slug: `demo-${randomBytes(4).toString('hex')}`, name: 'Demonstration' });
  say(`zone ${zone.slug}, issuer ${zone.issuer}`);
  return zone;
}

async function registerApplication(admin, zone) {
  const path = `/zones/${zone.slug}/applications`;
  const application = await admin.create(path, { name: 'Release agent', slug: 'release-agent' });
  const credential = await admin.create(`${path}/${application.client_id}/credentials`, { type: 'client_secret' });
  say(`client ${application.client_id}, with a secret that is shown once`);
  return { client_id: application.client_id, client_secret: credential.client_secret };
}

async function protectUpstreams(admin, { zone, registry, mcp }) {
  const at = `/zones/${zone.slug}`;
  const config = { config: {}, secret: { token: registry.token } };
  const bearer = await admin.create(`${at}/providers`, { name: 'registry token', kind: 'bearer', ...config });
  expect('the answer holds the token it was given', JSON.stringify(bearer).includes(registry.token), false);
  const none = await admin.create(`${at}/providers`, { name: 'no credential', kind: 'none', config: {} });
  const packages = await admin.create(`${at}/resources`, registryResource(registry, bearer));
  const tools = await admin.create(`${at}/resources`, toolsResource(mcp, none));
  say(`${registry.url} is ${packages.gateway_url}`);
  say(`${mcp.url} is ${tools.gateway_url}`);
  return { packages, tools };
}

function registryResource(registry, provider) {
  return {
    slug: 'registry',
    name: 'Package registry',
    identifier: REGISTRY,
    upstream_url: registry.url,
    enforcement: 'gateway',
    scopes: ['read', 'publish'].map((verb) => ({ name: `packages:${verb}`, description: `${verb} packages` })),
    operations: [
      { method: 'GET', path: '/-/whoami', scope: 'packages:read' },
      { method: 'GET', path: '/{package}', scope: 'packages:read' },
      { method: 'PUT', path: '/{package}', scope: 'packages:publish' },
    ],
    provider: provider.id,
  };
}

function toolsResource(mcp, provider) {
  return {
    slug: 'tools',
    name: 'MCP tools',
    identifier: TOOLS,
    upstream_url: `${mcp.url}/mcp`,
    enforcement: 'gateway',
    mcp: true,
    scopes: ['look', 'run'].map((verb) => ({ name: `tools:${verb}`, description: `${verb} tools` })),
    operations: [
      { mcp_tool: 'echo', scope: 'tools:look' },
      { mcp_tool: 'get-sum', scope: 'tools:look' },
      { mcp_tool: 'trigger-long-running-operation', scope: 'tools:run' },
    ],
    provider: provider.id,
  };
}

async function grant(admin, { zone, application, resources }) {
  const held = { packages: ['packages:read', 'packages:publish'], tools: ['tools:look', 'tools:run'] };
  for (const [name, scopes] of Object.entries(held)) {
    const grants = { application: application.client_id, resource: resources[name].id, scopes };
    await admin.create(`/zones/${zone.slug}/grants`, grants);
    say(`${scopes.join(', ')} at ${resources[name].name}`);
  }
}

async function startSession(oauth, zone) {
  const token = await oauth.clientCredentials();
  expect('client_credentials', token.status, 200);
  const started = await call('POST', `${zone.issuer}/sessions`, {
    token: token.body.access_token,
    json: { lifecycle: 'task', ttl_seconds: 600, metadata: { work: 'release 1.0.0' } },
  });
  expect('session started', started.status, 201);
  say(`session ${started.body.id}`);
  return { ...started.body, applicationToken: token.body.access_token };
}

async function exchange(oauth, session) {
  const mandates = {};
  for (const [name, resource] of [
    ['packages', REGISTRY],
    ['tools', TOOLS],
  ]) {
    const { status, body } = await oauth.exchange(session.session_token, { resource });
    expect(`exchange for ${resource}`, status, 200);
    say(`scope "${body.scope}", ${body.expires_in} s, receipt ${body.receipt.zone}/${body.receipt.index}`);
    mandates[name] = body.access_token;
  }
  expect('the mandate names the session', claimsOf(mandates.packages).sid, session.id);
  return mandates;
}

async function useRegistry({ resources, registry, mandates }) {
  const { gateway_url: url } = resources.packages;
  const me = await call('GET', `${url}/-/whoami`, { token: mandates.packages });
  expect('whoami through the gateway', me.body?.username, 'release-bot');
  expect('the decision has a receipt', me.headers.get('authority-receipt'), /^demo-[0-9a-f]{8}\/\d+$/);
  const published = await call('PUT', `${url}/demo-package`, { token: mandates.packages, json: packageOf(registry) });
  expect('publishing a package', published.status, 201);
  const read = await call('GET', `${url}/demo-package`, { token: mandates.packages });
  expect('reading it back', read.body?.['dist-tags']?.latest, '1.0.0');
  const unlisted = await call('DELETE', `${url}/demo-package/-rev/1`, { token: mandates.packages });
  expect(
    'an operation nobody declared',
    `${unlisted.status} ${unlisted.headers.get('caracal-error')}`,
    '403 operation_not_permitted',
  );
}

function packageOf(registry) {
  const content = Buffer.from('a package of the demonstration');
  const file = 'demo-package-1.0.0.tgz';
  const version = {
    name: 'demo-package',
    version: '1.0.0',
    dist: { tarball: `${registry.url}/demo-package/-/${file}` },
  };
  return {
    _id: 'demo-package',
    name: 'demo-package',
    'dist-tags': { latest: '1.0.0' },
    versions: { '1.0.0': version },
    _attachments: {
      [file]: { content_type: 'application/octet-stream', data: content.toString('base64'), length: content.length },
    },
  };
}

async function useTools({ resources, mandates }) {
  const mcp = await connectMcp(resources.tools.gateway_url, mandates.tools);
  const { tools } = await mcp.client.listTools();
  expect(
    'the list of tools has get-sum',
    tools.some((tool) => tool.name === 'get-sum'),
    true,
  );
  const sum = await mcp.client.callTool({ name: 'get-sum', arguments: { a: 19, b: 23 } });
  expect('get-sum 19 + 23', sum.content?.[0]?.text, /\b42\b/);
  const undeclared = await mcp.client.callTool({ name: 'get-env', arguments: {} }).catch((error) => error.message);
  expect('get-env, which nobody declared', undeclared, /403|operation_not_permitted/);
  return mcp;
}

async function spawnChild(oauth, { zone, session, resources }) {
  const started = await call('POST', `${zone.issuer}/sessions`, {
    token: session.session_token,
    json: {
      lifecycle: 'task',
      parent: session.id,
      authority: { narrow: { resources: [{ resource: REGISTRY, scopes: ['packages:read'] }], ttl_seconds: 300 } },
    },
  });
  expect('sub-agent started', started.status, 201);
  expect('its authority', started.body.authority, 'narrowed');
  const mandate = await oauth.exchange(started.body.session_token, { resource: REGISTRY });
  expect('it may hold', mandate.body.scope, 'packages:read');
  const token = mandate.body.access_token;
  expect('its mandate names who delegated', claimsOf(token).act?.act?.sid, session.id);
  const read = await call('GET', `${resources.packages.gateway_url}/demo-package`, { token });
  expect('it reads the package', read.status, 200);
  return { ...started.body, mandate: token };
}

async function refuse(oauth, { child, resources }) {
  const more = await oauth.exchange(child.session_token, { resource: REGISTRY, scope: 'packages:publish' });
  expect('asking for more', `${more.status} ${more.body.error}`, '400 invalid_scope');
  say(more.body.error_description ?? '');
  const elsewhere = await oauth.exchange(child.session_token, { resource: TOOLS });
  expect('asking for something else', `${elsewhere.status} ${elsewhere.body.error}`, '400 invalid_target');
  const write = await call('PUT', `${resources.packages.gateway_url}/demo-package`, {
    token: child.mandate,
    json: { name: 'demo-package' },
  });
  expect('publishing all the same', `${write.status} ${write.headers.get('caracal-error')}`, '403 insufficient_scope');
  say(write.headers.get('www-authenticate') ?? '');
  return write.headers.get('x-request-id');
}

async function explain(admin, { zone, refused }) {
  const { status, body } = await admin.get(`/zones/${zone.slug}/audit/requests/${encodeURIComponent(refused)}`);
  expect('the request is in the ledger', status, 200);
  const entry = body.items.map((item) => item.entry).find((item) => item.type === 'gateway.request');
  expect('it was', entry?.decision, 'deny');
  say(`reasons: ${(entry.reasons ?? []).join(', ')}; operation ${entry.operation?.method} ${entry.operation?.path}`);
}

async function kill({ client, session, zone }) {
  let answered;
  const seen = await interruptedStream(client, async () => {
    const ended = call('POST', `${zone.issuer}/sessions/${session.id}/terminate`, {
      token: session.applicationToken,
      json: { reason: 'demonstration' },
    });
    answered = (await ended).status;
  });
  say(`${seen.before} reports of progress had come`);
  expect('the session was ended', answered, 200);
  expect('the stream was cut', seen.error, /disconnected|terminated|aborted|401|revoked|closed/i);
  expect('reports after that', seen.after <= 1, true);
  say(`${seen.cutAfterMs} ms after the request to end it: ${seen.error}`);
  await client.close();
}

async function showAftermath(oauth, { session, child, resources, mandates }) {
  const url = `${resources.packages.gateway_url}/-/whoami`;
  const parent = await call('GET', url, { token: mandates.packages });
  expect('the same mandate', `${parent.status} ${parent.headers.get('caracal-error')}`, '401 revoked');
  const below = await call('GET', url, { token: child.mandate });
  expect("the sub-agent's mandate", `${below.status} ${below.headers.get('caracal-error')}`, '401 revoked');
  const again = await oauth.exchange(session.session_token, { resource: REGISTRY });
  expect('another exchange', `${again.status} ${again.body.error}`, '400 invalid_request');
}

async function verifyLedger(admin, { zone, server }) {
  const { body } = await admin.get(`/zones/${zone.slug}/audit/events?limit=200`);
  const count = (decision) => body.items.filter((item) => item.entry.decision === decision).length;
  say(`${body.items.length} entries: ${count('allow')} allowed, ${count('deny')} denied, the others are news`);
  expect('there is more than one of each', count('allow') > 1 && count('deny') > 1, true);
  if (server.verify === undefined)
    return say('CARACAL_DATA_DIR is not set: the verify program needs it and is left out');
  const { status, text } = server.verify(zone.slug);
  for (const line of text.split('\n')) say(line);
  expect('the verify program ends with', status, 0);
}
