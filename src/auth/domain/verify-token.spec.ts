import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../kernel/json.js';
import { TokenError, type TokenFault } from './token-error.js';
import { SigningKey, VerificationKey } from './token-keys.js';
import { admit, authenticate, type TokenAuthority } from './verify-token.js';

const NOW = 1_800_000_000;
const ISSUER = 'https://as.example/z/a';
const CONTROL = 'https://as.example/control/v1/invoke';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const edPair = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = pair.publicKey.export({ format: 'jwk' });
const es256 = new VerificationKey('k1', 'ES256', jwk);
const eddsa = new VerificationKey('k2', 'EdDSA', edPair.publicKey.export({ format: 'jwk' }));
const keys = new Map([es256, eddsa].map((key) => [key.kid, key]));
const authority: TokenAuthority = { zone: 'a', keys, issuer: ISSUER, control: CONTROL };

const CLAIMS: JsonObject = {
  iss: ISSUER,
  sub: 'app:app_1',
  aud: ISSUER,
  iat: NOW - 10,
  nbf: NOW - 10,
  exp: NOW + 300,
  jti: 'jti-1',
  client_id: 'app_1',
  zone: 'a',
  sub_type: 'application',
  ep: { z: 0, a: 0, s: 0 },
  txn: 'txn-1',
};
const HEADER: JsonObject = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' };

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const signWith = (key: typeof pair.privateKey, input: string, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363') =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding }).toString('base64url');

function token(header: unknown = HEADER, claims: unknown = CLAIMS): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signWith(pair.privateKey, input)}`;
}

function faultOf(run: () => unknown): TokenFault | 'accepted' {
  try {
    run();
    return 'accepted';
  } catch (error) {
    if (error instanceof TokenError) return error.fault;
    throw error;
  }
}

const judged = (text: string, classes = ['application', 'session', 'mandate', 'upstream', 'control'] as const) =>
  faultOf(() => admit(authenticate(text, authority), { classes, now: NOW }));

describe('authenticate', () => {
  it('accepts what the signing key of the zone signed, under either algorithm', async () => {
    const es = new SigningKey('k1', 'ES256', pair.privateKey);
    const ed = new SigningKey('k2', 'EdDSA', edPair.privateKey);
    for (const key of [es, ed]) {
      const input = `${key.header}.${encode(CLAIMS)}`;
      expect(authenticate(`${input}.${await key.sign(input)}`, authority)).toMatchObject({
        klass: 'application',
        claims: CLAIMS,
      });
    }
  });

  it.each([
    ['alg none (RFC 8725 §3.2)', { ...HEADER, alg: 'none' }, 'header'],
    ['another algorithm than the key has (RFC 8725 §3.1)', { ...HEADER, alg: 'EdDSA' }, 'header'],
    ['an algorithm in lower case', { ...HEADER, alg: 'es256' }, 'header'],
    ['an HMAC algorithm', { ...HEADER, alg: 'HS256' }, 'header'],
    ['no alg', { typ: 'at+jwt', kid: 'k1' }, 'header'],
    ['another typ (RFC 8725 §3.11)', { ...HEADER, typ: 'JWT' }, 'header'],
    ['the typ of a DPoP proof', { ...HEADER, typ: 'dpop+jwt' }, 'header'],
    ['the typ in upper case', { ...HEADER, typ: 'AT+JWT' }, 'header'],
    ['no typ', { alg: 'ES256', kid: 'k1' }, 'header'],
    ['no kid', { alg: 'ES256', typ: 'at+jwt' }, 'header'],
    ['a kid that is no text', { ...HEADER, kid: 1 }, 'header'],
    ['an unknown kid', { ...HEADER, kid: 'k9' }, 'unknown_key'],
    ['a kid that is a path', { ...HEADER, kid: '../../dev/null' }, 'unknown_key'],
    ['a kid that is SQL', { ...HEADER, kid: "k1' OR '1'='1" }, 'unknown_key'],
    ['a kid that every object has', { ...HEADER, kid: 'constructor' }, 'unknown_key'],
    ['an embedded key (RFC 8725 §3.10)', { ...HEADER, jwk }, 'header'],
    ['a location of keys', { ...HEADER, jku: 'https://evil.example/jwks' }, 'header'],
    ['a certificate location', { ...HEADER, x5u: 'https://evil.example/x5u' }, 'header'],
    ['a certificate', { ...HEADER, x5c: ['MIIB'] }, 'header'],
    ['a critical extension (RFC 7515 §4.1.11)', { ...HEADER, crit: ['exp'], exp: NOW + 10 }, 'header'],
    ['an unencoded payload (RFC 7797)', { ...HEADER, b64: false }, 'header'],
    ['compression (RFC 8725 §3.6)', { ...HEADER, zip: 'DEF' }, 'header'],
    ['a duplicate member in the header', '{"alg":"ES256","typ":"at+jwt","kid":"k9","kid":"k1"}', 'header'],
    ['a header that is an array', '["ES256"]', 'header'],
    ['a header that is no JSON', 'alg=ES256', 'header'],
  ])('[T2] refuses %s', (_name, header, fault) => {
    expect(judged(token(header))).toBe(fault);
  });

  it('accepts the other spelling of the type (RFC 9068 §4)', () => {
    expect(judged(token({ ...HEADER, typ: 'application/at+jwt' }))).toBe('accepted');
  });

  it('[T2] refuses a token that was authenticated with the public key as an HMAC secret (RFC 8725 §2.1)', () => {
    const input = `${encode({ ...HEADER, alg: 'HS256' })}.${encode(CLAIMS)}`;
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' });
    expect(judged(`${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`)).toBe('header');
  });

  const valid = token();
  const [header = '', payload = '', signature = ''] = valid.split('.');
  // 64 bytes leave four bits of the last digit unused.
  const flipLast = (text: string) => text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1);

  it.each([
    ['a foreign key', `${header}.${payload}.${signWith(stranger.privateKey, `${header}.${payload}`)}`, 'signature'],
    ['no signature', `${header}.${payload}.`, 'malformed'],
    ['two parts', `${header}.${payload}`, 'malformed'],
    ['five parts', `${valid}.a.b`, 'malformed'],
    [
      'a DER signature',
      `${header}.${payload}.${signWith(pair.privateKey, `${header}.${payload}`, 'der')}`,
      'signature',
    ],
    [
      'a signature of zeros (CVE-2022-21449)',
      `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
      'signature',
    ],
    ['a short signature', `${header}.${payload}.${signature.slice(0, 44)}`, 'signature'],
    ['stray bits in the last digit', `${header}.${payload}.${flipLast(signature)}`, 'malformed'],
    ['padding', `${header}.${payload}.${signature}==`, 'malformed'],
    ['standard base64', `${header}.${payload}.${signature.replace(/[A-Za-z0-9]$/, '+')}`, 'malformed'],
    ['white space', `${header}.${payload} .${signature}`, 'signature'],
    ['a line break at the end', `${valid}\n`, 'malformed'],
    ['an altered payload', `${header}.${encode({ ...CLAIMS, sub: 'app:other' })}.${signature}`, 'signature'],
    ['an altered header', `${encode({ ...HEADER, typ: 'application/at+jwt' })}.${payload}.${signature}`, 'signature'],
    ['a nested token', encode(valid), 'malformed'],
    ['JSON serialization (RFC 7515 §7.2)', JSON.stringify({ protected: header, payload, signature }), 'malformed'],
    ['nothing', '', 'malformed'],
    ['more than 8 KiB', token(HEADER, { ...CLAIMS, aud: 'https://r.example', scope: 'x'.repeat(8000) }), 'too_long'],
    ['more than its class may have', token(HEADER, { ...CLAIMS, scope: 'x'.repeat(4000) }), 'too_long'],
  ])('[T2] refuses a token with %s', (_name, text, fault) => {
    expect(judged(text)).toBe(fault);
  });

  it.each([
    ['another issuer', { iss: 'https://as.example/z/b' }, 'issuer'],
    ['the issuer with a trailing slash', { iss: `${ISSUER}/` }, 'issuer'],
    ['another zone', { zone: 'b' }, 'zone'],
    ['an audience that mixes classes', { aud: [ISSUER, 'https://r.example'] }, 'audience'],
    ['the issuer as an array of one', { aud: [ISSUER] }, 'audience'],
    ['the control URL among others', { aud: [CONTROL, 'https://r.example'] }, 'audience'],
    ['no audience', { aud: undefined }, 'claims'],
    ['an empty audience', { aud: [] }, 'claims'],
    ['an audience that is an object', { aud: { a: 1 } }, 'claims'],
    ['no subject', { sub: undefined }, 'claims'],
    ['an application that looks like a user', { sub_type: 'user' }, 'claims'],
    ['a user that looks like an application', { sub: 'user:sis_1:app:x' }, 'claims'],
    ['no jti', { jti: '' }, 'claims'],
    ['no client', { client_id: undefined }, 'claims'],
    ['no epochs', { ep: undefined }, 'claims'],
    ['an incomplete epoch', { ep: { z: 0, a: 0 } }, 'claims'],
    ['a fractional exp', { exp: NOW + 1.5 }, 'claims'],
    ['a textual exp', { exp: String(NOW + 100) }, 'claims'],
    ['an exp beyond safe integers', { exp: 1e300 }, 'claims'],
    ['no exp', { exp: undefined }, 'claims'],
    ['no iat', { iat: undefined }, 'claims'],
    ['no nbf', { nbf: undefined }, 'claims'],
    ['a malformed scope', { scope: 'a  b' }, 'claims'],
    ['too many parents', { ptk: Array.from({ length: 9 }, (_, index) => `j${index}`) }, 'claims'],
    ['an act that is text', { act: 'app:1' }, 'claims'],
    ['a cnf that is text', { cnf: 'jkt' }, 'claims'],
    ['a session that is empty', { sid: '' }, 'claims'],
    ['its time over', { exp: NOW - 5, iat: NOW - 100, nbf: NOW - 100 }, 'expired'],
    ['its time to come', { nbf: NOW + 6 }, 'not_yet_valid'],
    ['an issue time to come', { iat: NOW + 6 }, 'not_yet_valid'],
    ['a life longer than its class has', { exp: NOW + 4000 }, 'lifetime'],
    ['an end before its beginning', { iat: NOW + 5, exp: NOW + 5 }, 'lifetime'],
  ])('[T2] refuses a token with %s', (_name, changes, fault) => {
    expect(judged(token(HEADER, { ...CLAIMS, ...changes }))).toBe(fault);
  });

  it('[T2] refuses duplicate members in the claims', () => {
    const text = JSON.stringify(CLAIMS).replace('{', '{"sub":"app:other",');
    expect(judged(token(HEADER, text))).toBe('claims');
  });

  it('allows five seconds between clocks and no more', () => {
    expect(judged(token(HEADER, { ...CLAIMS, exp: NOW - 4 }))).toBe('accepted');
    expect(judged(token(HEADER, { ...CLAIMS, nbf: NOW + 5, iat: NOW + 5 }))).toBe('accepted');
  });
});

