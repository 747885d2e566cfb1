import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { administrator, all, type Asker, soundResource } from '../support/administration.js';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { created, makeApplication, makeZoneOverHttp, oauth } from '../support/fixtures.js';
import { bodiesWithOddMembers, requestTo } from '../support/openapi-requests.js';
import { describedBy, type Description, filled, type Operation, type Schema } from '../support/openapi.js';

const CAPABILITIES = ['read', 'write', 'approve', 'audit', 'bootstrap'] as const;
type Capability = (typeof CAPABILITIES)[number];
const NOWHERE = '018f0000-0000-7000-8000-000000000000';
/** Every member that no route knows. */
const NONSENSE = { nonsense: true };

/** What a fault must have: a rule, and an example unless the rule names every choice. */
const RULE_AND_EXAMPLE = /\blike \S|one of \S|true or false|^must be \d+$/;
/** How the validation library speaks where nobody has said it better. */
const LIBRARY = /following values|each value in|should not|nested property|^\w+_\w+ must|\$/;

/** Each member of a body with a value of another type. */
function wrongMembers({ properties = {} }: Schema): (readonly [string, unknown])[] {
  const wrong = (schema: Schema): unknown => (JSON.stringify(schema).includes('"boolean"') ? 'yes' : true);
  return Object.entries(properties).map(([name, schema]) => [name, wrong(schema)] as const);
}

/** The member that is wrong, and one that nobody knows, are both told. */
function isClear({ status, body }: TestAnswer, member: string): boolean {
  const faults: readonly { field: string; message: string }[] = body.errors ?? [];
  const of = (name: string): string =>
    faults.find(({ field }) => field === name || field.startsWith(`${name}.`))?.message ?? '';
  const clear = RULE_AND_EXAMPLE.test(of(member)) && !LIBRARY.test(of(member));
  return status === 400 && clear && /^is not known here; known are .*\w/.test(of('nonsense'));
}

/** What is wrong with an answer, when something is. */
function judgeOf(): (operation: Operation, answer: TestAnswer) => string | undefined {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(JSON.parse(JSON.stringify(api.document)), 'api');
  const isProblem = ajv.getSchema('api#/components/schemas/Problem');
  return (operation, { status, body, headers }) => {
    if (status >= 500) return 'failed';
    if (!(String(status) in operation.responses)) return 'is not documented';
    if (status < 400) return undefined;
    const typed = headers.get('content-type')?.startsWith('application/problem+json') === true;
    return typed && isProblem?.(body) === true ? undefined : 'is no problem document';
  };
}

let app: TestApp;
let api: Description;
/** Ids of objects of zone `a`, by the name of the path parameter after the area it stands in. */
let ids: Readonly<Record<string, Readonly<Record<string, string>>>>;

beforeAll(async () => {
  app = await startTestApp();
  for (const zone of ['a', 'b', 'victim']) await makeZoneOverHttp(app, zone);
  api = await describedBy(app);
  const application = await makeApplication(app, 'a', 'agent');
  const provider = await created(app, '/v1/zones/a/providers', { name: 'p', kind: 'none', config: {} });
  const resource = await created(app, '/v1/zones/a/resources', soundResource('one', { provider: provider.id }));
  const grant = await created(app, '/v1/zones/a/grants', {
    application: application.id,
    resource: resource.id,
    scopes: ['read'],
  });
  const policy = await created(app, '/v1/zones/a/policies', {
    name: 'p',
    cedar: 'permit(principal, action, resource);',
  });
  const set = await created(app, '/v1/zones/a/policy-sets', { policies: [policy.id] });
  const keys = await all(app.admin, '/v1/zones/a/keys');
  ids = {
    applications: { id: application.id, application: application.id },
    credentials: { id: application.credential, cid: application.credential, credential: application.credential },
    providers: { id: provider.id },
    resources: { id: resource.id },
    grants: { id: grant.id },
    policies: { id: policy.id },
    'policy-sets': { version: String(set.version) },
    keys: { kid: keys[0].kid },
  };
});
afterAll(() => app.close());

/** `/metrics` is open to who scrapes on loopback. */
const administered = () =>
  api.operations.filter(({ security, path }) => 'adminToken' in (security[0] ?? {}) && path !== '/metrics');
