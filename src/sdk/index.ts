export { MandateVerifier, type MandateVerifierOptions, type PresentedRequest } from './mandate-verifier.js';
export type { Mandate } from './checked-mandate.js';
export type { IntrospectionOptions } from './introspection.js';
export { challengeOf, MandateError, type ChallengeFacts, type MandateFault } from './mandate-error.js';
export { expressGuard, fastifyGuard, MandateGuard, type Guarded, type GuardOptions } from './http-guards.js';
export {
  RuntimeClient,
  RuntimeError,
  type MandateRequest,
  type ObtainedMandate,
  type RuntimeClientOptions,
  type RuntimeSession,
} from './runtime-client.js';
