import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UnknownOutcomes } from '../../src/audit/jobs/unknown-outcomes.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { readKeyRing } from '../../src/platform/secrets/index.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { adminOf, created, makeZoneOverHttp, oauth } from '../support/fixtures.js';
import { startUpstream, type Upstream } from '../support/gateway-scene.js';
import { newDataDir, openServerDatabase, removeDataDir, startServer, type ServerProcess } from '../support/server.js';

const CALLS = 5;
const ENV = { EGRESS_ALLOW_LOOPBACK: 'true' };

let dataDir: string;
let server: ServerProcess;
let upstream: Upstream;
let reached = 0;

beforeAll(async () => {
  dataDir = await newDataDir();
  server = await startServer(dataDir, ENV);
  // Answers one call and leaves all others waiting.
  upstream = await startUpstream((request, response) => {
    if (request.url === '/quick') response.end('done');
    else reached += 1;
  });
});

afterAll(async () => {
  await server?.end('SIGKILL');
  await upstream?.close();
  await removeDataDir(dataDir);
});

async function outcomes(): Promise<{ request: number; status: unknown }[]> {
  const admin = adminOf(server.url, server.adminToken);
  const page = await admin.admin('GET', '/v1/zones/crash/audit/events?type=gateway.outcome&limit=200');
  return page.body.items.map((item: { entry: { detail: object } }) => item.entry.detail);
}

describe('kill -9 in the middle of calls', () => {
  it('[T6] leaves each of them with one outcome, unknown, once their time is over', async () => {
    const admin = adminOf(server.url, server.adminToken);
    await makeZoneOverHttp(admin, 'crash');
    const made = await created(admin, '/v1/zones/crash/protect', {
      name: 'Slow',
      upstream_url: upstream.url,
      provider: { kind: 'none' },
    });
    const form = { grant_type: 'client_credentials', resource: made.gateway_url };
    const { body } = await oauth(server.url, '/z/crash/oauth2/token', form, {
      id: made.client_id,
      secret: made.client_secret,
    });
    const get = (path: string) =>
      fetch(`${made.gateway_url}${path}`, { headers: { authorization: `Bearer ${body.access_token}` } });
    expect((await get('/quick')).status).toBe(200);
    for (let n = 0; n < 200 && (await outcomes()).length < 1; n += 1) await new Promise((done) => setTimeout(done, 25));
    const lost = Array.from({ length: CALLS }, () => get('/slow').catch(() => undefined));
    for (let n = 0; n < 400 && reached < CALLS; n += 1) await new Promise((done) => setTimeout(done, 25));
    expect(reached).toBe(CALLS);

    await server.end('SIGKILL');
    await Promise.all(lost);
    server = await startServer(dataDir, ENV);
    const clock = { now: () => Date.now() + 25 * 3_600_000, monotonic: () => systemClock.monotonic() };
    const [database, twin] = [await openServerDatabase(dataDir), await openServerDatabase(dataDir)];
    try {
      const keys = new LedgerKeys(...(await readKeyRing(dataDir, 'ledgerHmac')));
      const replicas = [database, twin].map(
        (on) =>
          new UnknownOutcomes({
            database: on,
            keys,
            clock,
            queues: { schedule: () => undefined },
            onClosed: () => undefined,
          }),
      );
      for (let round = 0; round < 2; round += 1) await Promise.all(replicas.map((replica) => replica.run()));
    } finally {
      await Promise.all([database.close(), twin.close()]);
    }
    const ended = await outcomes();
    expect(ended.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(ended.filter(({ status }) => status === 'unknown')).toHaveLength(CALLS);
    expect(new Set(ended.map(({ request }) => request)).size).toBe(CALLS + 1);
    // The server goes on appending after what the others wrote.
    await created(adminOf(server.url, server.adminToken), '/v1/zones/crash/applications', { name: 'next' });
  });
});
