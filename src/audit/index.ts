export { AuditModule } from './audit.module.js';
export { AuditLedger, type OnceClaim } from './audit-ledger.js';
export { AuditedChanges, type ChangeTx } from './audited-changes.js';
export { LedgerReader, type EventFilter, type LedgerEvent } from './ledger-reader.js';
export { LogIdentity } from './log-identity.js';
export { adminEntry, type AdminActor, type RequestOrigin } from './admin-entry.js';
export { FACETS, type Facet } from './domain/facets.js';
export type { EntryDraft, Actor } from './domain/entry.js';
export type { Appended } from './group-commit.js';
