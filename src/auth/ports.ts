import type { TokenClaims } from './domain/token-claims.js';

/** DI token of the {@link TokenStatus}, which the coordinator provides. */
export const TOKEN_STATUS = Symbol('TokenStatus');

/** Whether what a token stands for still holds: the verdict over its session, delegation path, application, credential, subject and zone. */
export interface TokenStatus {
  check(zone: string, claims: TokenClaims): Promise<'active' | 'revoked' | 'suspended'>;
}

/** DI token of the {@link ZoneDirectory}, which control provides. */
export const ZONE_DIRECTORY = Symbol('ZoneDirectory');

/** Which zones there are. `undefined` for a slug that was never a zone's. */
export interface ZoneDirectory {
  status(zone: string): Promise<'active' | 'killed' | 'archived' | undefined>;
  /** Whether proofs of possession must carry a nonce of ours there. */
  dpopNonce(zone: string): Promise<'off' | 'required'>;
}

/** DI token of the {@link ClientSecretMac}. */
export const CLIENT_SECRET_MAC = Symbol('ClientSecretMac');

/** The only form in which a client's secret is kept and compared: HMAC-SHA-256 under the pepper. */
export type ClientSecretMac = (secret: string) => Buffer;

/** The zone of what belongs to no other; it serves no clients. */
export const SYSTEM_ZONE = '_system';

/** DI token of the MAC under which admin tokens are kept and found. */
export const ADMIN_TOKEN_MAC = Symbol('AdminTokenMac');
