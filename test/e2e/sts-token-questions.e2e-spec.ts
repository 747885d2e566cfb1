import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  basic,
  claimsOf,
  created,
  OAuthScene,
  ok,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let calendar: SceneResource;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  calendar = await scene.resource(['read']);
  await scene.grant(client, calendar, ['read']);
});

afterAll(() => app.close());

const mandate = async (subject: string): Promise<string> =>
  ok(await scene.exchange(client, subject, { resource: calendar.gateway_url })).access_token;
const introspect = async (token: string, who: SceneClient = client) =>
  ok(await scene.oauth('introspect', { token }, who));
const revoke = (token: string, who: SceneClient = client) => scene.oauth('revoke', { token }, who);

describe('introspection (RFC 7662)', () => {
  it('shows a client its own live tokens of each class', async () => {
    const application = await scene.applicationToken(client);
    const session = await scene.session(application);
    for (const token of [application, session.session_token, await mandate(session.session_token)]) {
      const claims = claimsOf(token);
      expect(await introspect(token)).toMatchObject({
        active: true,
        iss: scene.issuer,
        sub: claims['sub'],
        aud: claims['aud'],
        exp: claims['exp'],
        iat: claims['iat'],
        nbf: claims['nbf'],
        jti: claims['jti'],
        client_id: client.id,
        token_type: 'Bearer',
      });
    }
  });

  it('[T2] everything else is exactly {"active":false} (§2.2)', async () => {
    const stranger = await scene.client();
    const token = await mandate(await scene.applicationToken(client));
    const elsewhere = await OAuthScene.open(app);
    const theirs = await elsewhere.applicationToken(await elsewhere.client());
    for (const answer of [
      await introspect(token, stranger),
      await introspect('nonsense'),
      await introspect(`${token.slice(0, -4)}AAAA`),
      await introspect(theirs),
    ]) {
      expect(answer).toEqual({ active: false });
    }
  });

  it('shows a mandate for a direct resource to the application that serves it (§4)', async () => {
    const server = await scene.client();
    const direct = await scene.resource(['read'], {
      enforcement: 'direct',
      operations: [],
      server_application: server.id,
    });
    await scene.grant(client, direct, ['read']);
    const token = ok(
      await scene.exchange(client, await scene.applicationToken(client), { resource: direct.identifier }),
    ).access_token as string;
    expect(claimsOf(token)['aud']).toBe(direct.identifier);
    expect(await introspect(token, server)).toMatchObject({ active: true, aud: direct.identifier, scope: 'read' });
    expect(await introspect(token, await scene.client())).toEqual({ active: false });
  });

  it('needs authentication and a token; a wrong hint is ignored (§2.1)', async () => {
    const token = await scene.applicationToken(client);
    expect((await scene.oauth('introspect', { token })).status).toBe(401);
    expect((await scene.oauth('introspect', {}, client)).body.error).toBe('invalid_request');
    expect(ok(await scene.oauth('introspect', { token, token_type_hint: 'refresh_token' }, client))).toMatchObject({
      active: true,
    });
  });

  it('is signed for the caller when it asks for that, and is no token (RFC 9701)', async () => {
    const token = await scene.applicationToken(client);
    const ask = (asked: string, accept: string): Promise<Response> =>
      fetch(`${scene.issuer}/oauth2/introspect`, {
        method: 'POST',
        headers: { authorization: basic(client), accept },
        body: new URLSearchParams({ token: asked }),
      });
    const signed = await ask(token, 'application/token-introspection+jwt');
    expect([signed.status, signed.headers.get('content-type')?.split(';')[0]]).toEqual([
      200,
      'application/token-introspection+jwt',
    ]);
    const keys = createLocalJWKSet((await (await fetch(`${scene.issuer}/jwks.json`)).json()) as JSONWebKeySet);
    const text = await signed.text();
    const { payload } = await jwtVerify(text, keys, {
      typ: 'token-introspection+jwt',
      issuer: scene.issuer,
      audience: client.id,
      algorithms: ['ES256'],
    });
    const plain = (await (await ask(token, 'application/json')).json()) as object;
    expect(payload['token_introspection']).toEqual(plain);
    expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection']);
    const unknown = await jwtVerify(await (await ask('x', 'application/token-introspection+jwt')).text(), keys);
    expect(unknown.payload['token_introspection']).toEqual({ active: false });
    expect((await scene.runtime('GET', '/sessions', text)).status).toBe(401);
    expect((await scene.exchange(client, text, { resource: 'https://x.example' })).status).toBe(400);
    const refused = await fetch(`${scene.issuer}/oauth2/introspect`, {
      method: 'POST',
      headers: { accept: 'application/token-introspection+jwt' },
      body: new URLSearchParams({ token }),
    });
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([401, 'invalid_client']);
  });

  it('[T2] a killed zone’s tokens are inactive', async () => {
    const own = await OAuthScene.open(app);
    const who = await own.client();
    const token = await own.applicationToken(who);
    await own.admin('POST', '/kill', { reason: 'test' });
    const answer = await own.oauth('introspect', { token }, who);
    expect(answer.body).toEqual({ active: false });
  });
});

