import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { asSuperuser } from '../support/database.js';
import { OAuthScene, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

const PERMIT = 'permit(principal, action, resource);';

let app: TestApp;
let scene: OAuthScene;
let agent: SceneClient;
let resource: SceneResource;
let token: string;
beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  agent = await scene.client();
  resource = await scene.resource(['read']);
  await scene.grant(agent, resource, ['read']);
  token = await scene.applicationToken(agent);
});
afterAll(() => app.close());

/** How many entries all ledgers hold. */
async function entries(): Promise<number> {
  const { rows } = await asSuperuser(app.dsn, (client) =>
    client.query<{ n: string }>('SELECT sum(next_index) AS n FROM caracal.ledger_head'),
  );
  return Number(rows[0]?.n);
}

const question = () => ({ request: { application: agent.id, resource: resource.id, scope: 'read' } });
const heartbeat = async () => {
  const service = await scene.session(token, { lifecycle: 'service' });
  return () => scene.runtime('POST', `/sessions/${service.id}/heartbeat`, token, { generation: 1 });
};
const explanation = async () => {
  await scene.oauth('token', { grant_type: 'client_credentials', resource: resource.gateway_url }, agent);
  const index = (await scene.entries('type=exchange')).at(-1)?.index;
  return () => scene.admin('POST', '/policy/explain', { index });
};
const dryRun = async () => {
  const { body } = await app.admin('GET', '/v1/config/export');
  return () => app.admin('POST', '/v1/config/apply?dry_run=true', body);
};

/** The list of governance/unaudited-paths.md; each makes what it needs and answers the request itself. */
const REQUESTS: readonly (readonly [string, () => Promise<() => Promise<TestAnswer>>])[] = [
  ['introspection', async () => () => scene.oauth('introspect', { token }, agent)],
  ['revocation of a token that is none', async () => () => scene.oauth('revoke', { token: 'none' }, agent)],
  ['a heartbeat', heartbeat],
  ['simulate', async () => () => scene.admin('POST', '/policy/simulate', question())],
  ['explain', explanation],
  ['who-can', async () => () => scene.admin('POST', '/policy/who-can', { resource: resource.id, scope: 'read' })],
  ['validate', async () => () => scene.admin('POST', '/policy/validate', { cedar: PERMIT })],
  ['a dry run of a configuration', dryRun],
  ['a read', async () => () => scene.admin('GET', `/applications/${agent.id}`)],
];

describe('a request that the list of unaudited paths names', () => {
  it.each(REQUESTS)('[T6] %s succeeds and leaves no entry', async (_name, prepare) => {
    const request = await prepare();
    const before = await entries();
    const { status, body } = await request();
    expect([status, body]).toEqual([200, body]);
    expect(await entries()).toBe(before);
  });
});
