import { ConnectionEntity } from './connection.entity.js';
import { UpstreamTokenEntity } from './upstream-token.entity.js';

/** The tables this module owns, for the database's connections. */
export const STS_ENTITIES = [ConnectionEntity, UpstreamTokenEntity];