describe('revocation (RFC 7009)', () => {
  it('[T2] ends the token and everything obtained with it, at once', async () => {
    const application = await scene.applicationToken(client);
    const session = await scene.session(application);
    const leaf = await mandate(session.session_token);
    const answer = await revoke(application);
    expect([answer.status, answer.body]).toEqual([200, '']);
    for (const token of [application, session.session_token, leaf])
      expect(await introspect(token)).toEqual({ active: false });
    expect((await scene.exchange(client, session.session_token, { resource: calendar.gateway_url })).body.error).toBe(
      'invalid_request',
    );
  });

  it('leaves siblings alone', async () => {
    const application = await scene.applicationToken(client);
    const [one, two] = [await mandate(application), await mandate(application)];
    await revoke(one);
    expect(await introspect(one)).toEqual({ active: false });
    expect(await introspect(two)).toMatchObject({ active: true });
  });

  it('answers 200 for unknown tokens, a second time, and without effect for another client’s (§2.2)', async () => {
    const token = await scene.applicationToken(client);
    expect((await revoke('nonsense')).status).toBe(200);
    expect((await revoke(token, await scene.client())).status).toBe(200);
    expect(await introspect(token)).toMatchObject({ active: true });
    expect((await revoke(token)).status).toBe(200);
    expect((await revoke(token)).status).toBe(200);
    expect(await introspect(token)).toEqual({ active: false });
  });

  it('needs authentication and a token', async () => {
    const token = await scene.applicationToken(client);
    expect((await scene.oauth('revoke', { token })).status).toBe(401);
    expect((await scene.oauth('revoke', {}, client)).body.error).toBe('invalid_request');
  });

  it('[T6] is one ledger entry', async () => {
    const token = await scene.applicationToken(client);
    await revoke(token);
    const entries = await scene.entries(`type=token.revoked&jti=${claimsOf(token)['jti'] as string}`);
    expect(entries.map(({ entry }) => entry)).toMatchObject([
      { application: client.id, actor: { kind: 'agent', id: client.id } },
    ]);
  });

  it('[T2] a token that is revoked while exchanges of it run: what returns afterwards is dead', async () => {
    const application = await scene.applicationToken(client);
    const running = Array.from({ length: 40 }, () =>
      scene.exchange(client, application, { resource: calendar.gateway_url }),
    );
    await revoke(application);
    const after = await scene.exchange(client, application, { resource: calendar.gateway_url });
    expect(after.body.error).toBe('invalid_request');
    for (const answer of await Promise.all(running)) {
      if (answer.status === 200) expect(await introspect(answer.body.access_token)).toEqual({ active: false });
    }
  });
});

describe('administration', () => {
  it('[T2] revoking a credential ends the tokens obtained with it', async () => {
    const who = await scene.client();
    const token = await scene.applicationToken(who);
    const { body } = await scene.admin('GET', `/applications/${who.id}/credentials`);
    const spare = created(await scene.admin('POST', `/applications/${who.id}/credentials`, { type: 'client_secret' }));
    const first = (body.items as { id: string }[])[0] as { id: string };
    expect((await scene.admin('DELETE', `/applications/${who.id}/credentials/${first.id}`)).status).toBeLessThan(300);
    const renewed = { id: who.id, secret: spare.client_secret as string };
    expect(await introspect(token, renewed)).toEqual({ active: false });
    expect((await scene.oauth('introspect', { token }, who)).status).toBe(401);
  });
});
