import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  adminOf,
  claimsOf,
  created,
  makeApplication,
  makeZoneOverHttp,
  oauth,
  type ApplicationFixture,
} from '../support/fixtures.js';
import { newDataDir, removeDataDir, startServer, type ServerProcess } from '../support/server.js';

/** One name through all starts, each of which listens on another port. */
const PUBLIC_URL = 'http://127.0.0.1:9';

let dataDir: string;
let server: ServerProcess;

describe('kill -9 between steps of an approval', () => {
  const FORBID = '@approval("operator") forbid(principal, action == Action::"held", resource);';
  const zone = '/v1/zones/approvals';
  let client: ApplicationFixture;
  let resourceName: string;

  const admin = (method: string, path: string, body?: unknown) =>
    adminOf(server.url, server.adminToken).admin(method, path, body);
  const ask = (approval?: string) =>
    oauth(
      server.url,
      '/z/approvals/oauth2/token',
      { grant_type: 'client_credentials', resource: resourceName, scope: 'held', ...(approval ? { approval } : {}) },
      client,
    );
  async function die(): Promise<void> {
    await server.end('SIGKILL');
    server = await startServer(dataDir, { PUBLIC_URL });
  }
  const steps = async (id: string): Promise<string[]> => {
    const { body } = await admin('GET', `${zone}/audit/events?limit=200`);
    const entries: { type: string; approval?: string }[] = body.items.map((item: { entry: object }) => item.entry);
    return entries
      .filter(({ approval, type }) => approval === id && type.startsWith('approval.'))
      .map(({ type }) => type);
  };

  beforeAll(async () => {
    dataDir = await newDataDir();
    server = await startServer(dataDir, { PUBLIC_URL });
    const client_ = adminOf(server.url, server.adminToken);
    await makeZoneOverHttp(client_, 'approvals');
    client = await makeApplication(client_, 'approvals', 'agent');
    resourceName = 'https://held.example.test/';
    const scopes = [{ name: 'held' }];
    const direct = { slug: 'held', identifier: resourceName, enforcement: 'direct', scopes };
    const resource = await created(client_, `${zone}/resources`, direct);
    await created(client_, `${zone}/grants`, { application: client.id, resource: resource.id, scopes: ['held'] });
    const policies: string[] = [];
    for (const [name, cedar] of Object.entries({ all: 'permit(principal, action, resource);', ask: FORBID }))
      policies.push((await created(client_, `${zone}/policies`, { name, cedar })).id);
    const { version } = await created(client_, `${zone}/policy-sets`, { policies });
    expect((await admin('POST', `${zone}/policy-sets/${version}/activate`)).status).toBe(200);
  });

  afterAll(async () => {
    await server?.end('SIGKILL');
    await removeDataDir(dataDir);
  });

  it('[T4] loses neither the hold nor the decision, releases one token, and re-delivers it after another kill', async () => {
    const held = await ask();
    expect([held.status, held.body.error]).toEqual([400, 'authorization_pending']);
    const { id } = held.body.approval;
    await die();
    expect((await ask()).body.approval.id).toBe(id);
    expect((await admin('POST', `${zone}/approvals/${id}/approve`)).body.status).toBe('approved');
    await die();
    const uses = await Promise.all(Array.from({ length: 8 }, () => ask(id)));
    expect(uses.map(({ status }) => status)).toEqual(uses.map(() => 200));
    const jtis = new Set(uses.map(({ body }) => claimsOf(body.access_token).jti));
    expect(jtis.size).toBe(1);
    await die();
    const again = await ask(id);
    expect([again.status, jtis.has(claimsOf(again.body.access_token).jti)]).toEqual([200, true]);
    expect(await steps(id)).toEqual(['approval.requested', 'approval.decided', 'approval.consumed']);
    expect((await ask()).body.approval.id).not.toBe(id);
  });

  it('[T4] killed while it is being used: used once or not at all, and then once', async () => {
    const { id } = (await ask()).body.approval;
    expect((await admin('POST', `${zone}/approvals/${id}/approve`)).status).toBe(200);
    // Some answers are lost with the process; none of them is another token.
    const racing = Array.from({ length: 12 }, () => ask(id).catch(() => undefined));
    await new Promise((done) => setTimeout(done, 8));
    await die();
    const received = (await Promise.all(racing)).filter((answer) => answer?.status === 200);
    const last = await ask(id);
    expect(last.status).toBe(200);
    const jtis = [...received, last].map((answer) => claimsOf(answer?.body.access_token).jti);
    expect(new Set(jtis).size).toBe(1);
    expect((await steps(id)).filter((type) => type === 'approval.consumed')).toHaveLength(1);
  });
});
