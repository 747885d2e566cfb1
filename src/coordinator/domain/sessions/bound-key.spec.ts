import { describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { boundTo } from './bound-key.js';

describe('the key that tokens are bound to', () => {
  it('is named by its thumbprint (RFC 7638 §3.1, RFC 8037 appendix A.3)', () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'any' };
    expect(boundTo(key)).toEqual({ jkt: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' });
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
    { kty: 'RSA', n: 'A'.repeat(342), e: 'AQAB' },
    { kty: 'constructor' },
  ])('refuses %j', (value) => expect(boundTo(value)).toBeUndefined());
});
