import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export type IssuerAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** What an id_token says differently from a good one; `undefined` removes a member. */
export interface IdTokenChanges {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Text instead of the header's or the claims' JSON. */
  readonly rawHeader?: string;
  readonly rawClaims?: string;
  readonly signer?: (input: Buffer) => Buffer;
}

/** The smallest OpenID provider: discovery, keys, and id_tokens made by hand so that every member of them can be wrong. */
export class SubjectIssuer {
  readonly asked = { discovery: 0, keys: 0 };
  /** What the endpoints answer instead; status 200 unless it says otherwise. */
  discovery: (() => { status?: number; body?: string; location?: string }) | undefined;
  keys: (() => { status?: number; body?: string; location?: string }) | undefined;
  private kid = 'k0';
  private pair: { publicKey: KeyObject; privateKey: KeyObject };
  private generation = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    readonly alg: IssuerAlgorithm,
  ) {
    this.pair = keyPair(alg);
  }

  static async start(alg: IssuerAlgorithm = 'ES256'): Promise<SubjectIssuer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = new SubjectIssuer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, alg);
    server.on('request', (request, response) => {
      const { status = 200, body = '', location } = issuer.answer(request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json', ...(location ? { location } : {}) }).end(body);
    });
    return issuer;
  }

  /** Another key replaces the one that signs; the old one is not published any more. */
  rotate(): void {
    this.generation += 1;
    this.kid = `k${this.generation}`;
    this.pair = keyPair(this.alg);
  }

  get jwk(): Readonly<Record<string, unknown>> {
    return { ...this.pair.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.alg, use: 'sig' };
  }

  /** An id_token for `caracal` about `alice`, good for ten minutes. */
  mint(changes: IdTokenChanges = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: this.alg, kid: this.kid, ...changes.header };
    const base = { iss: this.url, aud: 'caracal', sub: 'alice', iat: now, exp: now + 600, jti: randomUUID() };
    const claims = { ...base, ...changes.claims };
    const input = Buffer.from(
      `${encode(changes.rawHeader ?? JSON.stringify(header))}.${encode(changes.rawClaims ?? JSON.stringify(claims))}`,
    );
    const signature = (changes.signer ?? ((text) => this.sign(text)))(input);
    return `${input.toString()}.${signature.toString('base64url')}`;
  }

  sign(input: Buffer): Buffer {
    const key = this.pair.privateKey;
    switch (this.alg) {
      case 'RS256':
        return sign('sha256', input, key);
      case 'PS256':
        return sign('sha256', input, { key, padding: 6, saltLength: 32 });
      case 'ES256':
        return sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
      case 'EdDSA':
        return sign(null, input, key);
    }
  }

  /** The DER form of an ECDSA signature. */
  signDer(input: Buffer): Buffer {
    return sign('sha256', input, this.pair.privateKey);
  }

  /** A signature under the public key taken as a shared secret. */
  signWithPublicKey(input: Buffer): Buffer {
    return createHmac('sha256', this.pair.publicKey.export({ format: 'pem', type: 'spki' }))
      .update(input)
      .digest();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer(path: string): { status?: number; body?: string; location?: string } {
    if (path === '/.well-known/openid-configuration') {
      this.asked.discovery += 1;
      return this.discovery?.() ?? { body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` }) };
    }
    if (path !== '/keys') return { status: 404 };
    this.asked.keys += 1;
    return this.keys?.() ?? { body: JSON.stringify({ keys: [this.jwk] }) };
  }
}

function keyPair(alg: IssuerAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
