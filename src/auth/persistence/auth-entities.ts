import { AdminTokenEntity } from './admin-token.entity.js';
import { SigningKeyEntity } from './signing-key.entity.js';

/** The entities of this module. */
export const AUTH_ENTITIES = [SigningKeyEntity, AdminTokenEntity];
