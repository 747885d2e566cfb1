import { webcrypto } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { startTestApp, type TestApp } from '../support/app.js';
import { addResource, type GatewayScene, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { ACCESS_TOKEN, claimsOf, created, EXCHANGE, OAuthScene, ok, type SceneClient } from '../support/oauth-scene.js';

const INSECURE = { [oauth.allowInsecureRequests]: true };

let app: TestApp;
let upstream: Upstream;
let assertionKey: webcrypto.CryptoKey;

beforeAll(async () => {
  upstream = await startUpstream((_request, response) => response.end('{"served":true}'));
  app = await startTestApp();
});

afterAll(async () => {
  await app.close();
  await upstream.close();
});

interface Machine {
  readonly scene: OAuthScene;
  readonly who: SceneClient;
  readonly calendar: GatewayScene;
}

async function machine(nonce: 'off' | 'required'): Promise<Machine> {
  const scene = await OAuthScene.open(app);
  const who = await scene.client();
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  assertionKey = pair.privateKey;
  const jwks = {
    keys: [{ ...(await webcrypto.subtle.exportKey('jwk', pair.publicKey)), key_ops: ['verify'], kid: 'k1' }],
  };
  created(await scene.admin('POST', `/applications/${who.id}/credentials`, { type: 'jwks', jwks }));
  const calendar = await addResource(scene, who, { upstream: upstream.url });
  const zone = await app.admin('GET', `/v1/zones/${scene.zone}`);
  const match = { 'if-match': zone.headers.get('etag') ?? '' };
  ok(await app.admin('PATCH', `/v1/zones/${scene.zone}`, { dpop_nonce: nonce }, match));
  return { scene, who, calendar };
}

describe.each(['off', 'required'] as const)('with nonces %s', (nonce) => {
  let at: Machine;

  beforeAll(async () => {
    at = await machine(nonce);
  });

  describe.each(['ES256', 'Ed25519'])('openid-client, unmodified, with %s', (alg) => {
    it('runs client_credentials, exchange and gateway calls under one key (RFC 9449)', async () => {
      const config = await client.discovery(
        new URL(at.scene.issuer),
        at.who.id,
        undefined,
        client.PrivateKeyJwt({ key: assertionKey, kid: 'k1' }),
        {
          execute: [client.allowInsecureRequests],
          algorithm: 'oauth2',
        },
      );
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(alg));
      const subject = await client.clientCredentialsGrant(config, undefined, { DPoP });
      expect(subject.token_type).toBe('dpop');
      const fields = {
        subject_token: subject.access_token,
        subject_token_type: ACCESS_TOKEN,
        resource: at.calendar.resource.gateway_url,
      };
      const mandate = await client.genericGrantRequest(config, EXCHANGE, fields, { DPoP });
      expect(claimsOf(mandate.access_token)['cnf']).toEqual(claimsOf(subject.access_token)['cnf']);
      for (const path of ['/a', '/b?c=d', '/%7Ee']) {
        const url = new URL(`${at.calendar.resource.gateway_url}${path}`);
        const answer = await client.fetchProtectedResource(
          config,
          mandate.access_token,
          url,
          'GET',
          undefined,
          undefined,
          { DPoP },
        );
        expect([answer.status, await answer.json()]).toEqual([200, { served: true }]);
      }
      const seen = await client.tokenIntrospection(config, mandate.access_token);
      expect(seen).toMatchObject({ active: true, token_type: 'DPoP' });
    });
  });

  it('oauth4webapi, unmodified, runs client_credentials and a gateway call', async () => {
    const server = await oauth
      .discoveryRequest(new URL(at.scene.issuer), { ...INSECURE, algorithm: 'oauth2' })
      .then((answer) => oauth.processDiscoveryResponse(new URL(at.scene.issuer), answer));
    const who = { client_id: at.who.id };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const repeat = async <T>(attempt: () => Promise<T>): Promise<T> =>
      attempt().catch((error: unknown) => {
        if (oauth.isDPoPNonceError(error)) return attempt();
        throw error;
      });
    const tokens = await repeat(async () => {
      const parameters = { resource: at.calendar.resource.gateway_url };
      const authenticate = oauth.PrivateKeyJwt({ key: assertionKey, kid: 'k1' });
      const answer = await oauth.clientCredentialsGrantRequest(server, who, authenticate, parameters, {
        ...INSECURE,
        DPoP,
      });
      return oauth.processClientCredentialsResponse(server, who, answer);
    });
    const url = new URL(`${at.calendar.resource.gateway_url}/a`);
    const answer = await repeat(() =>
      oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, { ...INSECURE, DPoP }),
    );
    expect(answer.status).toBe(200);
  });
});
