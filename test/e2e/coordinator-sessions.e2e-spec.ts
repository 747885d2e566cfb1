import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { claimsOf, created, OAuthScene, ok, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let owner: SceneClient;
let stranger: SceneClient;
let mail: SceneResource;
let token: string;
let strangerToken: string;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  owner = await scene.client({ allowed_labels: ['blue', 'green'] });
  stranger = await scene.client();
  mail = await scene.resource(['read', 'write', 'delete']);
  await scene.grant(owner, mail, ['read', 'write']);
  token = await scene.applicationToken(owner);
  strangerToken = await scene.applicationToken(stranger);
});

afterAll(() => app.close());

const post = (path: string, bearer: string, body: unknown = {}) => scene.runtime('POST', path, bearer, body);
const get = (path: string, bearer: string) => scene.runtime('GET', path, bearer);
const task = (members: object = {}) => ({ lifecycle: 'task', ...members });
const code = ({ status, body }: TestAnswer) => [status, body.code] as const;
const narrow = (scopes: readonly string[], members: object = {}) => ({
  narrow: { resources: [{ resource: mail.identifier, scopes }], ...members },
});

describe('starting a session', () => {
  it('answers the session and its token', async () => {
    const body = created(
      await post('/sessions', token, task({ labels: ['blue'], metadata: { run: 7 }, ttl_seconds: 600 })),
    );
    expect(body).toMatchObject({
      lifecycle: 'task',
      status: 'active',
      application: owner.id,
      parent: null,
      root: body.id,
      depth: 0,
      labels: ['blue'],
      metadata: { run: 7 },
      subject: `app:${owner.id}`,
      subject_type: 'application',
      authority: 'inherit',
      generation: 1,
      ended_at: null,
      end_reason: null,
      limits: { depth: 10, children_per_session: 50 },
    });
    expect(Date.parse(body.expires_at) - Date.parse(body.started_at)).toBe(600_000);
    expect(body.expires_in).toBeGreaterThan(590);
    expect(claimsOf(body.session_token)).toMatchObject({
      iss: scene.issuer,
      aud: scene.issuer,
      sub: `app:${owner.id}`,
      client_id: owner.id,
      sid: body.id,
      zone: scene.zone,
      sub_type: 'application',
    });
    expect(claimsOf(body.session_token)).not.toHaveProperty('act');
    const shown = ok(await get(`/sessions/${body.id}`, token));
    const { session_token: _token, expires_in: _in, ...session } = body;
    expect(shown).toEqual(session);
  });

  it('[T6] is in the ledger with its token, before it is answered', async () => {
    const { id, session_token: issued } = created(await post('/sessions', token, task()));
    const [entry] = await scene.entries(`type=session.started&session=${id}`);
    expect(entry?.entry).toMatchObject({ application: owner.id, session: id, actor: { kind: 'agent', id: owner.id } });
    expect((entry?.entry['token'] as { jti: string }).jti).toBe(claimsOf(issued)['jti']);
  });

  it.each([
    ['no lifecycle', {}, 'lifecycle'],
    ['an unknown lifecycle', { lifecycle: 'daemon' }, 'lifecycle'],
    ['an unknown member', task({ admin: true }), 'admin'],
    ['a TTL beyond a day', task({ ttl_seconds: 86_401 }), 'ttl_seconds'],
    ['a TTL of nothing', task({ ttl_seconds: 0 }), 'ttl_seconds'],
    ['a TTL in words', task({ ttl_seconds: '60' }), 'ttl_seconds'],
    ['a service with a TTL', { lifecycle: 'service', ttl_seconds: 60 }, 'ttl_seconds'],
    ['a task with a lease', task({ lease_seconds: 60 }), 'lease_seconds'],
    ['a lease too short', { lifecycle: 'service', lease_seconds: 14 }, 'lease_seconds'],
    ['a label with a space', task({ labels: ['a b'] }), 'labels'],
    ['33 labels', task({ labels: Array.from({ length: 33 }, (_, n) => `l${n}`) }), 'labels'],
    ['metadata that is a list', task({ metadata: [] }), 'metadata'],
    ['metadata beyond 16 KiB', task({ metadata: { a: 'x'.repeat(16_384) } }), 'metadata'],
    ['an authority nobody knows', task({ authority: 'all' }), 'authority'],
    [
      'a narrowed root',
      task({ authority: { narrow: { resources: [{ resource: 'x', scopes: ['y'] }] } } }),
      'authority',
    ],
    ['a symmetric key', task({ jwk: { kty: 'oct', k: 'AAAA' } }), 'jwk'],
  ])('refuses %s and says which member it is', async (_name, body, field) => {
    const answer = await post('/sessions', token, body);
    expect(code(answer)).toEqual([400, 'invalid_request']);
    expect(answer.body.errors[0].field).toBe(field);
  });

  it('[T2] refuses labels beyond the application’s, and beyond the starting session’s', async () => {
    expect(code(await post('/sessions', token, task({ labels: ['red'] })))).toEqual([403, 'authority_exceeded']);
    const blue = await scene.session(token, { labels: ['blue'] });
    expect(code(await post('/sessions', blue.session_token, task({ labels: ['green'] })))).toEqual([
      403,
      'authority_exceeded',
    ]);
    created(await post('/sessions', blue.session_token, task({ labels: ['blue'] })));
  });

  it('refuses a subject whose issuer is not registered', async () => {
    expect(code(await post('/sessions', token, task({ subject: { id_token: 'e30.e30.AA' } })))).toEqual([
      400,
      'invalid_subject',
    ]);
  });

  it('[T1] needs a token of its own zone', async () => {
    const other = await OAuthScene.open(app);
    expect(
      (
        await call(other.issuer, {
          method: 'POST',
          path: '/sessions',
          body: task(),
          headers: { authorization: `Bearer ${token}` },
        })
      ).status,
    ).toBe(401);
    expect((await call(scene.issuer, { method: 'POST', path: '/sessions', body: task() })).status).toBe(401);
  });

  it('happens once under an idempotency key, and shows its token once', async () => {
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': '"start-1"' };
    const first = created(await call(scene.issuer, { method: 'POST', path: '/sessions', body: task(), headers }));
    const again = created(await call(scene.issuer, { method: 'POST', path: '/sessions', body: task(), headers }));
    expect(again).toMatchObject({ id: first.id, secret_shown: true });
    expect(again).not.toHaveProperty('session_token');
    expect(ok(await post(`/sessions/${first.id}/token`, token)).session_token).toEqual(expect.any(String));
  });

  it('binds its tokens to a key, and then takes none without a proof', async () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
    const body = created(await post('/sessions', token, task({ jwk })));
    expect(claimsOf(body.session_token)['cnf']).toEqual({ jkt: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' });
    expect((await get(`/sessions/${body.id}`, body.session_token)).status).toBe(401);
  });
});

describe('children', () => {
  it('stand under their parent, also when a session token does not name it', async () => {
    const root = await scene.session(token, { ttl_seconds: 600 });
    const named = created(await post('/sessions', token, task({ parent: root.id })));
    const own = created(await post('/sessions', root.session_token, task()));
    for (const child of [named, own]) expect(child).toMatchObject({ parent: root.id, root: root.id, depth: 1 });
    expect(Date.parse(own.expires_at)).toBeLessThanOrEqual(Date.now() + 600_000);
  });

  it('[T2] never outlive their parent', async () => {
    const root = await scene.session(token, { ttl_seconds: 60 });
    expect(code(await post('/sessions', token, task({ parent: root.id, ttl_seconds: 3_600 })))).toEqual([
      403,
      'authority_exceeded',
    ]);
  });

  it('[T2] are started only by their own application and by the very session above them', async () => {
    const root = await scene.session(token);
    const child = await scene.session(token, { parent: root.id });
    expect(code(await post('/sessions', strangerToken, task({ parent: root.id })))).toEqual([404, 'not_found']);
    expect(code(await post('/sessions', token, task({ parent: 'ses_none' })))).toEqual([404, 'not_found']);
    expect(code(await post('/sessions', child.session_token, task({ parent: root.id })))).toEqual([
      403,
      'access_denied',
    ]);
    expect(code(await post('/sessions', root.session_token, task({ parent: child.id })))).toEqual([
      403,
      'access_denied',
    ]);
  });

  it('stand at most ten deep', async () => {
    let parent: { id: string; session_token: string } | undefined;
    for (let depth = 0; depth <= 10; depth += 1) {
      const body = task(parent ? { parent: parent.id } : {});
      parent = created(await post('/sessions', parent?.session_token ?? token, body));
      expect(parent).toMatchObject({ depth });
    }
    const answer = await post('/sessions', token, task({ parent: parent?.id }));
    expect(code(answer)).toEqual([429, 'limit_exceeded']);
    expect(answer.body.limit).toBe('depth');
  });

  it('[T2] that are narrowed carry the edge in their token and hold no more than it', async () => {
    const root = await scene.session(token);
    const child = created(await post('/sessions', root.session_token, task({ authority: narrow(['read']) })));
    expect(child).toMatchObject({ authority: 'narrowed', delegation: expect.stringMatching(/^del_/) });
    const claims = claimsOf(child.session_token);
    expect(claims).toMatchObject({
      sub: `app:${owner.id}`,
      dlg: child.delegation,
      dep: 1,
      act: { sub: `app:${owner.id}`, sid: child.id, act: { sid: root.id } },
    });
    const mandate = ok(await scene.exchange(owner, child.session_token, { resource: mail.gateway_url }));
    expect(mandate.scope).toBe('read');
    expect(
      (await scene.exchange(owner, child.session_token, { resource: mail.gateway_url, scope: 'write' })).body.error,
    ).toBe('invalid_scope');
    expect(await scene.entries(`type=delegation.created&delegation=${child.delegation}`)).toHaveLength(1);
  });

  it.each([
    ['a scope the parent does not hold', () => narrow(['delete'])],
    [
      'a resource nobody knows',
      () => ({ narrow: { resources: [{ resource: 'https://no.example', scopes: ['read'] }] } }),
    ],
    ['a life beyond the parent’s', () => narrow(['read'], { ttl_seconds: 86_400 })],
  ])('[T2] cannot be given %s', async (_name, authority) => {
    const root = await scene.session(token, { ttl_seconds: 600 });
    expect(code(await post('/sessions', root.session_token, task({ authority: authority() })))).toEqual([
      403,
      'authority_exceeded',
    ]);
    expect(ok(await get(`/sessions?parent=${root.id}`, token)).items).toEqual([]);
  });

  it('[T2] of a narrowed session hold no more than it, whatever they ask for, and spend its hops', async () => {
    const root = await scene.session(token);
    const child = created(
      await post('/sessions', root.session_token, task({ authority: narrow(['read'], { hops: 1 }) })),
    );
    expect(code(await post('/sessions', child.session_token, task({ authority: narrow(['read', 'write']) })))).toEqual([
      403,
      'authority_exceeded',
    ]);
    const grand = created(await post('/sessions', child.session_token, task({ authority: narrow(['read']) })));
    expect(claimsOf(grand.session_token)).toMatchObject({ dep: 2, dlg: grand.delegation });
    expect(code(await post('/sessions', grand.session_token, task({ authority: narrow(['read']) })))).toEqual([
      403,
      'authority_exceeded',
    ]);
    const heir = created(await post('/sessions', grand.session_token, task()));
    expect(code(await post('/sessions', heir.session_token, task({ authority: narrow(['read']) })))).toEqual([
      403,
      'authority_exceeded',
    ]);
    expect(ok(await scene.exchange(owner, heir.session_token, { resource: mail.gateway_url })).scope).toBe('read');
  });

  it('[T2] of a session without authority have none, and nothing comes back when an edge ends', async () => {
    const root = await scene.session(token);
    const bare = await scene.session(root.session_token, { authority: 'none' });
    const heir = await scene.session(bare.session_token);
    for (const session of [bare, heir]) {
      expect((await scene.exchange(owner, session.session_token, { resource: mail.gateway_url })).body.error).toBe(
        'invalid_target',
      );
    }
    const child = created(await post('/sessions', root.session_token, task({ authority: narrow(['read']) })));
    ok(await post(`/delegations/${child.delegation}/revoke`, root.session_token));
    expect(code(await post(`/sessions/${child.id}/token`, token))).toEqual([403, 'authority_exceeded']);
    const tree = ok(await get(`/sessions/${root.id}/tree`, token));
    const authorities = tree.children.map((node: { session: { id: string; authority: string } }) => [
      node.session.id,
      node.session.authority,
    ]);
    expect(authorities).toEqual([
      [bare.id, 'none'],
      [child.id, 'none'],
    ]);
  });
});

describe('reading sessions', () => {
  it('[T2] shows an application its own and a session its subtree', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const sibling = await scene.session(root.session_token);
    expect(code(await get(`/sessions/${root.id}`, strangerToken))).toEqual([404, 'not_found']);
    expect(code(await get(`/sessions/${root.id}/tree`, strangerToken))).toEqual([404, 'not_found']);
    expect(code(await get(`/sessions/${sibling.id}`, child.session_token))).toEqual([403, 'access_denied']);
    expect((await get(`/sessions/${child.id}`, root.session_token)).status).toBe(200);
    const seen = ok(await get('/sessions', child.session_token)).items;
    expect(seen.map((item: { id: string }) => item.id)).toEqual([child.id]);
    expect(ok(await get('/sessions', strangerToken)).items).toEqual([]);
  });

  it('lists by parent, label and status, in pages', async () => {
    const root = await scene.session(token, { labels: ['blue'] });
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1)
      ids.push((await scene.session(token, { parent: root.id, labels: n < 3 ? ['blue'] : [] })).id);
    ok(await post(`/sessions/${ids[1]}/terminate`, token));
    const list = async (query: string) =>
      ok(await get(`/sessions?parent=${root.id}&${query}`, token)).items.map((item: { id: string }) => item.id);
    expect(await list('')).toEqual(ids);
    expect(await list('label=blue')).toEqual(ids.slice(0, 3));
    expect(await list('status=terminated')).toEqual([ids[1]]);
    expect(await list('status=active')).toEqual(ids.filter((id) => id !== ids[1]));
    const first = ok(await get(`/sessions?parent=${root.id}&limit=2`, token));
    const second = ok(await get(`/sessions?parent=${root.id}&limit=3&cursor=${first.next_cursor}`, token));
    expect([...first.items, ...second.items].map((item: { id: string }) => item.id)).toEqual(ids);
    expect(second.next_cursor).toBeNull();
    const { body } = await get('/sessions/ses_x?wait=5', token);
    expect([body.code, body.errors]).toEqual([
      'invalid_request',
      [{ field: 'wait', message: 'is not known here; the request takes no query' }],
    ]);
    for (const query of ['limit=0', 'limit=201', 'cursor=%00', 'status=dead', 'color=red']) {
      expect(code(await get(`/sessions?${query}`, token))).toEqual([400, 'invalid_request']);
    }
  });

  it('nests a tree', async () => {
    const root = await scene.session(token);
    const child = await scene.session(root.session_token);
    const grand = await scene.session(child.session_token);
    const tree = ok(await get(`/sessions/${root.id}/tree`, root.session_token));
    expect(tree.session.id).toBe(root.id);
    expect(tree.children[0].session.id).toBe(child.id);
    expect(tree.children[0].children[0].session.id).toBe(grand.id);
    expect(tree.children[0].children[0].children).toEqual([]);
  });

  it.each(['ses_none', 'ses_00000000-0000-7000-8000-000000000000', 'x'.repeat(300), "'%20OR%201=1", '%00'])(
    'does not know %s',
    async (id) => {
      const { status } = await get(`/sessions/${id}`, token);
      expect([400, 404]).toContain(status);
    },
  );
});
