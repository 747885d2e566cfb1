import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { checkProof, type ProofFault } from './check-proof.js';

const NOW = 1_700_000_000;
const URL = 'https://as.example/z/a/oauth2/token';
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ED = generateKeyPairSync('ed25519');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

type Members = Readonly<Record<string, unknown>>;
type Make = (input: Buffer) => Buffer;

const es256: Make = (input) => sign('sha256', input, { key: EC.privateKey, dsaEncoding: 'ieee-p1363' });
const der: Make = (input) => sign('sha256', input, EC.privateKey);
const eddsa: Make = (input) => sign(null, input, ED.privateKey);
const rs256: Make = (input) => sign('sha256', input, RSA.privateKey);
const ps256: Make = (input) => sign('sha256', input, { key: RSA.privateKey, padding: 6, saltLength: 32 });
const es384: Make = (input) => sign('sha384', input, { key: P384.privateKey, dsaEncoding: 'ieee-p1363' });
const hs256: Make = (input) =>
  createHmac('sha256', JSON.stringify(jwk(EC.publicKey)))
    .update(input)
    .digest();

function jwk(key: KeyObject): Members {
  return key.export({ format: 'jwk' });
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function made(header: unknown, claims: unknown, make: Make = es256): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${make(Buffer.from(input)).toString('base64url')}`;
}

const HEADER = { typ: 'dpop+jwt', alg: 'ES256', jwk: jwk(EC.publicKey) };
const CLAIMS = { jti: 'one', htm: 'POST', htu: URL, iat: NOW };
const proof = (header: Members = {}, claims: Members = {}, make: Make = es256): string =>
  made({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, make);

const check = (fields: readonly string[], request: Members = {}) =>
  checkProof(fields, { method: 'POST', url: URL, ...request }, NOW);

describe('a proof of possession (RFC 9449 §4.3)', () => {
  it.each<[string, string]>([
    ['ES256', proof()],
    ['EdDSA', proof({ alg: 'EdDSA', jwk: jwk(ED.publicKey) }, {}, eddsa)],
    ['Ed25519', proof({ alg: 'Ed25519', jwk: jwk(ED.publicKey) }, {}, eddsa)],
    ['a kid beside the key', proof({ kid: 'mine' })],
    [
      'members of the key that say what it is for',
      proof({ jwk: { ...HEADER.jwk, use: 'sig', alg: 'ES256', kid: 'k' } }),
    ],
    ['an ath that nobody asked for', proof({}, { ath: 'x' })],
    ['an unknown claim', proof({}, { more: { a: 1 } })],
    ['iat a minute ago', proof({}, { iat: NOW - 60 })],
    ['iat a minute ahead', proof({}, { iat: NOW + 60 })],
    ['fractions of seconds', proof({}, { iat: NOW - 0.5 })],
    ['exp ahead and nbf past', proof({}, { exp: NOW + 1, nbf: NOW - 1 })],
  ])('is accepted with %s', (_name, text) => {
    expect(check([text])).toMatchObject({ proof: { jti: 'one', jkt: expect.stringMatching(/^[\w-]{43}$/) } });
  });

  it('hands on the nonce it carries', () => {
    expect(check([proof({}, { nonce: 'n' })])).toMatchObject({ proof: { nonce: 'n' } });
  });

  const [head, payload, signature] = proof().split('.') as [string, string, string];
  it.each<[string, readonly string[], ProofFault]>([
    ['no header', [], 'several'],
    ['two headers', [proof(), proof()], 'several'],
    ['two proofs in one header', [`${proof()}, ${proof()}`], 'malformed'],
    ['an empty header', [''], 'malformed'],
    ['no JWT', ['x.y'], 'malformed'],
    ['a proof over 8 KiB', [proof({}, { pad: 'x'.repeat(8_192) })], 'malformed'],
    ['duplicate members', [made(`{"typ":"dpop+jwt","alg":"none","alg":"ES256"}`, CLAIMS)], 'malformed'],
    ['duplicate claims', [made(HEADER, `{"jti":"a","jti":"b"}`)], 'malformed'],
    ['padding', [`${head}.${payload}.${signature}=`], 'malformed'],
    ['no typ', [proof({ typ: undefined })], 'typ'],
    ['the typ of an access token', [proof({ typ: 'at+jwt' })], 'typ'],
    ['the typ of any JWT', [proof({ typ: 'JWT' })], 'typ'],
    ['alg none', [proof({ alg: 'none' }, {}, () => Buffer.from('x'))], 'alg'],
    ['HS256', [proof({ alg: 'HS256' }, {}, hs256)], 'alg'],
    ['HS256 with an oct key', [proof({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, {}, hs256)], 'alg'],
    ['RS256', [proof({ alg: 'RS256', jwk: jwk(RSA.publicKey) }, {}, rs256)], 'alg'],
    ['PS256', [proof({ alg: 'PS256', jwk: jwk(RSA.publicKey) }, {}, ps256)], 'alg'],
    ['ES384', [proof({ alg: 'ES384', jwk: jwk(P384.publicKey) }, {}, es384)], 'alg'],
    ['crit', [proof({ crit: ['exp'], exp: 1 })], 'header'],
    ['jku', [proof({ jku: 'https://keys.example' })], 'header'],
    ['x5c', [proof({ x5c: ['AAAA'] })], 'header'],
    ['b64', [proof({ b64: false })], 'header'],
    ['no jwk', [proof({ jwk: undefined })], 'jwk'],
    ['a private key', [proof({ jwk: jwk(EC.privateKey) })], 'jwk'],
    ['a key that is text', [proof({ jwk: JSON.stringify(HEADER.jwk) })], 'jwk'],
    ['a key with padded coordinates', [proof({ jwk: { ...HEADER.jwk, x: `${String(HEADER.jwk['x'])}=` } })], 'jwk'],
    ['a point off the curve', [proof({ jwk: { ...HEADER.jwk, y: HEADER.jwk['x'] } })], 'signature'],
    ['a key for encryption', [proof({ jwk: { ...HEADER.jwk, use: 'enc' } })], 'signature'],
    ['a key for another algorithm', [proof({ jwk: { ...HEADER.jwk, alg: 'ES384' } })], 'signature'],
    ['another key', [proof({ jwk: jwk(OTHER.publicKey) })], 'signature'],
    ['an algorithm of another key type', [proof({ alg: 'EdDSA' })], 'signature'],
    ['a DER signature', [proof({}, {}, der)], 'signature'],
    ['an all-zero signature', [proof({}, {}, () => Buffer.alloc(64))], 'signature'],
    ['changed claims', [`${head}.${encode({ ...CLAIMS, jti: 'two' })}.${signature}`], 'signature'],
    ['no jti', [proof({}, { jti: undefined })], 'jti'],
    ['an empty jti', [proof({}, { jti: '' })], 'jti'],
    ['a jti that is a number', [proof({}, { jti: 7 })], 'jti'],
    ['an endless jti', [proof({}, { jti: 'x'.repeat(256) })], 'jti'],
    ['no htm', [proof({}, { htm: undefined })], 'htm'],
    ['another method', [proof({}, { htm: 'GET' })], 'htm'],
    ['the method in another case', [proof({}, { htm: 'post' })], 'htm'],
    ['no htu', [proof({}, { htu: undefined })], 'htu'],
    ['another path', [proof({}, { htu: `${URL}/` })], 'htu'],
    ['another host', [proof({}, { htu: URL.replace('as.', 'rs.') })], 'htu'],
    ['another scheme', [proof({}, { htu: URL.replace('https', 'http') })], 'htu'],
    ['another port', [proof({}, { htu: URL.replace('example', 'example:8443') })], 'htu'],
    ['user information', [proof({}, { htu: URL.replace('as.', 'me@as.') })], 'htu'],
    ['no URL', [proof({}, { htu: '/z/a/oauth2/token' })], 'htu'],
    ['several htu', [proof({}, { htu: [URL] })], 'htu'],
    ['no iat', [proof({}, { iat: undefined })], 'iat'],
    ['an iat that is text', [proof({}, { iat: String(NOW) })], 'iat'],
    ['an old proof', [proof({}, { iat: NOW - 61 })], 'iat'],
    ['a proof made for later', [proof({}, { iat: NOW + 61 })], 'iat'],
    ['an expired proof', [proof({}, { exp: NOW })], 'exp'],
    ['a proof that is not valid yet', [proof({}, { nbf: NOW + 61 })], 'nbf'],
    ['a nonce that is no text', [proof({}, { nonce: 7 })], 'nonce'],
  ])('[T2] is refused with %s', (_name, fields, fault) => {
    expect(check(fields)).toEqual({ fault });
  });

  it.each<[string, Members]>([
    ['without ath', {}],
    ['with the ath of another token', { ath: 'other' }],
    ['with an ath that is no text', { ath: ['hash'] }],
  ])('[T3] is refused %s when a token is presented', (_name, claims) => {
    expect(check([proof({}, claims)], { tokenHash: 'hash' })).toEqual({ fault: 'ath' });
    expect(check([proof({}, { ath: 'hash' })], { tokenHash: 'hash' })).toHaveProperty('proof');
  });

  it.each<[string, string, string]>([
    ['query and fragment', 'https://rs.example/a', 'https://rs.example/a?x=1#y'],
    ['the query of the request', 'https://rs.example/a?x=1', 'https://rs.example/a'],
    ['case of scheme and host', 'https://rs.example/a', 'HTTPS://RS.Example/a'],
    ['the default port', 'https://rs.example/a', 'https://rs.example:443/a'],
    ['an empty path', 'https://rs.example/', 'https://rs.example'],
    ['case of escapes', 'https://rs.example/%C3%A9', 'https://rs.example/%c3%a9'],
    ['escapes of unreserved characters', 'https://rs.example/a~b', 'https://rs.example/a%7Eb'],
    ['dot segments', 'https://rs.example/b', 'https://rs.example/a/../b'],
  ])('does not distinguish by %s (RFC 3986 §6.2.2, §6.2.3)', (_name, url, htu) => {
    expect(check([proof({}, { htu })], { url })).toHaveProperty('proof');
  });

  it.each<[string, string, string]>([
    ['case of the path', 'https://rs.example/a', 'https://rs.example/A'],
    ['an escaped slash', 'https://rs.example/a/b', 'https://rs.example/a%2Fb'],
    ['an empty segment', 'https://rs.example/a/b', 'https://rs.example/a//b'],
  ])('[T3] distinguishes by %s', (_name, url, htu) => {
    expect(check([proof({}, { htu })], { url })).toEqual({ fault: 'htu' });
  });
});