const zoneParameter = ({ path }: Operation) => /^\/v1\/zones\/\{(\w+)\}/.exec(path)?.[1];

/** Real objects where there are any, a well-formed id of nothing elsewhere. */
function parametersOf(operation: Operation, zone: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  let area = '';
  for (const segment of operation.path.split('/')) {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) area = segment;
    else parameters[name] = ids[area]?.[name] ?? ids[area]?.['id'] ?? NOWHERE;
  }
  const zoned = zoneParameter(operation);
  return zoned === undefined ? parameters : { ...parameters, [zoned]: zone };
}

const ask = (asker: Asker, operation: Operation, zone: string) =>
  asker(
    operation.method,
    filled(operation.path, parametersOf(operation, zone)),
    operation.method === 'GET' ? undefined : NONSENSE,
  );

describe('[T1] capability × zone × route, from the router', () => {
  /** What shapes.md says: `write`, `approve` and `audit` imply reading what they act on, `bootstrap` implies everything. */
  function holds(held: Capability, wanted: string, path: string): boolean {
    if (held === 'bootstrap' || held === wanted) return true;
    return wanted === 'read' && impliesReading(held, path);
  }

  function impliesReading(held: Capability, path: string): boolean {
    const area = /^\/v1\/zones\/\{\w+\}(?:\/([^/]+))?/.exec(path)?.[1];
    const zoneItself = path === '/v1/zones' || /^\/v1\/zones\/\{\w+\}$/.test(path);
    if (held === 'write') return true;
    if (held === 'approve') return area === 'approvals' || zoneItself;
    return held === 'audit' && (area === 'audit' || zoneItself);
  }

  const may = (held: Capability, { capability = '', also, path }: Operation) =>
    holds(held, capability, path) && (also === undefined || holds(held, also, path));

  it.each(CAPABILITIES)('a token that holds `%s`: global, of the zone, of another zone', async (held) => {
    const askers = {
      global: await administrator(app, [held]),
      own: await administrator(app, [held], ['a']),
      foreign: await administrator(app, [held], ['b']),
    };
    for (const operation of administered()) {
      const zoned = zoneParameter(operation) !== undefined;
      const verdict = async (asker: Asker) => {
        const { status, body } = await ask(asker, operation, 'a');
        return status === 403 && body.code === 'insufficient_capability'
          ? 'refused'
          : status < 500
            ? 'entered'
            : status;
      };
      const name = `${operation.method} ${operation.path}`;
      const entered = may(held, operation) ? 'entered' : 'refused';
      expect([name, 'global', await verdict(askers.global)]).toEqual([name, 'global', entered]);
      const listed = name === 'GET /v1/zones';
      expect([name, 'own', await verdict(askers.own)]).toEqual([name, 'own', zoned || listed ? entered : 'refused']);
      if (!zoned) continue;
      const { status } = await ask(askers.foreign, operation, 'a');
      expect([name, 'foreign', status]).toEqual([name, 'foreign', 404]);
    }
    expect(administered().length).toBeGreaterThan(60);
  });

  it('[T1] an object of one zone is not there in another, whatever is done to it', async () => {
    const asker = await administrator(app, ['read', 'write', 'audit', 'approve'], ['b']);
    const objects = administered().filter(({ path }) => /\{\w+\}.*\{\w+\}/.test(path));
    for (const operation of objects) {
      const path = filled(operation.path, parametersOf(operation, 'b'));
      const body = operation.method === 'GET' ? undefined : { reason: 'x' };
      const { status } = await asker(operation.method, path, body, { 'if-match': '*' });
      const name = `${operation.method} ${operation.path}`;
      expect([name, status]).toEqual([name, operation.method === 'GET' ? 404 : expect.any(Number)]);
      expect([name, status >= 400]).toEqual([name, true]);
    }
    expect(objects.length).toBeGreaterThan(25);
  });
});

