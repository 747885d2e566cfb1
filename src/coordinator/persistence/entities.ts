import { DelegationEntity } from './delegation.entity.js';
import { RevocationEntity } from './revocation.entity.js';
import { SessionEntity } from './session.entity.js';
import { SubjectEpochEntity } from './subject-epoch.entity.js';

/** The tables this module owns, for the database's connections. */
export const COORDINATOR_ENTITIES = [SessionEntity, DelegationEntity, RevocationEntity, SubjectEpochEntity] as const;
