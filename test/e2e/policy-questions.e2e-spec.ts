import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger, type EntryDraft } from '../../src/audit/index.js';
import type { JsonObject } from '../../src/kernel/json.js';
import { administrator } from '../support/administration.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { created as createdAt } from '../support/fixtures.js';
import { created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

const PERMIT = 'permit(principal, action, resource);';
const NO_WRITES = `${PERMIT}\nforbid(principal, action == Action::"write", resource);`;
const NIGHT = `${PERMIT}\nforbid(principal, action, resource) when { context.time.hour < 6 };`;

let app: TestApp;
let scene: OAuthScene;
let agent: SceneClient;
let resource: SceneResource;
beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  agent = await scene.client({ allowed_labels: ['ops', 'night'] });
  resource = await scene.resource(['read', 'write', 'admin']);
  await scene.grant(agent, resource, ['read', 'write']);
});
afterAll(() => app.close());

const mandate = (scope?: string) =>
  scene.oauth(
    'token',
    { grant_type: 'client_credentials', resource: resource.gateway_url, ...(scope ? { scope } : {}) },
    agent,
  );
const simulate = (body: object) => scene.admin('POST', '/policy/simulate', body);
const asking = (scope: string, more: object = {}) => ({ application: agent.id, resource: resource.id, scope, ...more });
const lastIndex = async () => (await scene.entries('type=exchange')).at(-1)?.index ?? -1;

async function activate(cedar: string, tests?: readonly object[]) {
  const { id } = created(await scene.admin('POST', '/policies', { name: 'rules', cedar }));
  const { version } = created(
    await scene.admin('POST', '/policy-sets', { policies: [id], ...(tests ? { tests } : {}) }),
  );
  return { version: version as number, answer: await scene.admin('POST', `/policy-sets/${version}/activate`) };
}

