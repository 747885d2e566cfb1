import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  ACCESS_TOKEN,
  created,
  EXCHANGE,
  OAuthScene,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';

const INSECURE = { [oauth.allowInsecureRequests]: true };

let app: TestApp;
let scene: OAuthScene;
let who: SceneClient;
let calendar: SceneResource;
let signingKey: webcrypto.CryptoKey;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  who = await scene.client();
  calendar = await scene.resource(['read', 'write']);
  await scene.grant(who, calendar, ['read', 'write']);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] };
  created(await scene.admin('POST', `/applications/${who.id}/credentials`, { type: 'jwks', jwks }));
  signingKey = await webcrypto.subtle.importKey(
    'jwk',
    privateKey.export({ format: 'jwk' }),
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign'],
  );
});

afterAll(() => app.close());

describe('openid-client, unmodified', () => {
  const methods: [string, () => client.ClientAuth][] = [
    ['client_secret_basic', () => client.ClientSecretBasic(who.secret)],
    ['client_secret_post', () => client.ClientSecretPost(who.secret)],
    ['private_key_jwt', () => client.PrivateKeyJwt({ key: signingKey, kid: 'k1' })],
  ];

  describe.each(methods)('with %s', (_name, authenticate) => {
    let config: client.Configuration;

    it.each(['oauth2', 'oidc'] as const)('discovers the server (%s)', async (algorithm) => {
      config = await client.discovery(new URL(scene.issuer), who.id, undefined, authenticate(), {
        execute: [client.allowInsecureRequests],
        algorithm,
      });
      expect(config.serverMetadata().issuer).toBe(scene.issuer);
    });

    it('runs client_credentials, token exchange, introspection and revocation', async () => {
      const { access_token: subject } = await client.clientCredentialsGrant(config);
      const exchanged = await client.genericGrantRequest(config, EXCHANGE, {
        subject_token: subject,
        subject_token_type: ACCESS_TOKEN,
        resource: calendar.gateway_url,
        scope: 'read',
      });
      expect(exchanged).toMatchObject({ token_type: 'bearer', scope: 'read', issued_token_type: ACCESS_TOKEN });
      expect(await client.tokenIntrospection(config, exchanged.access_token)).toMatchObject({
        active: true,
        scope: 'read',
        client_id: who.id,
      });
      await client.tokenRevocation(config, subject);
      expect((await client.tokenIntrospection(config, exchanged.access_token)).active).toBe(false);
    });

    it('gets a mandate in one step with a resource (RFC 8707)', async () => {
      const tokens = await client.clientCredentialsGrant(config, { resource: calendar.gateway_url, scope: 'read' });
      expect(tokens).toMatchObject({ scope: 'read', expires_in: 300 });
    });

    it('reads a refusal', async () => {
      const refused = client.clientCredentialsGrant(config, { resource: calendar.gateway_url, scope: 'other' });
      await expect(refused).rejects.toMatchObject({ error: 'invalid_scope', status: 400 });
    });
  });
});

describe('oauth4webapi, unmodified', () => {
  const self = (): oauth.Client => ({ client_id: who.id });
  let server: oauth.AuthorizationServer;

  it('discovers the server', async () => {
    const issuer = new URL(scene.issuer);
    const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE });
    server = await oauth.processDiscoveryResponse(issuer, response);
    expect(server.token_endpoint).toBe(`${scene.issuer}/oauth2/token`);
  });

  const methods: [string, () => oauth.ClientAuth][] = [
    ['client_secret_basic', () => oauth.ClientSecretBasic(who.secret)],
    ['client_secret_post', () => oauth.ClientSecretPost(who.secret)],
    ['private_key_jwt', () => oauth.PrivateKeyJwt({ key: signingKey, kid: 'k1' })],
  ];

  describe.each(methods)('with %s', (_name, authenticate) => {
    it('runs client_credentials, token exchange, introspection and revocation', async () => {
      const auth = authenticate();
      const granted = await oauth.clientCredentialsGrantRequest(server, self(), auth, {}, INSECURE);
      const { access_token: subject } = await oauth.processClientCredentialsResponse(server, self(), granted);
      const form = {
        subject_token: subject,
        subject_token_type: ACCESS_TOKEN,
        resource: calendar.identifier,
        scope: 'write',
      };
      const exchanged = await oauth.genericTokenEndpointRequest(server, self(), auth, EXCHANGE, form, INSECURE);
      const { access_token: mandate, scope } = await oauth.processGenericTokenEndpointResponse(
        server,
        self(),
        exchanged,
      );
      expect(scope).toBe('write');
      const seen = await oauth.introspectionRequest(server, self(), auth, mandate, INSECURE);
      expect(await oauth.processIntrospectionResponse(server, self(), seen)).toMatchObject({
        active: true,
        aud: calendar.gateway_url,
      });
      await oauth.processRevocationResponse(await oauth.revocationRequest(server, self(), auth, mandate, INSECURE));
      const after = await oauth.introspectionRequest(server, self(), auth, mandate, INSECURE);
      expect((await oauth.processIntrospectionResponse(server, self(), after)).active).toBe(false);
    });

    it('validates a mandate as a resource server does (RFC 9068 §4)', async () => {
      const direct = await scene.resource(['read'], { enforcement: 'direct', operations: [] });
      await scene.grant(who, direct, ['read']);
      const granted = await oauth.clientCredentialsGrantRequest(
        server,
        self(),
        authenticate(),
        { resource: direct.identifier },
        INSECURE,
      );
      const { access_token } = await oauth.processClientCredentialsResponse(server, self(), granted);
      const request = new Request(direct.identifier, { headers: { authorization: `Bearer ${access_token}` } });
      const claims = await oauth.validateJwtAccessToken(server, request, direct.identifier, INSECURE);
      expect(claims).toMatchObject({ client_id: who.id, scope: 'read', aud: direct.identifier });
    });
  });
});
