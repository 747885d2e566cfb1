import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { selfSigned } from '../../../../test/support/self-signed.js';
import type { JsonObject } from '../../../kernel/json.js';
import { secretEndpoints, sendsElsewhere } from './endpoints.js';
import { pairFaults } from './oauth-kinds.js';
import { configFaults, secretFaults, type ProviderKind } from './provider-kinds.js';

const faultsOf = (kind: ProviderKind, config: JsonObject, secret: JsonObject): string[] =>
  [...configFaults(kind, config), ...secretFaults(kind, secret), ...pairFaults(kind, config, secret)].map(
    (fault) => fault.field,
  );

const CLIENT = { token_endpoint: 'https://as.example/token', client_id: 'c', auth_method: 'client_secret_basic' };
const SECRET = { client_secret: 's3cret' };
const pem = (type: 'ec' | 'rsa', options: object): string =>
  generateKeyPairSync(type as 'ec', options as { namedCurve: string })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
const KEY = pem('ec', { namedCurve: 'P-256' });
const JWK = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JsonObject;
const TLS = selfSigned('client.test');

describe('providers whose credential is obtained', () => {
  it.each<[string, ProviderKind, JsonObject, JsonObject]>([
    ['a client with a secret', 'oauth2_client_credentials', CLIENT, SECRET],
    [
      'everything a request may name',
      'oauth2_client_credentials',
      { ...CLIENT, scope: 'a b', audience: ['x'], resource: ['https://r.example/'], params: { tenant: 't' } },
      SECRET,
    ],
    [
      'a client with a key',
      'oauth2_client_credentials',
      { ...CLIENT, auth_method: 'private_key_jwt' },
      { private_key: KEY },
    ],
    ['a key as JWK', 'oauth2_client_credentials', { ...CLIENT, auth_method: 'private_key_jwt' }, { private_key: JWK }],
    [
      'an account of a public client',
      'oauth2_authorization_code',
      { ...CLIENT, auth_method: 'none', authorization_endpoint: 'https://as.example/authorize', scope: 'a' },
      {},
    ],
    [
      'an assertion',
      'oauth2_jwt_bearer',
      { token_endpoint: CLIENT.token_endpoint, assertion_issuer: 'svc' },
      { private_key: KEY },
    ],
    ['an exchange', 'oauth2_token_exchange', { ...CLIENT, audience: 'x' }, SECRET],
    [
      'signatures',
      'aws_sigv4',
      { region: 'eu-west-1', service: 's3', access_key_id: 'AKIA' },
      { secret_access_key: 's' },
    ],
    [
      'signatures, the id among the secrets',
      'aws_sigv4',
      { region: 'r', service: 's' },
      { access_key_id: 'A', secret_access_key: 's' },
    ],
    ['a certificate', 'mtls', { certificate: TLS.cert }, { private_key: TLS.key }],
  ])('accepts %s', (_, kind, config, secret) => {
    expect(faultsOf(kind, config, secret)).toEqual([]);
  });

  it.each<[string, ProviderKind, JsonObject, JsonObject, string]>([
    [
      'no client',
      'oauth2_client_credentials',
      { token_endpoint: CLIENT.token_endpoint, auth_method: 'none' },
      {},
      'config.client_id',
    ],
    [
      'an endpoint with a password',
      'oauth2_client_credentials',
      { ...CLIENT, token_endpoint: 'https://u:p@as.example/' },
      SECRET,
      'config.token_endpoint',
    ],
    [
      'another scheme',
      'oauth2_client_credentials',
      { ...CLIENT, token_endpoint: 'file:///etc/passwd' },
      SECRET,
      'config.token_endpoint',
    ],
    [
      '[T3] parameters that the flow sets itself',
      'oauth2_authorization_code',
      { ...CLIENT, authorization_endpoint: 'https://as.example/', params: { redirect_uri: 'https://evil.example' } },
      SECRET,
      'config.params',
    ],
    [
      'parameters that are no texts',
      'oauth2_client_credentials',
      { ...CLIENT, params: { a: 1 } },
      SECRET,
      'config.params',
    ],
    ['a scope with two spaces', 'oauth2_client_credentials', { ...CLIENT, scope: 'a  b' }, SECRET, 'config.scope'],
    [
      'a resource with a fragment (RFC 8707 §2)',
      'oauth2_client_credentials',
      { ...CLIENT, resource: 'https://r/#f' },
      SECRET,
      'config.resource',
    ],
    [
      'an unknown way to authenticate',
      'oauth2_client_credentials',
      { ...CLIENT, auth_method: 'tls' },
      SECRET,
      'config.auth_method',
    ],
    ['a secret that is missing', 'oauth2_client_credentials', CLIENT, {}, 'secret.client_secret'],
    ['a key in place of a secret', 'oauth2_client_credentials', CLIENT, { private_key: KEY }, 'secret.private_key'],
    [
      'a weak key',
      'oauth2_client_credentials',
      { ...CLIENT, auth_method: 'private_key_jwt' },
      { private_key: pem('rsa', { modulusLength: 1_024 }) },
      'secret.private_key',
    ],
    ['a text that is no key', 'oauth2_jwt_bearer', CLIENT, { private_key: 'canary' }, 'secret.private_key'],
    [
      'an access key nowhere',
      'aws_sigv4',
      { region: 'r', service: 's' },
      { secret_access_key: 's' },
      'config.access_key_id',
    ],
    [
      'a key of another certificate',
      'mtls',
      { certificate: TLS.cert },
      { private_key: selfSigned('x').key },
      'secret.private_key',
    ],
    ['a certificate that is none', 'mtls', { certificate: 'x' }, { private_key: TLS.key }, 'config.certificate'],
  ])('refuses %s', (_, kind, config, secret, field) => {
    const faults = [...configFaults(kind, config), ...secretFaults(kind, secret)];
    const all = faults.length > 0 ? faults : pairFaults(kind, config, secret);
    expect(all.map((fault) => fault.field)).toContain(field);
    expect(JSON.stringify(all)).not.toMatch(/canary|PRIVATE KEY/);
  });

  it('[T12] knows when a change would send a secret elsewhere', () => {
    expect(
      secretEndpoints({ ...CLIENT, revocation_endpoint: 'https://as.example/revoke' }).map((one) => one.field),
    ).toEqual(['token_endpoint', 'revocation_endpoint']);
    expect(sendsElsewhere(CLIENT, { ...CLIENT, token_endpoint: 'https://as.example/other' })).toBe(false);
    expect(sendsElsewhere(CLIENT, { ...CLIENT, token_endpoint: 'https://as.example:8443/token' })).toBe(true);
    expect(sendsElsewhere(CLIENT, { ...CLIENT, revocation_endpoint: 'https://evil.example/revoke' })).toBe(true);
  });
});