describe('simulate', () => {
  it('answers what would be decided, by a text, by a version, and by what is active', async () => {
    expect(ok(await simulate({ request: asking('write') }))).toMatchObject({
      decision: 'allow',
      determining: ['default'],
      reasons: [],
      missing: [],
    });
    const draft = ok(await simulate({ cedar: NO_WRITES, request: asking('write') }));
    expect(draft).toMatchObject({ decision: 'deny', determining: ['draft#2'], reasons: ['forbidden'], version: null });
    expect(draft.missing).toEqual([
      { scope: 'write', resource: resource.id, needs: 'no_forbid', policies: ['draft#2'] },
    ]);
    const { id } = created(await scene.admin('POST', '/policies', { name: 'held', cedar: NO_WRITES }));
    const { version } = created(await scene.admin('POST', '/policy-sets', { policies: [id] }));
    expect(ok(await simulate({ version, request: asking('write') }))).toMatchObject({ decision: 'deny', version });
    expect((await mandate('write')).status).toBe(200);
  });

  it('says what is missing: a grant, a permit and how near one is, an approval', async () => {
    const ungranted = ok(await simulate({ request: asking('admin') }));
    expect(ungranted).toMatchObject({ decision: 'deny', reasons: ['invalid_scope'] });
    expect(ungranted.missing).toEqual([{ scope: 'admin', resource: resource.id, needs: 'grant' }]);
    const cedar = `permit(principal in Label::"ops", action == Action::"write", resource) when { context.depth == 0 };`;
    const near = ok(await simulate({ cedar, request: asking('write') }));
    expect(near).toMatchObject({ decision: 'deny', reasons: ['no_permit'], determining: [] });
    expect(near.missing[0].nearest).toEqual([{ policy: 'draft', unmet: ['principal'] }]);
    expect(ok(await simulate({ cedar, request: asking('write', { labels: ['ops'] }) })).decision).toBe('allow');
    const held = `${PERMIT} @approval("operator") forbid(principal, action, resource);`;
    expect(ok(await simulate({ cedar: held, request: asking('write') }))).toMatchObject({
      decision: 'hold',
      missing: [{ needs: 'approval' }],
    });
  });

  it('takes a context, an operation and a session', async () => {
    const at = (hour: number) =>
      simulate({ cedar: NIGHT, request: asking('read', { context: { time: { hour, weekday: 1 } } }) });
    expect([ok(await at(3)).decision, ok(await at(12)).decision]).toEqual(['deny', 'allow']);
    const cedar = `${PERMIT} forbid(principal, action, resource) when { context has operation && context.operation has method && context.operation.method == "DELETE" };`;
    const operation = { method: 'DELETE', path: '/x' };
    expect(ok(await simulate({ cedar, request: asking('read', { operation }) })).decision).toBe('deny');
    const session = await scene.session(await scene.applicationToken(agent), { labels: ['ops'] });
    const labelled = 'permit(principal in Label::"ops", action, resource);';
    const request = { session: session.id, resource: resource.identifier, scope: 'read' };
    expect(ok(await simulate({ cedar: labelled, request })).decision).toBe('allow');
    await scene.admin('POST', `/sessions/${session.id}/terminate`, {});
    expect(ok(await simulate({ cedar: labelled, request }))).toMatchObject({
      decision: 'deny',
      reasons: ['session_not_active'],
    });
  });

  it('[T1] refuses what it cannot be asked, naming the member', async () => {
    const field = async (body: object) => {
      const answer = await simulate(body);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      return answer.body.errors[0].field;
    };
    expect(await field({ request: { resource: resource.id, scope: 'read' } })).toBe('request');
    expect(await field({ request: { ...asking('read'), resource: 'https://nowhere.example' } })).toBe(
      'request.resource',
    );
    expect(await field({ request: { ...asking('read'), application: 'app_x' } })).toBe('request.application');
    expect(await field({ cedar: 'permit(', request: asking('read') })).toBe('cedar');
    expect(await field({ cedar: PERMIT, version: 1, request: asking('read') })).toBe('version');
    expect(await field({ version: 99, request: asking('read') })).toBe('version');
    expect(await field({ request: asking('read', { context: { time: { hour: 24, weekday: 0 } } }) })).toBe(
      'request.context.time.hour',
    );
    expect(await field({})).toBe('request');
  });
});

