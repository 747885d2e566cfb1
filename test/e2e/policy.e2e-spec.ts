import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { all } from '../support/administration.js';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { created, makeApplication, makeZoneOverHttp, oauth, type ApplicationFixture } from '../support/fixtures.js';

const RESOURCE = 'https://tickets.example.test/api';
const PERMIT = 'permit(principal, action, resource);';
const FORBID_WRITE = 'forbid(principal, action == Action::"tickets:write", resource);';

let app: TestApp;
let agent: ApplicationFixture;

beforeAll(async () => {
  app = await startTestApp();
  await makeZoneOverHttp(app, 'acme');
  agent = await makeApplication(app, 'acme', 'agent');
  const resource = await created(app, '/v1/zones/acme/resources', {
    slug: 'tickets',
    identifier: RESOURCE,
    enforcement: 'direct',
    scopes: [
      { name: 'tickets:read', description: 'Read' },
      { name: 'tickets:write', description: 'Write' },
    ],
  });
  const scopes = ['tickets:read', 'tickets:write'];
  await created(app, '/v1/zones/acme/grants', { application: agent.id, resource: resource.id, scopes });
});
afterAll(() => app.close());

const mandate = (scope?: string, url = app.url) =>
  oauth(
    url,
    '/z/acme/oauth2/token',
    { grant_type: 'client_credentials', resource: RESOURCE, ...(scope ? { scope } : {}) },
    agent,
  );

async function policyOf(cedar: string, name = 'rules'): Promise<string> {
  return (await created(app, '/v1/zones/acme/policies', { name, cedar })).id;
}

async function activate(...texts: string[]): Promise<number> {
  const policies: string[] = [];
  for (const cedar of texts) policies.push(await policyOf(cedar));
  const set = await created(app, '/v1/zones/acme/policy-sets', { policies });
  expect(set.status).toBe('draft');
  const answer = await app.admin('POST', `/v1/zones/acme/policy-sets/${set.version}/activate`);
  expect(answer).toMatchObject({ status: 200, body: { version: set.version, status: 'active' } });
  return set.version;
}

interface Exchanged {
  readonly index: number;
  readonly entry: { readonly policy: { readonly version: number }; readonly decision: string };
}

/** The ledger's exchanges from an index on. */
async function exchanges(from: number): Promise<Exchanged[]> {
  return all(app.admin, `/v1/zones/acme/audit/events?type=exchange&from=${from}`);
}

const activateVersion = (version: number): Promise<unknown> =>
  app.admin('POST', `/v1/zones/acme/policy-sets/${version}/activate`);

/** So many exchanges, eight at a time, and `meanwhile` again and again until they are made. */
async function exchangesWhile(
  count: number,
  meanwhile: (turn: number) => Promise<unknown>,
): Promise<readonly TestAnswer[]> {
  let left = count;
  const answers: TestAnswer[] = [];
  const worker = async (): Promise<void> => {
    while (left-- > 0) answers.push(await mandate('tickets:write'));
  };
  const running = Promise.all(Array.from({ length: 8 }, worker));
  for (let turn = 0; left > 0 && turn < 400; turn += 1) await meanwhile(turn);
  await running;
  return answers;
}

