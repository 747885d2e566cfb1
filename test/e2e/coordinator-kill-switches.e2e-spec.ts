import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

interface World {
  readonly scene: OAuthScene;
  readonly client: SceneClient;
  readonly mail: SceneResource;
  readonly token: string;
  readonly session: { readonly id: string; readonly session_token: string };
  readonly mandate: string;
}

let app: TestApp;
let main: World;

beforeAll(async () => {
  app = await startTestApp();
  main = await world();
});

afterAll(() => app.close());

/** A zone of its own with an application, a session and a mandate that work. */
async function world(): Promise<World> {
  const scene = await OAuthScene.open(app);
  const client = await scene.client();
  const mail = await scene.resource(['read'], { operations: [{ method: 'GET', path: '/**', scope: 'read' }] });
  await scene.grant(client, mail, ['read']);
  const token = await scene.applicationToken(client);
  const session = await scene.session(token);
  const mandate = ok(await scene.exchange(client, session.session_token, { resource: mail.gateway_url })).access_token;
  return { scene, client, mail, token, session, mandate };
}

const code = ({ status, body }: TestAnswer) => [status, body.code] as const;
const revoke = ({ scene }: World, kind: string, id: string) =>
  scene.admin('POST', '/revocations', { kind, id, reason: 'test' });

/** What a caller of the gateway is told; 502 says that everything was allowed and only the upstream is not there. */
async function gateway({ mail, mandate }: World): Promise<string> {
  const answer = await call(mail.gateway_url, {
    method: 'GET',
    path: '/x',
    headers: { authorization: `Bearer ${mandate}` },
  });
  return `${answer.status} ${answer.headers.get('caracal-error')}`;
}

const runtime = async ({ scene, session }: World, token = session.session_token) =>
  (await scene.runtime('GET', `/sessions/${session.id}`, token)).status;

/** Every kind, with how its id is found in a world. */
const KINDS: [string, (of: World) => string][] = [
  ['token', (of) => claimsOf(of.session.session_token)['jti'] as string],
  ['session', (of) => of.session.id],
  ['subject', (of) => `app:${of.client.id}`],
  ['credential', (of) => claimsOf(of.token)['crd'] as string],
  ['application', (of) => of.client.id],
  ['zone', (of) => of.scene.zone],
];

describe('kill switches', () => {
  it.each(KINDS)(
    '[T3] a revoked %s refuses the next use at once, at gateway, coordinator and token endpoint',
    async (kind, idOf) => {
      const target = await world();
      expect(await gateway(target)).toMatch(/^502 /);
      const id = idOf(target);
      const answer = created(await revoke(target, kind, id));
      expect(answer).toMatchObject({ kind, id, reason: 'test' });
      expect(await gateway(target)).toBe('401 revoked');
      expect(await runtime(target)).toBe(401);
      const exchanged = await target.scene.exchange(target.client, target.session.session_token, {
        resource: target.mail.gateway_url,
      });
      expect(exchanged.status).toBeGreaterThanOrEqual(400);
      expect((await revoke(target, kind, id)).status).toBe(200);
      const entries = await target.scene.entries('type=admin.revocations.create');
      expect(entries[0]?.entry).toMatchObject({ actor: { kind: 'human' }, detail: { target: `${kind}:${id}` } });
      expect(await gateway(main)).toMatch(/^502 /);
    },
  );

  it('[T3] a revoked delegation ends what came through it and leaves the session', async () => {
    const target = await world();
    const { scene, client, session, mail } = target;
    const narrow = { narrow: { resources: [{ resource: mail.identifier, scopes: ['read'] }] } };
    const child = created(
      await scene.runtime('POST', '/sessions', session.session_token, { lifecycle: 'task', authority: narrow }),
    );
    const mandate = ok(await scene.exchange(client, child.session_token, { resource: mail.gateway_url })).access_token;
    created(await revoke(target, 'delegation', child.delegation));
    expect(await gateway({ ...target, mandate })).toBe('401 revoked');
    expect(await gateway(target)).toMatch(/^502 /);
    expect(ok(await scene.admin('GET', `/delegations/${child.delegation}`)).status).toBe('revoked');
    expect(ok(await scene.admin('GET', `/sessions/${child.id}`)).status).toBe('active');
  });

  it('[T3] a revoked signing key takes its tokens with it', async () => {
    const target = await world();
    const kid = (
      JSON.parse(Buffer.from(target.mandate.split('.')[0] as string, 'base64url').toString()) as { kid: string }
    ).kid;
    created(await revoke(target, 'key', kid));
    expect(await gateway(target)).toMatch(/^401 /);
    expect(await runtime(target)).toBe(401);
    expect(await runtime(target, await target.scene.applicationToken(target.client))).toBe(200);
  });

  it('[T2] restoring a zone allows new work and revives nothing', async () => {
    const target = await world();
    const { scene, client, session } = target;
    ok(await app.admin('POST', `/v1/zones/${scene.zone}/kill`, { reason: 'test' }));
    expect(ok(await scene.admin('GET', `/sessions/${session.id}`))).toMatchObject({
      status: 'terminated',
      end_reason: 'zone_revoked',
    });
    ok(await app.admin('POST', `/v1/zones/${scene.zone}/restore`, {}));
    expect(await gateway(target)).toBe('401 revoked');
    expect(await runtime(target)).toBe(401);
    const token = await scene.applicationToken(client);
    expect(ok(await scene.runtime('GET', `/sessions/${session.id}`, token)).status).toBe('terminated');
    expect((await scene.runtime('POST', `/sessions/${session.id}/token`, token, {})).body.code).toBe(
      'session_not_active',
    );
    expect((await scene.session(token)).id).toMatch(/^ses_/);
  });

  it('[T2] a subject’s sessions end and cannot be refreshed; its new ones live', async () => {
    const target = await world();
    const { scene, client, session } = target;
    const subject = encodeURIComponent(`app:${client.id}`);
    ok(await scene.admin('POST', `/subjects/${subject}/revoke`, { reason: 'lost' }));
    expect(ok(await scene.admin('GET', `/sessions/${session.id}`))).toMatchObject({
      status: 'terminated',
      end_reason: 'subject_revoked',
    });
    expect(await runtime(target)).toBe(401);
    const token = await scene.applicationToken(client);
    expect((await scene.runtime('POST', `/sessions/${session.id}/token`, token, {})).body.code).toBe(
      'session_not_active',
    );
    const next = await scene.session(token);
    expect(await runtime({ ...target, session: next })).toBe(200);
    expect(code(await scene.admin('POST', '/subjects/user:sis_x:nobody/revoke', {}))).toEqual([404, 'not_found']);
  });
});