describe('tests kept with a set', () => {
  const holds = {
    name: 'agents read',
    request: { application: 'app_x', resource: 'res_x', scope: 'read' },
    decision: 'allow',
  };

  it('must hold before it is activated; those that do not are named', async () => {
    const tests = [
      holds,
      {
        ...holds,
        name: 'nobody writes',
        request: { ...holds.request, scope: 'write' },
        decision: 'deny',
        reasons: ['forbidden'],
      },
    ];
    const open = await activate(PERMIT, tests);
    expect(open.answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(open.answer.body.errors).toEqual([
      { field: 'tests.1', message: '“nobody writes” must be deny and is allow' },
    ]);
    expect((await scene.admin('GET', `/policy-sets/${open.version}`)).body.status).toBe('draft');
    expect((await activate(NO_WRITES, tests)).answer).toMatchObject({ status: 200, body: { status: 'active' } });
    expect((await activate(PERMIT)).answer.status).toBe(200);
  });

  it('[T1] are refused when they expect nothing', async () => {
    const { id } = created(await scene.admin('POST', '/policies', { name: 'any', cedar: PERMIT }));
    const fields = async (test: object) => {
      const answer = await scene.admin('POST', '/policy-sets', { policies: [id], tests: [test] });
      return answer.body.errors?.map((fault: { field: string }) => fault.field);
    };
    expect(await fields({ request: holds.request })).toEqual(['tests.0.decision']);
    expect(await fields({ ...holds, request: { resource: 'r', scope: 's' } })).toEqual(['tests.0.request']);
    expect(await fields({ ...holds, decision: 'maybe' })).toEqual(['tests.0.decision']);
    expect(await fields({ decision: 'deny' })).toEqual(['tests.0.request']);
  });
});

describe('explain', () => {
  const explain = (index: number) => scene.admin('POST', '/policy/explain', { index });

  it('tells from the ledger why a decision came out as it did, and what was missing', async () => {
    const { version } = await activate(NO_WRITES);
    expect((await mandate('read')).status).toBe(200);
    const allowed = ok(await explain(await lastIndex()));
    expect(allowed).toMatchObject({ decision: 'allow', policy: { version }, reasons: [], missing: [] });
    expect(allowed.policy.determining).toHaveLength(1);
    await mandate('write');
    const denied = ok(await explain(await lastIndex()));
    expect(denied).toMatchObject({ decision: 'deny', policy: { version }, reasons: ['forbidden'] });
    expect(denied.missing).toEqual([
      { scope: 'write', resource: resource.id, needs: 'no_forbid', policies: denied.policy.determining },
    ]);
    await mandate('admin');
    expect(ok(await explain(await lastIndex()))).toEqual({
      decision: 'deny',
      policy: null,
      reasons: ['invalid_scope'],
      missing: [{ scope: 'admin', resource: resource.identifier, needs: 'grant' }],
    });
    await activate(PERMIT);
  });

  it('explains nothing that is no decision', async () => {
    expect(await explain(0)).toMatchObject({ status: 400, body: { errors: [{ field: 'index' }] } });
    expect((await explain(10_000_000)).status).toBe(404);
  });
});

describe('who can', () => {
  const whoCan = async (scope: string) =>
    ok(await scene.admin('POST', '/policy/who-can', { resource: resource.id, scope })).items;

  it('enumerates applications, labels and conditions exactly', async () => {
    const night = await scene.client({ allowed_labels: ['night'] });
    await scene.grant(night, resource, ['write'], { label: 'night' });
    const never = await scene.client();
    await scene.grant(never, resource, ['write'], { label: 'night' });
    const order = (items: { application: string }[]) => items.sort((a, b) => (a.application < b.application ? -1 : 1));
    expect(order(await whoCan('write'))).toEqual(
      order([
        { application: agent.id, conditions: [] } as { application: string },
        { application: night.id, label: 'night', conditions: [] } as { application: string },
      ]),
    );
    await activate(`permit(principal in Label::"night", action, resource) when { context.time.hour < 6 };`);
    expect(order(await whoCan('write'))).toEqual(
      order([
        {
          application: agent.id,
          acting: 'session',
          conditions: ['(principal in Label::"night") && (context.time.hour < 6)'],
        } as { application: string },
        { application: night.id, label: 'night', conditions: ['context.time.hour < 6'] } as { application: string },
      ]),
    );
    await activate(`permit(principal, action == Action::"read", resource);`);
    expect(await whoCan('write')).toEqual([]);
    expect(await whoCan('read')).toEqual([{ application: agent.id, conditions: [] }]);
    expect(await whoCan('unknown')).toEqual([]);
    await activate(PERMIT);
  });
});

describe('rehearse', () => {
  const rehearse = (body: object) => scene.admin('POST', '/policy/rehearse', body);

  it('lists the decisions of a window that would change, and repeating them under the draft changes exactly these', async () => {
    const { version: open } = await activate(PERMIT);
    const from = (await lastIndex()) + 1;
    const scopes = ['read', 'write', 'read write', undefined, 'admin'];
    for (const scope of scopes) await mandate(scope);
    const to = (await lastIndex()) + 1;
    const report = ok(await rehearse({ cedar: NO_WRITES, from, to }));
    expect(report).toMatchObject({ examined: 4, truncated: false, counts: { allow_to_allow: 1, allow_to_deny: 2 } });
    expect(report.groups).toHaveLength(3);
    expect(ok(await rehearse({ version: open, from, to })).changed).toEqual([]);
    const before = (await scene.entries(`type=exchange&from=${from}&to=${to}`)).map(({ index }) => index);
    const strict = await activate(NO_WRITES);
    const again = (await lastIndex()) + 1;
    for (const scope of scopes) await mandate(scope);
    const after = await scene.entries(`type=exchange&from=${again}`);
    const changed = new Map(report.changed.map((item: { index: number }) => [item.index, item]));
    for (const [at, { entry }] of after.entries()) {
      const claim = changed.get(before[at]) as { after: string; scopes?: { after: string[] } } | undefined;
      expect([scopes[at], entry['decision']]).toEqual([
        scopes[at],
        claim?.after ?? (scopes[at] === 'admin' ? 'deny' : 'allow'),
      ]);
      if (claim?.scopes) expect(entry['scopes']).toEqual(claim.scopes.after);
    }
    const back = ok(await rehearse({ version: open, from: again }));
    expect(back.changed).toHaveLength(3);
    expect(ok(await rehearse({ version: strict.version, from: again })).changed).toEqual([]);
    await activate(PERMIT);
  });

  it('examines calls at the gateway, refused ones too', async () => {
    const token = ok(await mandate('read')).access_token;
    const call = () => fetch(`${resource.gateway_url}/x`, { headers: { authorization: `Bearer ${token}` } });
    const { version } = await activate(`${PERMIT} forbid(principal, action, resource) when { context has operation };`);
    const refused = await call();
    expect(refused.status).toBe(403);
    const index = Number(refused.headers.get('authority-receipt')?.split('/')[1]);
    const window = { from: index, to: index + 1 };
    expect(ok(await rehearse({ cedar: PERMIT, ...window }))).toMatchObject({
      examined: 1,
      changed: [{ index, before: 'deny', after: 'allow' }],
    });
    expect(ok(await rehearse({ version, ...window })).changed).toEqual([]);
    expect(ok(await scene.admin('POST', '/policy/explain', { index }))).toMatchObject({
      decision: 'deny',
      policy: { version },
      missing: [{ scope: 'read', needs: 'no_forbid' }],
    });
    await activate(PERMIT);
  });

  it('of more than 10 000 entries is a job with progress', async () => {
    const ledger = app.running.app.get(AuditLedger);
    const [{ entry } = { entry: {} }] = (await scene.entries('type=exchange&decision=allow')).slice(-1);
    const { policy } = entry as { policy: JsonObject };
    const draft = (at: number): EntryDraft => ({
      type: 'exchange',
      zone: scene.zone,
      occurredAt: Date.now(),
      actor: { kind: 'agent', id: agent.id },
      application: agent.id,
      decision: 'allow',
      scopes: ['write'],
      policy: { ...policy, input: { ...(policy['input'] as JsonObject), actions: ['write'], scope_omitted: false } },
      detail: { at },
    });
    for (let at = 0; at < 10_500; at += 1_500)
      await Promise.all(Array.from({ length: 1_500 }, (_, more) => ledger.append(draft(at + more))));
    const started = await rehearse({ cedar: NO_WRITES });
    expect(started).toMatchObject({ status: 202, body: { status: 'running', progress: { done: 0 } } });
    expect(started.headers.get('location')).toBe(`/v1/zones/${scene.zone}/policy/rehearse/${started.body.id}`);
    let job = started.body;
    for (let n = 0; n < 200 && job.status === 'running'; n += 1) {
      await new Promise((done) => setTimeout(done, 100));
      job = ok(await scene.admin('GET', `/policy/rehearse/${started.body.id}`));
    }
    expect(job).toMatchObject({ status: 'done', truncated: true });
    expect(job.progress.done).toBe(job.progress.total);
    expect(job.counts.allow_to_deny).toBeGreaterThanOrEqual(10_500);
    expect((await scene.admin('GET', '/policy/rehearse/job_x')).status).toBe(404);
  });

  it('[T1] refuses windows and drafts that are none', async () => {
    const field = async (body: object) => (await rehearse(body)).body.errors?.[0]?.field;
    expect(await field({})).toBe('cedar');
    expect(await field({ cedar: 'permit(' })).toBe('cedar');
    expect(await field({ cedar: PERMIT, from: 5, to: 2 })).toBe('from');
    expect(await field({ version: 9_999 })).toBe('version');
    expect(await field({ cedar: PERMIT, from: -1 })).toBe('from');
  });
});

describe('policies and what they decide (test/vectors/policy.json)', () => {
  interface Case {
    readonly name: string;
    readonly cedar?: string;
    readonly template?: string;
    readonly request: { readonly scope: string };
    readonly decision: string;
    readonly reasons: readonly string[];
  }

  it('are listed in pages like everything else', async () => {
    const names: string[] = [];
    let next: string | null = '';
    for (let pages = 0; next !== null && pages < 10; pages += 1) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`;
      const { items, next_cursor } = ok(await app.admin('GET', `/v1/policy-templates?limit=3${cursor}`));
      expect(items.length).toBeLessThanOrEqual(3);
      names.push(...items.map((item: { name: string }) => item.name));
      next = next_cursor;
    }
    const whole = ok(await app.admin('GET', '/v1/policy-templates'));
    expect(whole).toMatchObject({ items: names.map((name) => ({ name })), next_cursor: null });
    expect((await app.admin('GET', '/v1/policy-templates?limit=0')).status).toBe(400);
  });

  it('[T2] decide the same over HTTP', async () => {
    const { cases } = JSON.parse(readFileSync('test/vectors/policy.json', 'utf8')) as { cases: readonly Case[] };
    const { items } = ok(await app.admin('GET', '/v1/policy-templates'));
    const templates = new Map(items.map((item: { name: string; cedar: string }) => [item.name, item.cedar]));
    for (const { name, template, request, decision, reasons, ...rest } of cases) {
      const text = rest.cedar ?? (templates.get(template) as string);
      const cedar = text.replaceAll('$application', agent.id).replaceAll('$resource', resource.id);
      const context = { time: { hour: 12, weekday: 3 } };
      const answer = await simulate({ cedar, request: { context, ...asking('read'), ...request } });
      expect([name, answer.body.decision, answer.body.reasons]).toEqual([name, decision, reasons]);
    }
    expect(cases.length).toBeGreaterThan(50);
  });
});

describe('[T12] capabilities', () => {
  it('questions need `read`, rehearsing needs `read` and `audit`', async () => {
    const reader = await administrator(app, ['read']);
    const auditor = await administrator(app, ['audit']);
    const both = await administrator(app, ['read', 'audit']);
    const at = (path: string) => `/v1/zones/${scene.zone}/policy/${path}`;
    const body = { cedar: PERMIT, from: 0, to: 1 };
    expect((await reader('POST', at('simulate'), { request: asking('read') })).status).toBe(200);
    expect((await reader('POST', at('rehearse'), body)).body.code).toBe('insufficient_capability');
    expect((await auditor('POST', at('rehearse'), body)).body.code).toBe('insufficient_capability');
    expect((await auditor('POST', at('simulate'), { request: asking('read') })).status).toBe(403);
    expect((await both('POST', at('rehearse'), body)).status).toBe(200);
  });
});

describe('templates', () => {
  it('are valid as they stand, in every zone', async () => {
    const { items } = ok(await app.admin('GET', '/v1/policy-templates'));
    expect(items.map((item: { name: string }) => item.name)).toContain('read-only-agent');
    await createdAt(app, '/v1/zones', { slug: 'bare', name: 'Bare' });
    for (const { name, cedar, description } of items) {
      expect(description.length).toBeGreaterThan(20);
      const answer = await app.admin('POST', '/v1/zones/bare/policies', { name, cedar });
      expect([name, answer.status, answer.body.errors]).toEqual([name, 201, undefined]);
    }
  });
});
