import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { KeyHolder } from '../support/dpop.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { claimsOf, created, OAuthScene } from '../support/oauth-scene.js';

/**
 * The slice of the FAPI 2.0 security profile that machines use: client credentials with private_key_jwt and DPoP. Tests are named after the
 * modules of the OpenID Foundation's plan for the client credentials grant.
 */
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

let app: TestApp;
let upstream: Upstream;
let scene: OAuthScene;
let calendar: GatewayScene;
let id: string;
const signer = new KeyHolder();
const key = new KeyHolder();

beforeAll(async () => {
  upstream = await startUpstream((_request, response) => response.end('{}'));
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  const client = await scene.client();
  id = client.id;
  created(await scene.admin('POST', `/applications/${id}/credentials`, { type: 'jwks', jwks: { keys: [signer.jwk] } }));
  calendar = await addResource(scene, client, { upstream: upstream.url });
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

const now = (): number => Math.floor(Date.now() / 1000);
const tokenUrl = (): string => `${scene.issuer}/oauth2/token`;

type Changes = Readonly<Record<string, unknown>>;

function assertion(claims: Changes = {}, by = signer, header: Changes = {}): string {
  const good = { iss: id, sub: id, aud: scene.issuer, iat: now(), nbf: now(), exp: now() + 60, jti: randomUUID() };
  return by.sign({ alg: 'ES256', ...header }, { ...good, ...claims });
}

interface Asked {
  readonly form?: Readonly<Record<string, string | undefined>>;
  readonly claims?: Changes;
  readonly proof?: Changes | null;
}

async function token({ form = {}, claims = {}, proof = {} }: Asked = {}) {
  const fields = {
    grant_type: 'client_credentials',
    resource: calendar.resource.gateway_url,
    client_assertion_type: TYPE,
    client_assertion: assertion(claims),
    ...form,
  };
  const sent = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const headers: Record<string, string> =
    proof === null ? {} : { dpop: key.proof('POST', tokenUrl(), { claims: proof }) };
  return scene.oauth('token', Object.fromEntries(sent), undefined, headers);
}

function call(mandate: string, scheme: string, proof: Changes | null = {}): Promise<Response> {
  const url = `${calendar.resource.gateway_url}/x`;
  const dpop: Record<string, string> =
    proof === null ? {} : { dpop: key.proof('GET', url, { token: mandate, claims: proof }) };
  return fetch(url, { headers: { authorization: `${scheme} ${mandate}`, ...dpop } });
}

describe('FAPI 2.0 security profile, client credentials, private_key_jwt, DPoP', () => {
  it('fapi2-security-profile-final-discovery-end-point-verification', async () => {
    const answer = await fetch(`${scene.issuer}/.well-known/oauth-authorization-server`);
    expect(await answer.json()).toMatchObject({
      issuer: scene.issuer,
      token_endpoint: tokenUrl(),
      jwks_uri: expect.stringContaining(scene.issuer),
      grant_types_supported: expect.arrayContaining(['client_credentials']),
      token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']),
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'Ed25519']),
    });
  });

  it('fapi2-security-profile-final-happy-flow', async () => {
    const { status, body, headers } = await token();
    expect([status, body.token_type, headers.get('cache-control')]).toEqual([200, 'DPoP', 'no-store']);
    expect(claimsOf(body.access_token)['cnf']).toEqual({ jkt: expect.stringMatching(/^[\w-]{43}$/) });
    expect((await call(body.access_token, 'DPoP')).status).toBe(200);
  });

  it('fapi2-security-profile-final-access-token-type-header-case-sensitivity', async () => {
    const { body } = await token();
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect((await call(body.access_token, scheme)).status).toBe(200);
  });

  it('fapi2-security-profile-final-check-dpop-proof-nbf-exp', async () => {
    const times = { nbf: now() - 10, exp: now() + 60 };
    const { status, body } = await token({ proof: times });
    expect([status, (await call(body.access_token, 'DPoP', times)).status]).toEqual([200, 200]);
  });

  it.each([
    ['fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-before-succeeds', -10],
    ['fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-after-succeeds', 10],
  ])('%s', async (_name, by) => {
    const { status, body } = await token({ proof: { iat: now() + by } });
    expect([status, (await call(body.access_token, 'DPoP', { iat: now() + by })).status]).toEqual([200, 200]);
  });

  it('[T3] fapi2-security-profile-final-dpop-negative-tests', async () => {
    const { body } = await token();
    const bad: Changes[] = [
      { ath: undefined },
      { ath: createHash('sha256').update('another').digest('base64url') },
      { htm: 'POST' },
      { htu: 'https://other.example/x' },
      { jti: undefined },
      { iat: undefined },
      { iat: now() - 3_600 },
      { exp: now() - 300 },
    ];
    for (const proof of bad)
      expect([proof, (await call(body.access_token, 'DPoP', proof)).status]).toEqual([proof, 401]);
    const same = { jti: randomUUID() };
    expect((await call(body.access_token, 'DPoP', same)).status).toBe(200);
    expect((await call(body.access_token, 'DPoP', same)).status).toBe(401);
    expect((await call(body.access_token, 'Bearer')).status).toBe(401);
  });

  it('[T2] fapi2-security-profile-final-ensure-holder-of-key-required', async () => {
    const { body } = await token();
    expect((await call(body.access_token, 'DPoP', null)).status).toBe(401);
    expect((await call(body.access_token, 'Bearer', null)).status).toBe(401);
  });

  it('[T2] fapi2-security-profile-final-ensure-client-id-in-token-endpoint', async () => {
    const other = await scene.client();
    const { status, body } = await token({ form: { client_id: other.id } });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
    expect((await token({ form: { client_id: id } })).status).toBe(200);
  });

  describe('[T2] fapi2-security-profile-final-ensure-invalid-client-assertions-fail', () => {
    const skewed = (by: number): Changes => ({ iat: now() + by, nbf: now() + by, exp: now() + by + 60 });
    const cut = (text: string): string => `${text.slice(0, -8)}AAAAAAAA`;
    it.each<[string, () => Asked]>([
      [
        'no client assertion',
        () => ({ form: { client_assertion: undefined, client_assertion_type: undefined, client_id: id } }),
      ],
      ['client_assertion_type missing', () => ({ form: { client_assertion_type: undefined } })],
      ['client_assertion_type wrong', () => ({ form: { client_assertion_type: `${TYPE}x` } })],
      ['without sub', () => ({ claims: { sub: undefined } })],
      ['with wrong sub', () => ({ claims: { sub: 'other' } })],
      ['without iss', () => ({ claims: { iss: undefined } })],
      ['with wrong iss', () => ({ claims: { iss: 'other' } })],
      ['without aud', () => ({ claims: { aud: undefined } })],
      ['with unrelated aud', () => ({ claims: { aud: 'https://other.example' } })],
      ['with token endpoint as aud', () => ({ claims: { aud: tokenUrl() } })],
      ['with array as aud', () => ({ claims: { aud: [scene.issuer, 'https://other.example'] } })],
      ['with exp in the past', () => ({ claims: { exp: now() - 300 } })],
      ['with iat and nbf over 60 seconds in the future', () => ({ claims: skewed(70) })],
      ['signed with RS256', () => ({ form: { client_assertion: assertion({}, signer, { alg: 'RS256' }) } })],
      ['with alg none', () => ({ form: { client_assertion: assertion({}, signer, { alg: 'none' }) } })],
      ['with invalid signature', () => ({ form: { client_assertion: cut(assertion()) } })],
    ])('client assertion: %s', async (_name, asked) => {
      const { status, body } = await token(asked());
      expect([400, 401]).toContain(status);
      expect(['invalid_client', 'invalid_request']).toContain(body.error);
    });

    it('client assertion: with iat and nbf 8 seconds in the future, and a valid one', async () => {
      expect([(await token({ claims: skewed(8) })).status, (await token()).status]).toEqual([200, 200]);
    });
  });
});
