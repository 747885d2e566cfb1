export { Database, type DatabaseParts, type Tx, type ZoneTx } from './database.js';
export { parseEndpoint, parseLogin, clientOptions, type DatabaseEndpoint } from './endpoint.js';
export { roleLogin, LOGIN_ROLES, OWNER_ROLE, type LoginRole } from './roles.js';
export { provision, isEmptyDatabase } from './provision.js';
export { migrate } from './migrator.js';
export { isMigrated } from './schema-state.js';
export { compareFingerprints } from './fingerprints.js';
export { faultCode, isUnavailable } from './database-errors.js';
export type { SystemPurpose } from './system-purposes.js';
