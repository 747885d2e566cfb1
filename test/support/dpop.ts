import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';

/** What a proof says differently from a good one; `undefined` removes a member. */
export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly token?: string;
}

/** The holder of a key, who makes proofs by hand so that every member of them can be wrong. */
export class KeyHolder {
  readonly jwk: Readonly<Record<string, unknown>>;
  private readonly privateKey: KeyObject;

  constructor(readonly alg: 'ES256' | 'EdDSA' | 'Ed25519' = 'ES256') {
    const { publicKey, privateKey } =
      alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
    this.jwk = publicKey.export({ format: 'jwk' });
    this.privateKey = privateKey;
  }

  /** The key with its private part. */
  get privateJwk(): Readonly<Record<string, unknown>> {
    return this.privateKey.export({ format: 'jwk' });
  }

  proof(htm: string, htu: string, { header, claims, token }: ProofChanges = {}): string {
    const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
    return this.sign(
      { typ: 'dpop+jwt', alg: this.alg, jwk: this.jwk, ...header },
      { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ...ath, ...claims },
    );
  }

  /** Any JWT under the key. */
  sign(header: object, claims: object): string {
    const input = Buffer.from(`${encode(header)}.${encode(claims)}`);
    const signature =
      this.alg === 'ES256'
        ? sign('sha256', input, { key: this.privateKey, dsaEncoding: 'ieee-p1363' })
        : sign(null, input, this.privateKey);
    return `${input.toString()}.${signature.toString('base64url')}`;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
