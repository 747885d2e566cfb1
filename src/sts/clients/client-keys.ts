import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { type ParsedJws } from '../../kernel/jose/jws.js';
import { signedByOne } from '../../kernel/jose/signatures.js';
import { isJsonObject, type JsonObject } from '../../kernel/json.js';
import { EgressClient, RemoteKeys } from '../../platform/egress/index.js';
import type { CredentialView } from '../../control/index.js';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 65_536;

/** The keys that clients sign assertions with: registered ones from the catalogue, published ones from where they are published. */
@Injectable()
export class ClientKeys {
  private readonly remote: RemoteKeys;

  constructor(egress: EgressClient, @Inject(CLOCK) clock: Clock) {
    const fetchKeySet = (url: string) =>
      egress.request({
        url,
        headers: { accept: 'application/jwk-set+json, application/json' },
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_BYTES,
      });
    this.remote = new RemoteKeys(fetchKeySet, () => clock.monotonic());
  }

  /** The first of these credentials with a key that made the signature. */
  async signer(jws: ParsedJws, credentials: readonly CredentialView[]): Promise<CredentialView | undefined> {
    for (const credential of credentials) {
      if (await this.signed(jws, credential)) return credential;
    }
    return undefined;
  }

  private async signed(jws: ParsedJws, { type, jwks, details }: CredentialView): Promise<boolean> {
    if (type === 'jwks') return signedByOne(jws, registered(jwks));
    const { jwks_uri: url } = details;
    if (type !== 'jwks_uri' || typeof url !== 'string') return false;
    const isSigned = (keys: readonly JsonObject[]): boolean => signedByOne(jws, keys);
    return isSigned((await this.remote.at(url, isSigned)) ?? []);
  }
}

function registered(jwks: JsonObject | undefined): readonly JsonObject[] {
  const keys = jwks?.['keys'];
  return Array.isArray(keys) ? keys.filter(isJsonObject) : [];
}