describe('policies', () => {
  it('without any policy, grants alone decide', async () => {
    expect((await mandate()).body.scope).toBe('tickets:read tickets:write');
  });

  it('[T2] an activated forbid refuses at once, names what is missing, and is named in the ledger', async () => {
    const version = await activate(PERMIT, FORBID_WRITE);
    const refused = await mandate('tickets:write');
    expect(refused).toMatchObject({
      status: 403,
      body: { error: 'access_denied', reason: 'forbidden', missing_scope: 'tickets:write' },
    });
    expect((await mandate()).body.scope).toBe('tickets:read');
    const events = await app.admin('GET', '/v1/zones/acme/audit/events?type=exchange&decision=deny&limit=200');
    const { entry } = events.body.items.at(-1);
    expect(entry).toMatchObject({ reasons: ['forbidden'], policy: { version } });
    expect(entry.policy.determining).toHaveLength(1);
    expect(JSON.stringify(entry)).not.toContain(agent.secret);
  });

  it('rollback returns to the set that was active before, and only from the active one', async () => {
    const first = await activate(PERMIT);
    const second = await activate(PERMIT, FORBID_WRITE);
    const path = (version: number) => `/v1/zones/acme/policy-sets/${version}/rollback`;
    expect((await app.admin('POST', path(first), { reason: 'not active' })).body.code).toBe('conflict');
    const back = await app.admin('POST', path(second), { reason: 'too strict' });
    expect(back).toMatchObject({ status: 200, body: { version: first, status: 'active' } });
    expect((await mandate('tickets:write')).status).toBe(200);
    expect((await app.admin('GET', `/v1/zones/acme/policy-sets/${second}`)).body.status).toBe('superseded');
  });

  it('refuses a text that does not validate, with its position, and keeps nothing', async () => {
    const before = (await app.admin('GET', '/v1/zones/acme/policies?limit=200')).body.items.length;
    const cedar = `${PERMIT}\npermit(principal, action == Action::"unknown:scope", resource);`;
    const answer = await app.admin('POST', '/v1/zones/acme/policies', { name: 'bad', cedar });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_request',
        errors: [{ field: 'cedar', message: expect.stringMatching(/^line 2, column /) }],
      },
    });
    expect((await app.admin('GET', '/v1/zones/acme/policies?limit=200')).body.items).toHaveLength(before);
    const validated = await app.admin('POST', '/v1/zones/acme/policy/validate', { cedar });
    expect(validated).toMatchObject({
      status: 200,
      body: { valid: false, errors: [{ line: 2, message: expect.any(String), column: expect.any(Number) }] },
    });
    expect((await app.admin('POST', '/v1/zones/acme/policy/validate', { cedar: PERMIT })).body).toEqual({
      valid: true,
      errors: [],
    });
  });

  it('keeps the text as it was written and counts the versions of a name', async () => {
    const cedar = '// why\n  permit( principal , action, resource );\n';
    const one = await created(app, '/v1/zones/acme/policies', { name: 'spaced', cedar });
    const two = await created(app, '/v1/zones/acme/policies', { name: 'spaced', cedar });
    expect([one.cedar, one.version, two.version]).toEqual([cedar, 1, 2]);
  });

  it('[T1] refuses sets of unknown policies and unknown sets', async () => {
    const unknown = 'pol_01900000-0000-7000-8000-000000000000';
    expect((await app.admin('POST', '/v1/zones/acme/policy-sets', { policies: [unknown] })).body.code).toBe(
      'invalid_request',
    );
    expect((await app.admin('POST', '/v1/zones/acme/policy-sets/99999/activate')).body.code).toBe('not_found');
    expect((await app.admin('POST', '/v1/zones/acme/policy-sets/nonsense/activate')).body.code).toBe('not_found');
  });

  it('[T2] while 100 exchanges run and sets alternate, each decision is the one of the version it names', async () => {
    const open = await activate(PERMIT);
    const strict = await activate(PERMIT, FORBID_WRITE);
    const before = (await exchanges(0)).at(-1)?.index ?? -1;
    const answers = await exchangesWhile(100, (turn) => activateVersion(turn % 2 === 0 ? open : strict));
    await activateVersion(open);
    const decided = await exchanges(before + 1);
    expect([answers.length, decided.length]).toEqual([100, 100]);
    expect(new Set(decided.map(({ entry }) => entry.policy.version))).toEqual(new Set([open, strict]));
    for (const { entry } of decided)
      expect([entry.policy.version, entry.decision]).toEqual(
        entry.policy.version === open ? [open, 'allow'] : [strict, 'deny'],
      );
    const byIndex = new Map(decided.map(({ index, entry }) => [index, entry.policy.version]));
    const issued = answers.filter(({ status }) => status === 200);
    expect(new Set(issued.map(({ body }) => byIndex.get(body.receipt.index)))).toEqual(new Set([open]));
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(100 - issued.length);
    expect((await mandate('tickets:write')).status).toBe(200);
  });

  it('is in force on another replica as soon as its view has caught up', async () => {
    const replica = await app.replica();
    expect((await mandate('tickets:write', replica.url)).status).toBe(200);
    await activate(PERMIT, FORBID_WRITE);
    let status = 200;
    for (let n = 0; n < 100 && status !== 403; n += 1) {
      status = (await mandate('tickets:write', replica.url)).status;
      await new Promise((done) => setTimeout(done, 20));
    }
    expect(status).toBe(403);
  });
});
