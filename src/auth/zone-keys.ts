import type { JsonObject } from '../kernel/json.js';
import { isPublished } from './domain/key-states.js';
import { SigningKey, VerificationKey } from './domain/token-keys.js';
import type { KeyMinting } from './key-minting.js';
import type { SigningKeyEntity } from './persistence/signing-key.entity.js';

/** A JWK set (RFC 7517 §5): public keys only. */
export interface KeySet {
  readonly keys: readonly JsonObject[];
}

/** The keys of one zone as of one moment; replaced as a whole when any of them changes. */
export interface ZoneKeys {
  readonly byId: ReadonlyMap<string, VerificationKey>;
  readonly signing: SigningKey | undefined;
  readonly jwks: KeySet;
}

/** Opens the private key that signs and no other. Keys that did not change keep their identity, so that what they verified stays verified. */
export function assembleKeys(
  zone: string,
  rows: readonly SigningKeyEntity[],
  minting: KeyMinting,
  before?: ZoneKeys,
): ZoneKeys {
  const published = rows.filter(isPublished);
  const byId = new Map(
    published.map((row) => [
      row.kid,
      before?.byId.get(row.kid) ?? new VerificationKey(row.kid, row.alg, row.publicJwk),
    ]),
  );
  return {
    byId,
    signing: signingKey(zone, published, minting, before),
    jwks: { keys: published.map((row) => row.publicJwk) },
  };
}

function signingKey(
  zone: string,
  rows: readonly SigningKeyEntity[],
  minting: KeyMinting,
  before?: ZoneKeys,
): SigningKey | undefined {
  const active = rows.find((row) => row.state === 'active');
  if (!active) return undefined;
  if (before?.signing?.kid === active.kid) return before.signing;
  return new SigningKey(active.kid, active.alg, minting.open(zone, active.kid, active.privateSealed));
}
