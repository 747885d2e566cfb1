import { AUTH_ENTITIES } from './auth/index.js';
import { CONTROL_ENTITIES } from './control/index.js';
import { COORDINATOR_ENTITIES } from './coordinator/index.js';
import { GATEWAY_ENTITIES } from './gateway/index.js';
import { POLICY_ENTITIES } from './policy/index.js';
import { STS_ENTITIES } from './sts/index.js';

/** Every entity of every module; the schema test compares them with the migrations. */
export const ENTITIES = [
  ...AUTH_ENTITIES,
  ...POLICY_ENTITIES,
  ...CONTROL_ENTITIES,
  ...COORDINATOR_ENTITIES,
  ...GATEWAY_ENTITIES,
  ...STS_ENTITIES,
];