describe('classes of tokens', () => {
  const CLASSES = {
    application: {},
    session: { sid: 'ses_1' },
    mandate: { aud: 'https://r.example', scope: 'read' },
    control: { aud: CONTROL, exp: NOW + 200 },
  };

  it.each(Object.keys(CLASSES).flatMap((made) => Object.keys(CLASSES).map((asked) => [made, asked])))(
    '[T2] a token of class %s presented as %s',
    (made, asked) => {
      const text = token(HEADER, { ...CLAIMS, ...CLASSES[made as keyof typeof CLASSES] });
      expect(judged(text, [asked] as never)).toBe(made === asked ? 'accepted' : 'class');
    },
  );

  it.each([
    ['its only audience', 'https://r.example', 'accepted'],
    ['one of its audiences', ['https://q.example', 'https://r.example'], 'accepted'],
    ['another audience', 'https://q.example', 'audience'],
    ['a prefix', 'https://r.example/', 'audience'],
  ])('[T2] a mandate for %s', (_name, aud, verdict) => {
    const authentic = authenticate(token(HEADER, { ...CLAIMS, aud }), authority);
    const outcome = faultOf(() => admit(authentic, { classes: ['mandate'], audience: 'https://r.example', now: NOW }));
    expect(outcome).toBe(verdict);
  });

  it('[T2] a session token lives no longer than 900 s', () => {
    expect(judged(token(HEADER, { ...CLAIMS, sid: 'ses_1', exp: NOW - 10 + 901 }))).toBe('lifetime');
    expect(judged(token(HEADER, { ...CLAIMS, exp: NOW - 10 + 901 }))).toBe('accepted');
  });
});
