export { actClaim } from './domain/act-claim.js';
export { type Ceiling, heldAt, type Target } from './domain/ceiling.js';
export type { Decision, DecisionFacts } from './domain/decide.js';
export { type DelegationEdge, isLiveEdge, refuseEdge } from './domain/delegation.js';
export { narrowLifetime } from './domain/lifetime.js';
export { type Lineage, LineageError, traceLineage } from './domain/lineage.js';
export { PolicyModule } from './policy.module.js';
export { PolicySets } from './policy-sets.js';
export { POLICY_ENTITIES } from './persistence/policy-store.js';
