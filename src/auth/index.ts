export { AuthModule } from './auth.module.js';
export { AUTH_ENTITIES } from './persistence/auth-entities.js';
export { KeyRing, type Publication } from './key-ring.js';
export {
  CLIENT_SECRET_MAC,
  TOKEN_STATUS,
  ZONE_DIRECTORY,
  type ClientSecretMac,
  type TokenStatus,
  type ZoneDirectory,
} from './ports.js';
export { OperatorSessions, type OperatorSession } from './operator-sessions.js';
export { Admin, type AdminPrincipal, type ControlPrincipal, type RuntimePrincipal } from './principals.js';
export { presentedToken } from './domain/bearer.js';
export { boundKey } from './domain/bound-key.js';
export { ProofsOfPossession, type ProvenKey } from './dpop/proofs-of-possession.js';
export type { IdTokenFault, TrustedIssuer } from './federation/domain/check-id-token.js';
export { type FederatedUser, IdTokens, type SubjectStanding } from './federation/id-tokens.js';
export { TokenError } from './domain/token-error.js';
export type { TokenClaims, TokenClass } from './domain/token-claims.js';
export { TokenSigner } from './token-signer.js';
export { TokenVerifier, type VerifiedToken } from './token-verifier.js';
