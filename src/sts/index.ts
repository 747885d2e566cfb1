export { decisionFacts } from './domain/decision-facts.js';
export { StsModule } from './sts.module.js';
export { STS_ENTITIES } from './persistence/sts-entities.js';
export { isTokenKind } from './domain/upstream/provider-settings.js';
export type { UpstreamCaller } from './upstream/token-place.js';
export { UpstreamTokenError } from './upstream/upstream-token-error.js';
export { UpstreamTokens, type UpstreamToken } from './upstream/upstream-tokens.js';
export { requestersOf, type Requesters } from './domain/held-work.js';
