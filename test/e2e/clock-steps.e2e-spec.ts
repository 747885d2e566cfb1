import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asSuperuser } from '../support/database.js';
import { DatabaseServer } from '../support/database-server.js';
import { created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let server: DatabaseServer;
let scene: OAuthScene;
let owner: SceneClient;
let mail: SceneResource;

beforeAll(async () => {
  server = await DatabaseServer.open();
  scene = await OAuthScene.open(server);
  owner = await scene.client();
  mail = await scene.resource(['read']);
  await scene.grant(owner, mail, ['read']);
});

afterAll(() => server.close());

/** Sets the process's wall clock this far from the right one. */
const setClock = (seconds: number) => server.process.tell({ skew: seconds * 1_000 });

async function work(lifetime = '300') {
  const token = await scene.applicationToken(owner);
  const session = await scene.session(token, { ttl_seconds: 60 });
  const service = await scene.session(token, { lifecycle: 'service', lease_seconds: 15 });
  const edge = created(
    await scene.runtime('POST', '/delegations', session.session_token, {
      target: service.id,
      resources: [{ resource: mail.identifier, scopes: ['read'] }],
      ttl_seconds: 30,
    }),
  );
  const fields = { resource: mail.gateway_url, lifetime };
  const mandate = ok(await scene.exchange(owner, session.session_token, fields)).access_token as string;
  return { token, session, service, edge, mandate };
}

type Work = Awaited<ReturnType<typeof work>>;

/** How everything stands, as whoever is asked says. */
async function standing({ session, service, edge, mandate }: Work) {
  const token = await scene.applicationToken(owner);
  const get = async (path: string): Promise<string> => ok(await scene.runtime('GET', path, token)).status;
  const exchanged = await scene.exchange(owner, session.session_token, { resource: mail.gateway_url });
  return {
    session: await get(`/sessions/${session.id}`),
    service: await get(`/sessions/${service.id}`),
    edge: await get(`/delegations/${edge.id}`),
    mandate: ok(await scene.oauth('introspect', { token: mandate }, owner)).active,
    exchanged: exchanged.status,
  };
}

const RUNS = { session: 'active', service: 'active', edge: 'active', mandate: true, exchanged: 200 };

describe('a wall clock that is set', () => {
  it('[T4] forward ends what is over by then; set back again it revives nothing, and work goes on', async () => {
    const before = await work('60');
    expect(await standing(before)).toEqual(RUNS);
    await setClock(90);
    const over = { session: 'expired', service: 'suspended', edge: 'expired', mandate: false, exchanged: 400 };
    expect(await standing(before)).toEqual(over);
    expect((await server.admin('GET', '/health/ready')).body.reasons).toContain('clock_skew');
    await setClock(-3_600);
    expect(await standing(before)).toEqual(over);
    expect((await scene.runtime('GET', `/sessions/${before.session.id}`, before.session.session_token)).status).toBe(
      401,
    );
    const heartbeat = await scene.runtime('POST', `/sessions/${before.service.id}/heartbeat`, before.token, {
      generation: 1,
    });
    expect(heartbeat.body.code).toBe('session_not_active');
    expect(await standing(await work())).toEqual(RUNS);
  });

  it('[T4] back leaves revoked what was revoked, and opens no delegation before its time', async () => {
    const { token, session, service, edge, mandate } = await work();
    const from = new Date(Date.now() + 7_200_000).toISOString();
    const later = created(
      await scene.runtime('POST', '/delegations', session.session_token, {
        target: service.id,
        resources: [{ resource: mail.identifier, scopes: ['read'] }],
        ttl_seconds: 30,
        constraints: { not_before: from },
      }),
    );
    ok(await scene.runtime('POST', `/delegations/${edge.id}/revoke`, token, {}));
    ok(await scene.runtime('POST', `/sessions/${session.id}/terminate`, token, {}));
    await setClock(-86_400);
    expect(await standing({ token, session, service, edge, mandate })).toMatchObject({
      session: 'terminated',
      edge: 'revoked',
      mandate: false,
      exchanged: 400,
    });
    const early = { resource: mail.gateway_url, delegation: later.id as string };
    expect((await scene.exchange(owner, service.session_token, early)).body.error).toBe('invalid_request');
    expect(await standing(await work())).toEqual(RUNS);
  });

  it('[T8] hours ahead breaks nothing: what ran is over, new work goes on, and the ledger’s times go forward only', async () => {
    const before = await work();
    await setClock(7_200);
    expect(await standing(before)).toMatchObject({ session: 'expired', service: 'terminated', mandate: false });
    expect((await scene.runtime('GET', '/sessions', before.token)).status).toBe(401);
    expect(await standing(await work())).toEqual(RUNS);
    await setClock(0);
    expect(await standing(await work())).toEqual(RUNS);
    const { rows } = await asSuperuser(server.dsn, (client) =>
      client.query<{ back: string }>(
        `SELECT count(*) AS back FROM (SELECT ingested_at < lag(ingested_at) OVER (ORDER BY index) AS back FROM caracal.ledger WHERE zone = $1) t WHERE back`,
        [scene.zone],
      ),
    );
    expect(rows[0]?.back).toBe('0');
  });

  it('[T4] leaves nothing alive that the rows call ended, when a process with the right time takes over', async () => {
    const before = await work();
    ok(await scene.runtime('POST', `/sessions/${before.session.id}/terminate`, before.token, {}));
    await server.dieAndStart();
    expect(await standing(before)).toMatchObject({ session: 'terminated', mandate: false, exchanged: 400 });
    expect(await standing(await work())).toEqual(RUNS);
    expect((await server.admin('GET', '/health/ready')).status).toBe(200);
  });
});
