import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { boundTo } from './bound-key.js';

describe('the key that tokens are bound to', () => {
  it('is named by its thumbprint (RFC 7638 §3.1)', () => {
    const key = {
      kty: 'RSA',
      n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
      e: 'AQAB',
      alg: 'RS256',
      kid: '2011-04-29',
    };
    expect(boundTo(key)).toEqual({ jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' });
  });

  it.each(['ES256', 'EdDSA'])('agrees with jose on %s', async (alg) => {
    const { publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(publicKey);
    expect(boundTo(jwk)).toEqual({ jkt: await calculateJwkThumbprint(jwk) });
  });

  it('[T5] is refused with any private or symmetric part', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    expect(boundTo(await exportJWK(privateKey))).toBeUndefined();
    expect(boundTo({ kty: 'oct', k: 'AAAA' })).toBeUndefined();
  });

  it.each([
    null,
    'x',
    [],
    {},
    { kty: 'EC' },
    { kty: 'EC', crv: 'P-384', x: 'AA', y: 'AA' },
    { kty: 'EC', crv: 'P-256', x: 'not base64!', y: 'AA' },
    { kty: 'OKP', crv: 'X25519', x: 'AA' },
    { kty: 'RSA', n: 5, e: 'AQAB' },
  ])('refuses %j', (value) => expect(boundTo(value)).toBeUndefined());
});
