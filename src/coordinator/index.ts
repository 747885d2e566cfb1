export { CoordinatorModule } from './coordinator.module.js';
export { COORDINATOR_ENTITIES } from './persistence/entities.js';
export { RuntimeState } from './state/runtime-state.js';
export { SubjectProofs } from './sessions/subject-proofs.js';
export { Revocations, type NewRevocation } from './revocations/revocations.js';
export { RevocationAdministration, type AdminRuntimeCall } from './revocations/administration.js';
export type { SessionView } from './domain/sessions/session.js';
export type { DelegationView } from './domain/delegations/delegation-record.js';
export type { Verdict } from './domain/verdict.js';
