import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import {
  ACCESS_TOKEN,
  claimsOf,
  created,
  EXCHANGE,
  OAuthScene,
  ok,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';
import { addResource, startUpstream } from '../support/gateway-scene.js';
import { type IdTokenChanges, SubjectIssuer } from '../support/subject-issuer.js';

const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const now = (): number => Math.floor(Date.now() / 1000);

let app: TestApp;
let issuer: SubjectIssuer;
let scene: OAuthScene;
let client: SceneClient;
let resource: SceneResource;
let token: string;
let id: string;

beforeAll(async () => {
  app = await startTestApp();
  issuer = await SubjectIssuer.start();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  resource = await scene.resource(['read', 'write']);
  await scene.grant(client, resource, ['read', 'write']);
  ({ id } = created(await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' })));
  token = await scene.applicationToken(client);
});

afterAll(async () => {
  await app.close();
  await issuer.close();
});

const start = (idToken: string, body: object = {}, bearer = token): Promise<TestAnswer> =>
  scene.runtime('POST', '/sessions', bearer, { lifecycle: 'task', subject: { id_token: idToken }, ...body });

const exchangeUser = (
  idToken: string,
  actor: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<TestAnswer> =>
  scene.exchange(client, idToken, {
    subject_token_type: ID_TOKEN,
    actor_token: actor,
    actor_token_type: ACCESS_TOKEN,
    resource: resource.gateway_url,
    ...fields,
  });

const code = ({ status, body }: TestAnswer): [number, string] => [status, body.code ?? body.error];

describe('a session for a federated user', () => {
  it('works for the user, who is named by issuer and sub, and acts for them in every token', async () => {
    const session = created(await start(issuer.mint({ claims: { sub: 'bob' } })));
    expect(session).toMatchObject({ subject: `user:${id}:bob`, subject_type: 'user', depth: 0 });
    const act = { sub: `app:${client.id}`, client_id: client.id, sid: session.id };
    expect(claimsOf(session.session_token)).toMatchObject({ sub: `user:${id}:bob`, sub_type: 'user', act });
    const mandate = ok(await scene.exchange(client, session.session_token, { resource: resource.gateway_url }));
    expect(claimsOf(mandate.access_token)).toMatchObject({ sub: `user:${id}:bob`, sub_type: 'user', act });
    const child = created(await scene.runtime('POST', '/sessions', session.session_token, { lifecycle: 'task' }));
    expect(child).toMatchObject({ subject: `user:${id}:bob`, depth: 1 });
    const [entry] = await scene.entries(`type=session.started&session=${session.id}`);
    expect(entry?.entry).toMatchObject({ subject: `user:${id}:bob` });
  });

  it('[T2] one of 200 parallel uses of one id_token opens one', async () => {
    const idToken = issuer.mint({ claims: { sub: 'carol' } });
    const bodies = Array.from({ length: 200 }, (_, n) => n);
    const answers: [number, string][] = [];
    // In both ways at once: what a session took, no exchange gets.
    await Promise.all(
      bodies.map(async (n) => {
        answers.push(code(n % 2 === 0 ? await start(idToken) : await exchangeUser(idToken, token)));
      }),
    );
    const good = answers.filter(([status]) => status < 300);
    expect(good).toHaveLength(1);
    const refused = answers.filter(([status]) => status >= 300).map(([status, error]) => `${status} ${error}`);
    expect(new Set(refused)).toEqual(new Set(['400 invalid_subject', '400 invalid_request']));
  });

  it('ends within the cap after the id_token was issued', async () => {
    const other = await OAuthScene.open(app);
    const its = await other.client();
    created(await other.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' }));
    const zone = await app.admin('GET', `/v1/zones/${other.zone}`);
    ok(
      await app.admin(
        'PATCH',
        `/v1/zones/${other.zone}`,
        { subject_session_cap_seconds: 600 },
        { 'if-match': zone.headers.get('etag') ?? '' },
      ),
    );
    const bearer = await other.applicationToken(its);
    const iat = now() - 300;
    const proof = (): object => ({ lifecycle: 'task', subject: { id_token: issuer.mint({ claims: { iat } }) } });
    const shortened = created(await other.runtime('POST', '/sessions', bearer, proof()));
    expect(Date.parse(shortened.expires_at)).toBe((iat + 600) * 1000);
    const service = { ...proof(), lifecycle: 'service' };
    expect((await other.runtime('POST', '/sessions', bearer, service)).status).toBe(201);
    const tooLong = await other.runtime('POST', '/sessions', bearer, { ...proof(), ttl_seconds: 400 });
    expect(code(tooLong)).toEqual([403, 'authority_exceeded']);
    const old = issuer.mint({ claims: { iat: now() - 601 } });
    const tooOld = await other.runtime('POST', '/sessions', bearer, { lifecycle: 'task', subject: { id_token: old } });
    expect(code(tooOld)).toEqual([400, 'invalid_subject']);
  });

  it('a refused start does not spend the id_token', async () => {
    const idToken = issuer.mint({ claims: { sub: 'dan' } });
    expect(code(await start(idToken, { labels: ['not-allowed'] }))).toEqual([403, 'authority_exceeded']);
    expect((await start(idToken)).status).toBe(201);
    expect(code(await start(idToken))).toEqual([400, 'invalid_subject']);
  });

  it('belongs to a session without a parent', async () => {
    const session = created(await start(issuer.mint()));
    expect(code(await start(issuer.mint(), { parent: session.id }))).toEqual([400, 'invalid_request']);
    expect(code(await start(issuer.mint(), {}, session.session_token))).toEqual([400, 'invalid_request']);
  });

  it('knows the nonce that was sent with the authentication request', async () => {
    const good = (): string => issuer.mint({ claims: { nonce: 'n-1' } });
    const asked = (nonce: string): Promise<TestAnswer> => start('', { subject: { id_token: good(), nonce } });
    expect((await asked('n-1')).status).toBe(201);
    expect(code(await asked('n-2'))).toEqual([400, 'invalid_subject']);
    expect(code(await start('', { subject: { id_token: issuer.mint(), nonce: 'n-1' } }))).toEqual([
      400,
      'invalid_subject',
    ]);
    expect(code(await start('', { subject: { id_token: good(), nonsense: 1 } }))).toEqual([400, 'invalid_request']);
  });
});

const FOREIGN = await SubjectIssuer.start();
afterAll(() => FOREIGN.close());

/** Id_tokens that nobody may accept: the JWT attack list (RFC 8725) and the checks of OIDC Core §3.1.3.7. */
const ATTACKS: readonly (readonly [string, () => IdTokenChanges])[] = [
  ['alg none', () => ({ header: { alg: 'none' }, signer: () => Buffer.from('x') })],
  [
    'HS256 under the public key',
    () => ({ header: { alg: 'HS256' }, signer: (input) => issuer.signWithPublicKey(input) }),
  ],
  ['an algorithm that is not the key’s', () => ({ header: { alg: 'RS256' } })],
  ['an algorithm that is no text', () => ({ header: { alg: 7 } })],
  ['a DER signature', () => ({ signer: (input) => issuer.signDer(input) })],
  ['an all-zero signature', () => ({ signer: () => Buffer.alloc(64) })],
  ['another issuer’s key', () => ({ signer: (input) => FOREIGN.sign(input) })],
  [
    'another issuer’s key in the header',
    () => ({ header: { jwk: FOREIGN.jwk }, signer: (input) => FOREIGN.sign(input) }),
  ],
  ['jku', () => ({ header: { jku: `${FOREIGN.url}/keys` } })],
  ['x5u', () => ({ header: { x5u: `${FOREIGN.url}/cert` } })],
  ['x5c', () => ({ header: { x5c: ['MIIB'] } })],
  ['crit', () => ({ header: { crit: ['exp'] } })],
  ['b64', () => ({ header: { b64: false } })],
  ['a kid that is no text', () => ({ header: { kid: 7 } })],
  ['a kid that is a path', () => ({ header: { kid: '../../dev/null' } })],
  ['the type of an access token', () => ({ header: { typ: 'at+jwt' } })],
  ['the type of a logout token', () => ({ header: { typ: 'logout+jwt' } })],
  ['the type of a DPoP proof', () => ({ header: { typ: 'dpop+jwt' } })],
  ['a duplicate header member', () => ({ rawHeader: '{"alg":"ES256","alg":"none","kid":"k0"}' })],
  ['another issuer', () => ({ claims: { iss: FOREIGN.url } })],
  ['the issuer with a slash', () => ({ claims: { iss: `${issuer.url}/` } })],
  ['no issuer', () => ({ claims: { iss: undefined } })],
  ['another audience', () => ({ claims: { aud: 'other' } })],
  ['no audience', () => ({ claims: { aud: undefined } })],
  ['no audience in a list', () => ({ claims: { aud: [] } })],
  ['several audiences without azp', () => ({ claims: { aud: ['caracal', 'other'] } })],
  ['another azp', () => ({ claims: { aud: ['caracal', 'other'], azp: 'other' } })],
  ['another azp beside one audience', () => ({ claims: { azp: 'other' } })],
  ['an audience that is an object', () => ({ claims: { aud: { caracal: true } } })],
  ['an expired one', () => ({ claims: { iat: now() - 700, exp: now() - 60 } })],
  ['one from tomorrow', () => ({ claims: { iat: now() + 86_400, exp: now() + 90_000 } })],
  ['one that is not yet valid', () => ({ claims: { nbf: now() + 60 } })],
  ['one that ends before it begins', () => ({ claims: { exp: now(), iat: now() + 3 } })],
  ['no exp', () => ({ claims: { exp: undefined } })],
  ['no iat', () => ({ claims: { iat: undefined } })],
  ['an exp that is text', () => ({ claims: { exp: String(now() + 600) } })],
  ['an exp with a fraction', () => ({ claims: { exp: now() + 0.5 } })],
  ['no sub', () => ({ claims: { sub: undefined } })],
  ['an empty sub', () => ({ claims: { sub: '' } })],
  ['a sub that is a number', () => ({ claims: { sub: 7 } })],
  ['a sub of 256 bytes', () => ({ claims: { sub: 'é'.repeat(128) } })],
  ['a sub with a control character', () => ({ claims: { sub: 'a\u0000b' } })],
  ['a sub with a line break', () => ({ claims: { sub: 'alice\nbob' } })],
  ['a sub that turns its direction', () => ({ claims: { sub: 'alice\u202egnp' } })],
  ['a sub with a lone surrogate', () => ({ rawClaims: '{"iss":"x","sub":"\\ud800"}' })],
  ['a duplicate claim', () => ({ rawClaims: `{"iss":"${issuer.url}","sub":"a","sub":"b"}` })],
  ['a nonce that is no text', () => ({ claims: { nonce: { a: 1 } } })],
  ['may_act for another client', () => ({ claims: { may_act: { client_id: 'app_other' } } })],
  ['may_act with one member wrong', () => ({ claims: { may_act: { client_id: client.id, sub: 'app:other' } } })],
  ['may_act with a member that nobody knows', () => ({ claims: { may_act: { client_id: client.id, tenant: 'x' } } })],
  ['may_act for nobody', () => ({ claims: { may_act: {} } })],
  ['may_act that is no object', () => ({ claims: { may_act: 'everybody' } })],
];

describe('[T2] an id_token that must not be accepted', () => {
  it.each(ATTACKS)('%s', async (_name, changes) => {
    const bad = (): string => issuer.mint(changes());
    expect(code(await start(bad()))).toEqual([400, 'invalid_subject']);
    const answer = await exchangeUser(bad(), token);
    expect(code(answer)).toEqual([400, 'invalid_request']);
    expect(answer.body.error_description).toBe('the subject or actor token cannot be used');
  });

  it.each<[string, (good: string) => string]>([
    ['text that is no token', () => 'nonsense'],
    ['two parts', (good) => good.split('.').slice(0, 2).join('.')],
    ['five parts', (good) => `${good}.a.b`],
    ['padding', (good) => `${good}=`],
    ['a changed payload', (good) => good.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"x"}').toString('base64url')}.`)],
    ['more than 8 KiB', (good) => `${good}${'A'.repeat(8_192)}`],
  ])('%s', async (_name, damage) => {
    expect(code(await start(damage(issuer.mint())))).toEqual([400, 'invalid_subject']);
    expect(code(await exchangeUser(damage(issuer.mint()), token))).toEqual([400, 'invalid_request']);
  });

  it('accepts what OIDC Core allows: several audiences with our azp, names in any script, may_act for the caller', async () => {
    const claims: readonly Record<string, unknown>[] = [
      { aud: ['other', 'caracal'], azp: 'caracal' },
      { sub: 'é'.repeat(127) },
      { sub: '山田 太郎|x:y' },
      { may_act: { client_id: client.id, sub: `app:${client.id}`, iss: scene.issuer } },
    ];
    for (const one of claims) expect((await start(issuer.mint({ claims: one }))).status).toBe(201);
  });
});

describe('token exchange of an id_token (RFC 8693, delegation only)', () => {
  it('yields the user as sub and the actor’s session as act', async () => {
    const session = await scene.session(token);
    const answer = ok(await exchangeUser(issuer.mint({ claims: { sub: 'erin' } }), session.session_token));
    expect(answer).toMatchObject({ issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', scope: 'read write' });
    const claims = claimsOf(answer.access_token);
    expect(claims).toMatchObject({
      sub: `user:${id}:erin`,
      sub_type: 'user',
      sid: session.id,
      client_id: client.id,
      act: { sub: `app:${client.id}`, client_id: client.id, sid: session.id },
      ptk: [claimsOf(session.session_token)['jti'], claimsOf(token)['jti']],
      txn: claimsOf(session.session_token)['txn'],
    });
    const [entry] = await scene.entries(`type=exchange&jti=${claims['jti'] as string}`);
    expect(entry?.entry).toMatchObject({ subject: `user:${id}:erin`, decision: 'allow', session: session.id });
    expect(entry?.entry['policy']).toMatchObject({
      input: { context: { subject: { type: 'user', sub: `user:${id}:erin`, issuer: id } } },
    });
  });

  it('yields the application as act when it acts without a session', async () => {
    const answer = ok(await exchangeUser(issuer.mint(), token, { scope: 'read', lifetime: '60' }));
    expect(claimsOf(answer.access_token)).toMatchObject({
      sub: `user:${id}:alice`,
      act: { sub: `app:${client.id}`, client_id: client.id },
      scope: 'read',
    });
    const seen = ok(await scene.oauth('introspect', { token: answer.access_token }, client));
    expect(seen).toMatchObject({ active: true, sub: `user:${id}:alice`, act: { client_id: client.id } });
  });

  it('[T2] ends with the id_token, at the latest', async () => {
    const exp = now() + 30;
    const answer = ok(await exchangeUser(issuer.mint({ claims: { exp } }), token));
    expect(claimsOf(answer.access_token)['exp']).toBe(exp);
  });

  it('[T2] needs an actor, who acts for nobody else', async () => {
    const alone = await scene.oauth(
      'token',
      {
        grant_type: EXCHANGE,
        subject_token: issuer.mint(),
        subject_token_type: ID_TOKEN,
        resource: resource.gateway_url,
      },
      client,
    );
    expect(code(alone)).toEqual([400, 'invalid_request']);
    const forFrank = created(await start(issuer.mint({ claims: { sub: 'frank' } })));
    const other = await exchangeUser(issuer.mint({ claims: { sub: 'grace' } }), forFrank.session_token);
    expect(code(other)).toEqual([400, 'invalid_request']);
    const same = await exchangeUser(issuer.mint({ claims: { sub: 'frank' } }), forFrank.session_token);
    expect(claimsOf(ok(same).access_token)['sub']).toBe(`user:${id}:frank`);
  });

  it('[T2] works once; a refused exchange does not spend it', async () => {
    const idToken = issuer.mint({ claims: { sub: 'heidi' } });
    expect(code(await exchangeUser(idToken, token, { scope: 'delete' }))).toEqual([400, 'invalid_scope']);
    ok(await exchangeUser(idToken, token));
    expect(code(await exchangeUser(idToken, token))).toEqual([400, 'invalid_request']);
    const replays = await scene.entries('type=exchange&reason=replayed');
    expect(replays.at(-1)?.entry).toMatchObject({ decision: 'deny', subject: `user:${id}:heidi` });
    expect(JSON.stringify(replays)).not.toContain(idToken.split('.')[2]);
  });

  it('[T2] a second form of an ECDSA signature is not a second id_token', async () => {
    const idToken = issuer.mint({ claims: { sub: 'ivan' } });
    const [header, payload, signature = ''] = idToken.split('.');
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const bytes = Buffer.from(signature, 'base64url');
    const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
    expect((await start(idToken)).status).toBe(201);
    expect(code(await start(`${header}.${payload}.${twin.toString('base64url')}`))).toEqual([400, 'invalid_subject']);
  });

  it('a nonce, when it is given, must be the id_token’s', async () => {
    const claims = { nonce: 'n-1' };
    expect(code(await exchangeUser(issuer.mint({ claims }), token, { nonce: 'n-2' }))).toEqual([
      400,
      'invalid_request',
    ]);
    ok(await exchangeUser(issuer.mint({ claims }), token, { nonce: 'n-1' }));
  });
});

describe('a mandate for a federated user at the gateway', () => {
  it('passes, is decided on with its subject, and tells the upstream for whom and by whom', async () => {
    let seen: Record<string, unknown> = {};
    const upstream = await startUpstream((request, response) => {
      seen = claimsOf(request.headers.authorization?.replace('Bearer ', '') ?? '');
      response.end('ok');
    });
    const gate = await addResource(scene, client, {
      upstream: upstream.url,
      provider: { kind: 'mandate', config: {} },
    });
    const session = await scene.session(token);
    const get = async (sub: string, actor: string): Promise<Response> => {
      const target = { resource: gate.resource.gateway_url };
      const answer = ok(await exchangeUser(issuer.mint({ claims: { sub } }), actor, target));
      return gate.get('/x', { token: answer.access_token });
    };
    expect((await get('judy', session.session_token)).status).toBe(200);
    expect(seen).toMatchObject({ sub: `user:${id}:judy`, sub_type: 'user', act: { sid: session.id } });
    const text = `permit(principal, action, resource);
      forbid(principal, action, resource) when {
        context has operation && context.subject has issuer && context.subject.sub == "user:${id}:ken" };`;
    const policies = created(await scene.admin('POST', '/policies', { name: 'no-ken', cedar: text }));
    const set = created(await scene.admin('POST', '/policy-sets', { policies: [policies.id] }));
    ok(await scene.admin('POST', `/policy-sets/${set.version}/activate`));
    const refused = await get('ken', token);
    expect([refused.status, refused.headers.get('caracal-error')]).toEqual([403, 'access_denied']);
    expect((await get('leo', token)).status).toBe(200);
    ok(await scene.runtime('POST', `/sessions/${session.id}/terminate`, token, {}));
    await upstream.close();
  });
});

describe('revoking a federated subject', () => {
  it('[T2] ends their sessions and mandates; what proved them before proves nothing any more', async () => {
    const of = (changes: Record<string, unknown> = {}): string =>
      issuer.mint({ claims: { sub: 'mallory', ...changes } });
    const session = created(await start(of()));
    const { access_token } = ok(await exchangeUser(of(), token));
    const unused = of();
    const subject = `user:${id}:mallory`;
    ok(await scene.admin('POST', `/subjects/${encodeURIComponent(subject)}/revoke`, { reason: 'left' }));
    expect((await scene.runtime('GET', `/sessions/${session.id}`, session.session_token)).status).toBe(401);
    expect(ok(await scene.oauth('introspect', { token: access_token }, client))).toEqual({ active: false });
    expect(code(await start(unused))).toEqual([400, 'invalid_subject']);
    expect(code(await exchangeUser(of({ iat: now() - 60 }), token))).toEqual([400, 'invalid_request']);
    // One that was issued in a later second is from after the revocation.
    expect((await start(of({ iat: now() + 2 }))).status).toBe(201);
    const again = await scene.admin('POST', '/revocations', { kind: 'subject', id: subject, reason: 'again' });
    expect([200, 201]).toContain(again.status);
  });

  it('[T2] while 100 exchanges of their id_tokens run: nothing is issued after it returned, nothing issued meanwhile is accepted', async () => {
    const of = (): string => issuer.mint({ claims: { sub: 'peggy', iat: now() - 5 } });
    const subject = `user:${id}:peggy`;
    const idTokens = Array.from({ length: 100 }, of);
    let returned = false;
    const late: string[] = [];
    const issued: string[] = [];
    const exchanges = idTokens.map(async (idToken) => {
      const before = returned;
      const answer = await exchangeUser(idToken, token);
      if (answer.status !== 200) return expect(code(answer)).toEqual([400, 'invalid_request']);
      (before ? late : issued).push(answer.body.access_token as string);
    });
    const revocation = scene
      .admin('POST', `/subjects/${encodeURIComponent(subject)}/revoke`, { reason: 'left' })
      .then((answer) => {
        ok(answer);
        returned = true;
      });
    await revocation;
    const after = Array.from({ length: 20 }, async () => code(await exchangeUser(of(), token)));
    await Promise.all(exchanges);
    expect(await Promise.all(after)).toEqual(Array.from({ length: 20 }, () => [400, 'invalid_request']));
    expect(late).toEqual([]);
    const seen = await Promise.all(issued.map((one) => scene.oauth('introspect', { token: one }, client)));
    expect(seen.filter((answer) => ok(answer).active !== false)).toEqual([]);
  });

  it('a user who was never seen can be revoked, one of no issuer of the zone cannot', async () => {
    const revoke = (subject: string): Promise<TestAnswer> =>
      scene.admin('POST', `/subjects/${encodeURIComponent(subject)}/revoke`, {});
    expect((await revoke(`user:${id}:never-seen`)).status).toBe(200);
    expect(code(await revoke('user:sis_0:nobody'))).toEqual([404, 'not_found']);
  });
});
