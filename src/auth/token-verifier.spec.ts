import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../kernel/clock.js';
import { PublicUrls } from '../platform/urls/index.js';
import type { TokenClaims } from './domain/token-claims.js';
import { TokenError } from './domain/token-error.js';
import { SigningKey, VerificationKey } from './domain/token-keys.js';
import type { KeyRing } from './key-ring.js';
import { TokenSigner } from './token-signer.js';
import { TokenVerifier } from './token-verifier.js';
import type { ZoneKeys } from './zone-keys.js';

const START = 1_800_000_000;

function makeKeys(kid: string): ZoneKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const verification = new VerificationKey(kid, 'ES256', publicKey.export({ format: 'jwk' }));
  return {
    byId: new Map([[kid, verification]]),
    signing: new SigningKey(kid, 'ES256', privateKey),
    jwks: { keys: [] },
  };
}

class FixedKeys {
  zones = new Map<string, ZoneKeys>([
    ['a', makeKeys('k1')],
    ['b', makeKeys('k1')],
  ]);

  warm(zone: string): ZoneKeys | undefined {
    return this.zones.get(zone);
  }

  async keys(zone: string): Promise<ZoneKeys> {
    return this.zones.get(zone) as ZoneKeys;
  }

  async signingKey(zone: string): Promise<SigningKey> {
    return (await this.keys(zone)).signing as SigningKey;
  }
}

describe('TokenSigner and TokenVerifier', () => {
  const urls = new PublicUrls('https://as.example');
  let ring: FixedKeys;
  let now: number;
  let signer: TokenSigner;
  let verifier: TokenVerifier;

  const claims = (more: Partial<TokenClaims> = {}): TokenClaims => ({
    iss: urls.issuer('a'),
    sub: 'app:app_1',
    aud: urls.issuer('a'),
    iat: START,
    nbf: START,
    exp: START + 600,
    jti: 'j',
    client_id: 'app_1',
    zone: 'a',
    sub_type: 'application',
    ep: { z: 0, a: 0, s: 0 },
    txn: 't',
    ...more,
  });
  const verify = (token: string, zone = 'a') => verifier.verify(token, { zone, classes: ['application'] });

  beforeEach(() => {
    ring = new FixedKeys();
    now = START * 1000;
    const clock: Clock = { now: () => now, monotonic: () => now };
    signer = new TokenSigner(ring as unknown as KeyRing);
    verifier = new TokenVerifier(ring as unknown as KeyRing, urls, clock);
  });

  it('verifies what was signed and says by which key', async () => {
    const verified = await verify(await signer.sign('a', 'application', claims()));
    expect(verified).toMatchObject({ klass: 'application', kid: 'k1', claims: claims() });
    expect(verified.tokenHash).toMatch(/^[\w-]{43}$/);
  });

  it('[T2] never remembers a token beyond its time', async () => {
    const token = await signer.sign('a', 'application', claims());
    await verify(token);
    now = (START + 605) * 1000;
    await expect(verify(token)).rejects.toMatchObject({ fault: 'expired' });
  });

  it('[T2] forgets what a key verified when the key is gone', async () => {
    const token = await signer.sign('a', 'application', claims());
    await verify(token);
    ring.zones.set('a', makeKeys('k2'));
    await expect(verify(token)).rejects.toMatchObject({ fault: 'unknown_key' });
    await expect(verifier.isKeyLive('a', 'k1')).resolves.toBe(false);
  });

  it('[T2] forgets what a key verified when another key has its id', async () => {
    const token = await signer.sign('a', 'application', claims());
    await verify(token);
    ring.zones.set('a', makeKeys('k1'));
    await expect(verify(token)).rejects.toMatchObject({ fault: 'signature' });
  });

  it('[T2] a remembered token of one zone is no token of another', async () => {
    const token = await signer.sign('a', 'application', claims());
    await verify(token);
    await expect(verify(token, 'b')).rejects.toBeInstanceOf(TokenError);
  });

  it('[T2] a remembered token is asked for its class each time', async () => {
    const token = await signer.sign('a', 'application', claims());
    await verify(token);
    await expect(verifier.verify(token, { zone: 'a', classes: ['mandate'] })).rejects.toMatchObject({ fault: 'class' });
  });

  it('tells the log which fault it was and the caller nothing', async () => {
    const refusal = await verify('nonsense').catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'invalid_token',
      publicDetail: 'The token is not valid.',
      message: 'token fault: malformed',
    });
  });

  it('[T2] signs nothing larger, longer-lived or of another zone than its class allows', async () => {
    await expect(signer.sign('a', 'application', claims({ scope: 'x'.repeat(4000) }))).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(signer.sign('a', 'application', claims({ exp: START + 3601 }))).rejects.toThrow(/class application/);
    await expect(signer.sign('b', 'application', claims())).rejects.toThrow(/class application/);
  });
});
