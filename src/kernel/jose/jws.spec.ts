import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../json.js';
import { parseJws } from './jws.js';
import { signedByOne } from './signatures.js';

const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const OTHER = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ED = generateKeyPairSync('ed25519');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

function jwk(key: KeyObject, members: JsonObject = {}): JsonObject {
  return { ...(key.export({ format: 'jwk' }) as JsonObject), ...members };
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function token(header: unknown, make: (input: Buffer) => Buffer, payload: unknown = { sub: 'x' }): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${make(Buffer.from(signed)).toString('base64url')}`;
}

const es256 = (input: Buffer): Buffer => sign('sha256', input, { key: EC.privateKey, dsaEncoding: 'ieee-p1363' });
const eddsa = (input: Buffer): Buffer => sign(null, input, ED.privateKey);
const ps256 = (input: Buffer): Buffer => sign('sha256', input, { key: RSA.privateKey, padding: 6, saltLength: 32 });
const rs256 = (input: Buffer): Buffer => sign('sha256', input, RSA.privateKey);
const der = (input: Buffer): Buffer => sign('sha256', input, EC.privateKey);

function accepts(text: string, keys: JsonObject[]): boolean {
  const jws = parseJws(text);
  return jws !== undefined && signedByOne(jws, keys);
}

describe('signedByOne (RFC 7515 §5.2, RFC 8725)', () => {
  it('accepts ES256, PS256 and EdDSA under the right key', () => {
    expect(accepts(token({ alg: 'ES256' }, es256), [jwk(EC.publicKey)])).toBe(true);
    expect(accepts(token({ alg: 'EdDSA' }, eddsa), [jwk(ED.publicKey)])).toBe(true);
    expect(accepts(token({ alg: 'PS256' }, ps256), [jwk(RSA.publicKey)])).toBe(true);
    expect(
      accepts(token({ alg: 'ES256', kid: 'b' }, es256), [
        jwk(OTHER.publicKey, { kid: 'a' }),
        jwk(EC.publicKey, { kid: 'b' }),
      ]),
    ).toBe(true);
  });

  const attacks: [string, string, JsonObject[]][] = [
    ['alg none', token({ alg: 'none' }, () => Buffer.from('x')), [jwk(EC.publicKey)]],
    ['RS256 (FAPI 2.0 §5.4)', token({ alg: 'RS256' }, rs256), [jwk(RSA.publicKey)]],
    ['RS256 called PS256', token({ alg: 'PS256' }, rs256), [jwk(RSA.publicKey)]],
    [
      'HS256 with the public key as secret',
      token({ alg: 'HS256' }, (input) =>
        createHmac('sha256', JSON.stringify(jwk(EC.publicKey)))
          .update(input)
          .digest(),
      ),
      [jwk(EC.publicKey)],
    ],
    ['a DER signature', token({ alg: 'ES256' }, der), [jwk(EC.publicKey)]],
    ['another key', token({ alg: 'ES256' }, es256), [jwk(OTHER.publicKey)]],
    ['no keys', token({ alg: 'ES256' }, es256), []],
    ['a key of another type', token({ alg: 'ES256' }, es256), [jwk(RSA.publicKey), jwk(ED.publicKey)]],
    ['a key on another curve', token({ alg: 'ES256' }, es256), [jwk(P384.publicKey)]],
    ['a key meant for another algorithm', token({ alg: 'ES256' }, es256), [jwk(EC.publicKey, { alg: 'ES384' })]],
    ['a key meant for encryption', token({ alg: 'ES256' }, es256), [jwk(EC.publicKey, { use: 'enc' })]],
    ['another kid', token({ alg: 'ES256', kid: 'z' }, es256), [jwk(EC.publicKey, { kid: 'a' })]],
    ['an alg that is no string', token({ alg: 7 }, es256), [jwk(EC.publicKey)]],
    ['a broken key', token({ alg: 'ES256' }, es256), [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }]],
    ['an all-zero signature', token({ alg: 'ES256' }, () => Buffer.alloc(64)), [jwk(EC.publicKey)]],
  ];
  it.each(attacks)('[T2] refuses %s', (_name, text, keys) => {
    expect(accepts(text, keys)).toBe(false);
  });

  it('[T2] refuses a changed payload', () => {
    const [header, , signature] = token({ alg: 'ES256' }, es256).split('.');
    expect(accepts(`${header}.${encode({ sub: 'y' })}.${signature}`, [jwk(EC.publicKey)])).toBe(false);
  });
});

describe('parseJws (RFC 7515 §3.1)', () => {
  const good = token({ alg: 'ES256' }, es256);
  const malformed: [string, string][] = [
    ['nothing', ''],
    ['two parts', 'a.b'],
    ['five parts', `${good}.a.b`],
    ['an empty signature', good.replace(/[^.]*$/, '')],
    ['padding', `${good}=`],
    ['base64 instead of base64url', good.replace(/^./, '+')],
    ['line breaks', good.replace('.', '.\n')],
    ['more than 8 KiB', `${good}${'A'.repeat(8_192)}`],
    ['a header that is an array', token('[]', es256)],
    ['a payload that is a string', token({ alg: 'ES256' }, es256, '"x"')],
    ['a duplicate header member', token('{"alg":"ES256","alg":"none"}', es256)],
    ['a duplicate claim', token({ alg: 'ES256' }, es256, '{"sub":"a","sub":"b"}')],
    [
      'a payload that is not UTF-8',
      `${encode({ alg: 'ES256' })}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}.AAAA`,
    ],
  ];
  it.each(malformed)('[T2] refuses %s', (_name, text) => {
    expect(parseJws(text)).toBeUndefined();
  });

  it('[T2] refuses a second encoding of the same bytes', () => {
    const [header, payload, signature = ''] = good.split('.');
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = signature.slice(0, -1) + last.charAt(last.indexOf(signature.slice(-1)) + 1);
    expect(Buffer.from(twin, 'base64url').equals(Buffer.from(signature, 'base64url'))).toBe(true);
    expect(parseJws(`${header}.${payload}.${twin}`)).toBeUndefined();
  });
});
