import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
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
    const running = Array.from({ length: 100 }, () => mandate('tickets:write'));
    for (const version of [open, strict, open])
      await app.admin('POST', `/v1/zones/acme/policy-sets/${version}/activate`);
    const answers = await Promise.all(running);
    expect(answers.every((answer) => answer.status === 200 || answer.status === 403)).toBe(true);
    const events = await app.admin('GET', '/v1/zones/acme/audit/events?type=exchange&limit=200');
    for (let page = events.body; ;) {
      for (const { entry } of page.items) {
        if (entry.policy?.version === open) expect(entry.decision).toBe('allow');
        if (entry.policy?.version === strict && entry.policy.input.actions.includes('tickets:write'))
          expect(entry.decision).toBe('deny');
      }
      if (!page.next_cursor) break;
      page = (await app.admin('GET', `/v1/zones/acme/audit/events?type=exchange&limit=200&cursor=${page.next_cursor}`))
        .body;
    }
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
