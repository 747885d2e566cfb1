import { DelegationEntity } from './delegation.entity.js';
import { InvocationEventEntity } from './invocations/invocation-event.entity.js';
import { InvocationEntity } from './invocations/invocation.entity.js';
import { RevocationEntity } from './revocation.entity.js';
import { SessionEntity } from './session.entity.js';
import { SubjectEpochEntity } from './subject-epoch.entity.js';

/** The tables this module owns, for the database's connections. */
export const COORDINATOR_ENTITIES = [
  SessionEntity,
  DelegationEntity,
  RevocationEntity,
  SubjectEpochEntity,
  InvocationEntity,
  InvocationEventEntity,
] as const;
