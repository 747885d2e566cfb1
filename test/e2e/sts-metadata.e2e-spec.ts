import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { OAuthScene } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
});

afterAll(() => app.close());

describe('authorization server metadata (RFC 8414)', () => {
  const paths = (zone: string): string[] => [
    `/.well-known/oauth-authorization-server/z/${zone}`,
    `/.well-known/openid-configuration/z/${zone}`,
    `/z/${zone}/.well-known/oauth-authorization-server`,
    `/z/${zone}/.well-known/openid-configuration`,
  ];

  it('is the same document at all four addresses that clients probe (§3.1)', async () => {
    const documents = await Promise.all(paths(scene.zone).map(async (path) => (await fetch(app.url + path)).text()));
    expect(new Set(documents).size).toBe(1);
    expect(JSON.parse(documents[0] as string)).toMatchObject({
      issuer: scene.issuer,
      token_endpoint: `${scene.issuer}/oauth2/token`,
      jwks_uri: `${scene.issuer}/jwks.json`,
      authorization_endpoint: `${scene.issuer}/oauth2/authorize`,
      response_types_supported: [],
      grant_types_supported: [
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:openid:params:grant-type:ciba',
      ],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      code_challenge_methods_supported: ['S256'],
    });
  });

  it('its authorization endpoint supports no response type and leads nowhere (RFC 6749 §4.1.2.1)', async () => {
    const query = 'response_type=code&client_id=x&redirect_uri=https%3A%2F%2Fevil.example';
    const answer = await fetch(`${scene.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request' });
    expect((await fetch(`${app.url}/z/nowhere/oauth2/authorize`)).status).toBe(404);
  });

  it('never lists none among the signing algorithms (§2)', async () => {
    const text = await (await fetch(app.url + (paths(scene.zone)[0] as string))).text();
    expect(text).not.toContain('"none"');
  });

  it('does not go by the Host of the request', async () => {
    const answer = await fetch(app.url + (paths(scene.zone)[0] as string), {
      headers: { 'x-forwarded-host': 'evil.example' },
    });
    expect(((await answer.json()) as { issuer: string }).issuer).toBe(scene.issuer);
  });

  it('an unknown zone and the system’s own have none', async () => {
    for (const path of [...paths('nowhere'), ...paths('_system'), '/z/nowhere/jwks.json', '/z/_system/jwks.json']) {
      expect((await fetch(app.url + path)).status).toBe(404);
    }
  });

  it('a killed zone still answers with metadata and keys', async () => {
    const killed = await OAuthScene.open(app);
    await killed.admin('POST', '/kill', { reason: 'test' });
    expect((await fetch(app.url + (paths(killed.zone)[0] as string))).status).toBe(200);
    expect((await fetch(`${killed.issuer}/jwks.json`)).status).toBe(200);
  });
});

describe('JWKS (RFC 7517 §5)', () => {
  it('is cacheable and revalidates by ETag', async () => {
    const answer = await fetch(`${scene.issuer}/jwks.json`);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    const tag = answer.headers.get('etag') as string;
    const again = await fetch(`${scene.issuer}/jwks.json`, { headers: { 'if-none-match': tag } });
    expect([again.status, again.headers.get('etag')]).toEqual([304, tag]);
    expect((await fetch(`${scene.issuer}/jwks.json`, { headers: { 'if-none-match': '*' } })).status).toBe(304);
    expect((await fetch(`${scene.issuer}/jwks.json`, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it('[T5] holds public members only', async () => {
    const { keys } = (await (await fetch(`${scene.issuer}/jwks.json`)).json()) as { keys: Record<string, string>[] };
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });
});
