import { createPrivateKey, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Envelope, SealContext } from '../platform/secrets/index.js';
import type { KeyAlgorithm } from './domain/token-keys.js';
import type { NewSigningKey } from './persistence/signing-keys.js';

const generate = promisify(generateKeyPair);
const KID_BYTES = 12;

/** Makes keys and opens them again. A private key exists outside of the process only sealed for its own row. */
export class KeyMinting {
  constructor(private readonly envelope: Envelope) {}

  async mint(zone: string, alg: KeyAlgorithm): Promise<NewSigningKey> {
    const kid = randomBytes(KID_BYTES).toString('base64url');
    const { publicKey, privateKey } =
      alg === 'ES256' ? await generate('ec', { namedCurve: 'P-256' }) : await generate('ed25519', {});
    const jwk = publicKey.export({ format: 'jwk' });
    const publicJwk = { ...jwk, kid, alg, use: 'sig' } as Record<string, string>;
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    const privateSealed = this.envelope.seal(der, contextOf(zone, kid));
    der.fill(0);
    return { kid, alg, publicJwk, privateSealed };
  }

  open(zone: string, kid: string, sealed: Buffer): KeyObject {
    const der = this.envelope.open(sealed, contextOf(zone, kid));
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    return key;
  }
}

function contextOf(zone: string, kid: string): SealContext {
  return { purpose: 'signing-key', zone, table: 'signing_keys', row: kid, column: 'private_sealed', version: 1 };
}
