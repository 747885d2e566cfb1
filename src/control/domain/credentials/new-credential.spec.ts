import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../kernel/json.js';
import { credentialBody, isLiveCredential, type CredentialRow, type CredentialType } from './credential.js';
import { credentialFaults } from './new-credential.js';

type Jwk = Record<string, string>;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ec = p256.publicKey.export({ format: 'jwk' }) as Jwk;
const privateEc = p256.privateKey.export({ format: 'jwk' }) as Jwk;
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as Jwk;
const rsa = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' }) as Jwk;
const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) as Jwk;

function faultsOf(type: CredentialType, jwks: unknown, details: JsonObject = {}): readonly string[] {
  return credentialFaults(type, { jwks: jwks as JsonObject | undefined, details }).map(
    (fault) => `${fault.field}: ${fault.message}`,
  );
}

describe('key sets of clients (RFC 7517, RFC 7591 §2)', () => {
  it.each([
    ['an EC key', { keys: [ec] }],
    ['an Ed25519 key', { keys: [{ ...ed, alg: 'EdDSA' }] }],
    ['an RSA key of 2048 bits', { keys: [{ ...rsa(2048), alg: 'PS256' }] }],
    [
      'two keys, for rotation',
      {
        keys: [
          { ...ec, kid: '1' },
          { ...ed, kid: '2' },
        ],
      },
    ],
    ['a key for signatures', { keys: [{ ...ec, use: 'sig', alg: 'ES256', key_ops: ['verify'] }] }],
  ])('accepts %s', (_, jwks) => {
    expect(faultsOf('jwks', jwks)).toEqual([]);
  });

  it.each([
    ['no keys', { keys: [] }, 'jwks.keys'],
    ['keys that are no list', { keys: ec }, 'jwks.keys'],
    ['no set at all', undefined, 'jwks: is required'],
    ['[T5] a private key', { keys: [privateEc] }, 'jwks.keys.0: must be a public key'],
    ['[T5] a symmetric key', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, 'jwks.keys.0: must be a public key'],
    ['a short RSA key', { keys: [rsa(1024)] }, 'jwks.keys.0: must be an EC key'],
    ['a key for agreement', { keys: [x25519] }, 'jwks.keys.0: must be an EC key'],
    ['a point off the curve', { keys: [{ ...ec, y: ec['x'] }] }, 'jwks.keys.0: must be an EC key'],
    ['a key for encryption', { keys: [{ ...ec, use: 'enc' }] }, 'jwks.keys.0: must be for signatures'],
    ['an algorithm of another key type', { keys: [{ ...ec, alg: 'RS256' }] }, 'jwks.keys.0: alg must be'],
    ['the algorithm none', { keys: [{ ...ec, alg: 'none' }] }, 'jwks.keys.0: alg must be'],
    [
      'one kid twice',
      {
        keys: [
          { ...ec, kid: '1' },
          { ...ed, kid: '1' },
        ],
      },
      'jwks.keys.1: kid must be distinct',
    ],
    ['a text as key', { keys: ['x'] }, 'jwks.keys.0: must be a JSON Web Key'],
  ])('refuses %s', (_, jwks, expected) => {
    expect(faultsOf('jwks', jwks)[0]?.startsWith(expected)).toBe(true);
  });
});

describe('credentials of each type', () => {
  it.each<[string, CredentialType, JsonObject]>([
    ['a secret', 'client_secret', {}],
    ['a key set elsewhere', 'jwks_uri', { jwks_uri: 'https://agent.example/jwks.json' }],
    ['a SPIFFE id', 'spiffe', { spiffe_id: 'spiffe://example.org/agents/billing' }],
    ['a certificate by its subject', 'certificate', { tls_client_auth_subject_dn: 'CN=agent,O=Example' }],
    ['a certificate by a name', 'certificate', { tls_client_auth_san_dns: 'agent.example' }],
  ])('accepts %s', (_, type, details) => {
    expect(faultsOf(type, undefined, details)).toEqual([]);
  });

  it.each<[string, CredentialType, JsonObject, string]>([
    ['a member of another type', 'client_secret', { jwks_uri: 'https://a.example' }, 'jwks_uri: does not belong'],
    [
      'a key set over plain http',
      'jwks_uri',
      { jwks_uri: 'http://agent.example/jwks.json' },
      'jwks_uri: must be an https URL',
    ],
    ['no address of a key set', 'jwks_uri', {}, 'jwks_uri: is required'],
    ['a SPIFFE id without path', 'spiffe', { spiffe_id: 'spiffe://example.org' }, 'spiffe_id: must be'],
    ['a SPIFFE id with dot segments', 'spiffe', { spiffe_id: 'spiffe://example.org/a/../b' }, 'spiffe_id: must be'],
    ['a SPIFFE id with a port', 'spiffe', { spiffe_id: 'spiffe://example.org:1/a' }, 'spiffe_id: must be'],
    ['a certificate that names nobody', 'certificate', {}, 'type: a certificate is named by exactly one'],
    [
      'a certificate that names two',
      'certificate',
      { tls_client_auth_san_dns: 'a', tls_client_auth_san_ip: '::1' },
      'type: a certificate is named by exactly one',
    ],
  ])('refuses %s', (_, type, details, expected) => {
    expect(faultsOf(type, undefined, details)[0]?.startsWith(expected)).toBe(true);
  });
});

describe('a stored credential', () => {
  const row: CredentialRow = {
    id: 'crd_1',
    application: 'app_1',
    type: 'client_secret',
    secretMac: Buffer.from('mac'),
    jwks: null,
    details: {},
    createdAt: new Date(0),
    expiresAt: null,
    revokedAt: null,
  };

  it('[T5] shows neither its secret nor the MAC of it', () => {
    expect(credentialBody(row)).toEqual({
      id: 'crd_1',
      application: 'app_1',
      type: 'client_secret',
      created_at: '1970-01-01T00:00:00.000Z',
    });
  });

  it.each([
    ['one that has not expired', { expiresAt: new Date(1_001) }, true],
    ['one that expires now', { expiresAt: new Date(1_000) }, false],
    ['one that was revoked', { revokedAt: new Date(1) }, false],
  ])('counts %s as live: %p', (_, change, live) => {
    expect(isLiveCredential({ ...row, ...change }, 1_000)).toBe(live);
  });
});
