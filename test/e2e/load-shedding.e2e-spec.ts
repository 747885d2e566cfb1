import { ModulesContainer } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { declaredRoutes } from '../../src/platform/http/index.js';
import { UNSHED_ROUTES } from '../../src/platform/http/server/load-shedding.js';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { type GatewayScene, openGateway, startUpstream, type Upstream } from '../support/gateway-scene.js';

const LIMIT_MS = 100;

/** Where everything is made ready: it never sheds, however busy the machine is. */
let app: TestApp;
/** The one that is watched, on the same event loop. */
let replica: TestApp;
let upstream: Upstream;
let gateway: GatewayScene;
let calls = 0;

beforeAll(async () => {
  app = await startTestApp();
  replica = await app.replica({ MAX_LOOP_DELAY: String(LIMIT_MS), PUBLIC_URL: app.url });
  upstream = await startUpstream((_request, response) => void response.end(String((calls += 1))));
  gateway = await openGateway(app, { upstream: upstream.url });
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

/** Gives the event loop, in every turn, more to do than it may take, until it is told to stop. */
function overrun(): () => void {
  let on = true;
  const turn = (): void => {
    const end = performance.now() + 2 * LIMIT_MS;
    while (performance.now() < end);
    if (on) setImmediate(turn);
  };
  turn();
  return () => (on = false);
}

const metric = async (name: string): Promise<number> =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await replica.admin('GET', '/metrics')).body as string)?.[1]);

describe('an event loop that is late', () => {
  it('[T8] sheds new work with 503 and Retry-After, is still seen and stopped, and serves again when it is in time', async () => {
    const { scene } = gateway;
    const token = await gateway.mandate();
    const authorization = `Bearer ${token}`;
    const url = gateway.resource.gateway_url.replace(app.url, replica.url);
    const send = () => fetch(`${url}/`, { headers: { authorization } });
    const at = (method: string, path: string, body?: unknown) =>
      replica.admin(method, `/v1/zones/${scene.zone}${path}`, body);
    while ((await send()).status !== 200);
    const stop = overrun();
    try {
      while ((await metric('caracal_loop_delay_seconds')) < LIMIT_MS / 1_000);
      const before = calls;
      const [viaGateway, introspected, listed, unknown, live, system, killed] = await Promise.all([
        send(),
        call(replica.url, { method: 'POST', path: `/z/${scene.zone}/oauth2/introspect`, body: {} }),
        at('GET', '/resources'),
        call(replica.url, { method: 'GET', path: '/nowhere' }),
        call(replica.url, { method: 'GET', path: '/health/live' }),
        replica.admin('GET', '/v1/system'),
        at('POST', '/kill', { reason: 'overrun' }),
      ]);
      expect([viaGateway.status, viaGateway.headers.get('caracal-error')]).toEqual([503, 'overloaded']);
      expect([introspected.status, introspected.body.error]).toEqual([503, 'temporarily_unavailable']);
      for (const answer of [listed, unknown])
        expect([answer.status, answer.body.code]).toEqual([503, 'temporarily_unavailable']);
      for (const { headers } of [viaGateway, introspected, listed, unknown])
        expect(headers.get('retry-after')).toBe('1');
      expect([live.status, system.status, killed.status]).toEqual([200, 200, 200]);
      expect(calls).toBe(before);
      expect(await metric('caracal_shed_requests_total')).toBeGreaterThanOrEqual(4);
    } finally {
      stop();
    }
    let after = await send();
    while (after.status === 503) after = await send();
    expect(after.headers.get('caracal-error')).toBe('revoked');
  });

  it('[T8] what is not shed are routes that exist', () => {
    const routes = declaredRoutes(app.running.app.get(ModulesContainer)).map(({ method, path }) => `${method} ${path}`);
    expect(UNSHED_ROUTES.filter((route) => !routes.includes(route))).toEqual([]);
  });
});