describe('the description and the server', () => {
  it('is a document whose parts are all there and whose schemas are sound', () => {
    const refs = JSON.stringify(api.document).matchAll(/"\$ref":"#\/components\/(\w+)\/([\w.-]+)"/g);
    const components = api.document['components'] as Record<string, Record<string, unknown>>;
    for (const [, kind = '', name = ''] of refs) expect(components[kind]).toHaveProperty([name]);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(JSON.parse(JSON.stringify(api.document)), 'api');
    for (const name of Object.keys(components['schemas'] ?? {}))
      expect(typeof ajv.getSchema(`api#/components/schemas/${name}`)).toBe('function');
  });

  it('has an example of nearly every body, and every example is what its schema accepts', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(JSON.parse(JSON.stringify(api.document)), 'api');
    const bodies = api.operations.filter(({ body }) => body?.$ref !== undefined);
    const without: string[] = [];
    for (const { body, method, path } of bodies) {
      const { examples } = api.resolve(body as Schema);
      if (!examples) without.push(`${method} ${path}`);
      for (const example of examples ?? []) {
        const validate = ajv.getSchema(`api${body?.$ref}`);
        expect([method, path, validate?.(example), validate?.errors ?? null]).toEqual([method, path, true, null]);
      }
    }
    expect(without.length).toBeLessThan(bodies.length / 10);
  });

  it('an example of what administers is not refused for its form', async () => {
    for (const operation of administered().filter(({ body }) => body?.$ref !== undefined)) {
      const [example] = api.resolve(operation.body as Schema).examples ?? [];
      if (example === undefined || operation.path.endsWith('/kill')) continue;
      const path = filled(operation.path, parametersOf(operation, 'victim'));
      const { status, body } = await app.admin(operation.method, path, example, { 'if-match': '*' });
      const name = `${operation.method} ${operation.path}`;
      expect([name, status < 500, status !== 415, status !== 422]).toEqual([name, true, true, true]);
      const unknown = (body.errors ?? []).filter((fault: { message: string }) =>
        fault.message.includes('is not known here'),
      );
      expect([name, unknown]).toEqual([name, []]);
    }
  });

  it('a member that is wrong is named with its rule and with what would be right', async () => {
    const unclear: unknown[] = [];
    let judged = 0;
    for (const operation of administered().filter(({ body }) => body?.$ref !== undefined)) {
      const schema = api.resolve(operation.body as Schema);
      const path = filled(operation.path, parametersOf(operation, 'victim'));
      for (const [member, wrong] of wrongMembers(schema)) {
        const sent = { ...(schema.examples?.[0] as object | undefined), [member]: wrong, nonsense: 1 };
        const answer = await app.admin(operation.method, path, sent, { 'if-match': '*' });
        judged += 1;
        if (!isClear(answer, member)) unclear.push({ path: operation.path, member, wrong, body: answer.body });
      }
    }
    expect(unclear).toEqual([]);
    expect(judged).toBeGreaterThan(150);
  });

  it('[T1] whatever is sent, the answer is a documented one and never a failure', async () => {
    const judge = judgeOf();
    const ends = new Set(['DELETE /v1/zones/{zone}', 'POST /v1/zones/{zone}/kill']);
    const failures: unknown[] = [];
    const rounds = fc.tuple(...administered().map((operation) => requestTo(operation, api)));
    for (const round of fc.sample(rounds, { numRuns: 4, seed: 20_261_127 })) {
      for (const [at, request] of round.entries()) {
        const operation = administered()[at] as Operation;
        const name = `${operation.method} ${operation.path}`;
        const parameters = { ...parametersOf(operation, ends.has(name) ? 'victim' : 'a'), ...request.parameters };
        const path = filled(operation.path, parameters) + request.query;
        const answer = await app.admin(operation.method, path, request.body, request.headers);
        const fault = judge(operation, answer);
        if (fault) failures.push({ name, path, sent: request.body, fault, status: answer.status, body: answer.body });
      }
    }
    expect(failures).toEqual([]);
  });

  it('[T1] nor is it for any member of any body, one by one, nor for any parameter of any query', async () => {
    const judge = judgeOf();
    const failures: unknown[] = [];
    const tell = (operation: Operation, sent: unknown, answer: TestAnswer) => {
      const fault = judge(operation, answer);
      if (fault) failures.push({ path: operation.path, sent, fault, status: answer.status, body: answer.body });
    };
    let sent = 0;
    const writing = administered().filter(({ method, body }) => method !== 'DELETE' && body?.$ref !== undefined);
    for (const operation of writing.filter(({ path }) => !path.endsWith('/kill'))) {
      const path = filled(operation.path, parametersOf(operation, 'victim'));
      const [example = {}] = api.resolve(operation.body as Schema).examples ?? [];
      for (const body of bodiesWithOddMembers(operation.body as Schema, example, api)) {
        tell(operation, body, await app.admin(operation.method, path, body, { 'if-match': '*' }));
        sent += 1;
      }
    }
    for (const operation of administered().filter(
      ({ method, path }) => method === 'GET' && !path.endsWith('/stream'),
    )) {
      for (const { name } of operation.parameters.filter((one) => one.in === 'query')) {
        const answer = await app.admin('GET', `${filled(operation.path, parametersOf(operation, 'a'))}?${name}=a%00b`);
        tell(operation, name, answer);
        expect([operation.path, name, answer.status]).toEqual([operation.path, name, 400]);
      }
    }
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(1_000);
  });

  it('[T1] nor is it at the runtime API of a zone, for an application and for a session', async () => {
    await makeZoneOverHttp(app, 'runtime');
    const { id, secret } = await makeApplication(app, 'runtime', 'fuzzed');
    const client = { id, secret };
    const { access_token } = (
      await oauth(app.url, '/z/runtime/oauth2/token', { grant_type: 'client_credentials' }, client)
    ).body;
    const start = { method: 'POST', path: '/z/runtime/sessions', body: { lifecycle: 'task' } };
    const session = await call(app.url, { ...start, headers: { authorization: `Bearer ${access_token}` } });
    expect(session.status).toBe(201);
    const judge = judgeOf();
    const failures: unknown[] = [];
    const operations = api.operations.filter(({ security }) => 'runtimeToken' in (security[0] ?? {}));
    const rounds = fc.tuple(...operations.map((operation) => requestTo(operation, api)));
    const bearers = [access_token, session.body.session_token];
    for (const [turn, round] of fc.sample(rounds, { numRuns: 4, seed: 20_261_128 }).entries()) {
      for (const [at, request] of round.entries()) {
        const operation = operations[at] as Operation;
        const parameters = { zone: 'runtime', id: turn % 2 === 0 ? session.body.id : NOWHERE, ...request.parameters };
        const path = filled(operation.path, parameters) + request.query;
        const headers = { ...request.headers, authorization: `Bearer ${bearers[turn % 2]}` };
        const answer = await call(app.url, { method: operation.method, path, body: request.body, headers });
        const fault = judge(operation, answer);
        if (fault) failures.push({ path, sent: request.body, fault, status: answer.status, body: answer.body });
      }
    }
    expect(failures).toEqual([]);
    expect(operations.length).toBeGreaterThan(20);
  });

  it('[T2] nor is it at the OAuth endpoints, whatever form is sent', async () => {
    const { id, secret } = await makeApplication(app, 'runtime', 'forms');
    const schemas = ['token', 'introspect', 'revoke', 'bc-authorize'] as const;
    const value = fc.oneof(
      fc.constantFrom(
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:openid:params:grant-type:ciba',
        'read',
        '',
        'x'.repeat(9_000),
      ),
      fc.string({ unit: 'binary', maxLength: 30 }),
    );
    const name = fc.constantFrom(
      'grant_type',
      'scope',
      'resource',
      'audience',
      'subject_token',
      'subject_token_type',
      'actor_token',
      'actor_token_type',
      'approval',
      'delegation',
      'lifetime',
      'authorization_details',
      'token',
      'token_type_hint',
      'auth_req_id',
      'login_hint',
      'binding_message',
      'client_id',
    );
    const form = fc.array(fc.tuple(name, value), { maxLength: 6 });
    const failures: unknown[] = [];
    for (const [at, fields] of fc.sample(form, { numRuns: 120, seed: 20_261_128 }).entries()) {
      const endpoint = schemas[at % schemas.length] as string;
      const answer = await oauth(app.url, `/z/runtime/oauth2/${endpoint}`, new URLSearchParams(fields), { id, secret });
      const clear =
        answer.status < 400 || typeof answer.body.error === 'string' || typeof answer.body.code === 'string';
      if (answer.status >= 500 || !clear) failures.push({ endpoint, fields, status: answer.status, body: answer.body });
    }
    expect(failures).toEqual([]);
  });
});
