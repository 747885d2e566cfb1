import { timingSafeEqual } from 'node:crypto';
import type { CredentialView } from '../../control/index.js';

const NO_MAC = Buffer.alloc(32);

/**
 * The live credential whose secret this is, or undefined. It compares with every candidate in constant time, and with a dummy when there is
 * none, so that an unknown client costs what a wrong secret costs.
 */
export function matchSecret(
  mac: Uint8Array,
  credentials: readonly CredentialView[],
  now: number,
): CredentialView | undefined {
  const candidates = credentials.filter(
    (credential) => credential.type === 'client_secret' && isLiveCredential(credential, now),
  );
  let match: CredentialView | undefined;
  for (const candidate of candidates) if (equal(mac, candidate.secretMac)) match = candidate;
  if (candidates.length === 0) equal(mac, NO_MAC);
  return match;
}

/** True while a credential proves anything. */
export function isLiveCredential(credential: CredentialView, now: number): boolean {
  return credential.revokedAt === undefined && (credential.expiresAt === undefined || credential.expiresAt > now);
}

function equal(mac: Uint8Array, stored: Uint8Array | undefined): boolean {
  return timingSafeEqual(mac, stored?.length === mac.length ? stored : NO_MAC) && stored?.length === mac.length;
}