describe('the administration of what runs', () => {
  it('lists, shows and terminates sessions', async () => {
    const { scene, client, session } = await world();
    const listed = ok(await scene.admin('GET', `/sessions?application=${client.id}&status=active`)).items;
    expect(listed.map((item: { id: string }) => item.id)).toEqual([session.id]);
    expect(ok(await scene.admin('GET', `/sessions/${session.id}/tree`)).session.id).toBe(session.id);
    const ended = ok(await scene.admin('POST', `/sessions/${session.id}/terminate`, { reason: 'odd' }));
    expect(ended).toMatchObject({ status: 'terminated', end_reason: 'odd' });
    expect(ok(await scene.admin('GET', '/sessions?status=active')).items).toEqual([]);
    const [entry] = await scene.entries(`type=session.terminated&session=${session.id}`);
    expect(entry?.entry).toMatchObject({ actor: { kind: 'human' } });
    expect(await scene.entries('type=admin.sessions.terminate')).toHaveLength(1);
  });

  it('lists revocations that some token could still match', async () => {
    const target = await world();
    created(await revoke(target, 'token', 'never-seen'));
    created(await revoke(target, 'session', target.session.id));
    const all = ok(await target.scene.admin('GET', '/revocations')).items;
    expect(all.map((item: { kind: string; id: string }) => `${item.kind}:${item.id}`)).toEqual([
      `session:${target.session.id}`,
      'token:never-seen',
    ]);
    const page = ok(await target.scene.admin('GET', '/revocations?limit=1'));
    expect(ok(await target.scene.admin('GET', `/revocations?limit=1&cursor=${page.next_cursor}`)).items[0].id).toBe(
      'never-seen',
    );
    expect(ok(await target.scene.admin('GET', '/revocations?kind=token')).items).toHaveLength(1);
  });

  it('[T1] knows nothing of other zones’ objects and refuses what is malformed', async () => {
    const other = await world();
    for (const [kind, id] of [
      ['session', other.session.id],
      ['application', other.client.id],
      ['credential', claimsOf(other.token)['crd'] as string],
      ['zone', other.scene.zone],
      ['delegation', 'del_none'],
      ['key', 'none'],
      ['connection', 'con_none'],
      ['subject', `app:${other.client.id}`],
    ] as const) {
      expect({ kind, answer: code(await revoke(main, kind, id)) }).toEqual({ kind, answer: [404, 'not_found'] });
    }
    for (const body of [
      {},
      { kind: 'planet', id: 'x', reason: 'y' },
      { kind: 'token', id: '', reason: 'y' },
      { kind: 'token', id: 'x' },
      { kind: 'token', id: 'a\0b', reason: 'y' },
    ]) {
      expect(code(await main.scene.admin('POST', '/revocations', body))).toEqual([400, 'invalid_request']);
    }
    expect(code(await main.scene.admin('GET', `/sessions/${other.session.id}`))).toEqual([404, 'not_found']);
    expect((await main.scene.admin('GET', '/delegations?limit=0')).status).toBe(400);
    expect(await gateway(other)).toMatch(/^502 /);
  });
});
