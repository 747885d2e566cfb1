import type { Secret } from '../../kernel/secret.js';
import { SECRET_FILES } from '../config/index.js';
import { fingerprint } from './derive.js';

/** DI token of the {@link Secrets}. A module's factory takes from them what the module needs and hands nothing else on. */
export const SECRETS = Symbol('Secrets');

/** The checked secrets of this process. Keys have at least 32 bytes. */
export interface Secrets {
  /** Key-encryption keys: the first seals, the others only open what an earlier one sealed. */
  readonly kek: readonly [Buffer, ...Buffer[]];
  readonly pepper: Buffer;
  /** Keys of the ledger's chain: the first makes new links, all of them verify. */
  readonly ledgerHmac: readonly [Buffer, ...Buffer[]];
  /** Keys that sign the log's checkpoints: the first signs what is new, all of them verify. */
  readonly checkpointKey: readonly [Buffer, ...Buffer[]];
  readonly queueHmac: Buffer;
  readonly databasePassword: Secret;
  readonly adminToken: Secret;
}

/**
 * The fingerprints of each secret under its operator's name, for comparing with the one that the database keeps: the first is what it is now, the others,
 * of a ring, are what it may have been before it was rotated.
 */
export function secretFingerprints(secrets: Secrets): Readonly<Record<string, readonly string[]>> {
  return {
    [SECRET_FILES.kek]: secrets.kek.map(fingerprint),
    [SECRET_FILES.pepper]: [fingerprint(secrets.pepper)],
    [SECRET_FILES.ledgerHmac]: secrets.ledgerHmac.map(fingerprint),
    [SECRET_FILES.checkpointKey]: secrets.checkpointKey.map(fingerprint),
    [SECRET_FILES.queueHmac]: [fingerprint(secrets.queueHmac)],
    [SECRET_FILES.databasePassword]: [fingerprint(secrets.databasePassword)],
    [SECRET_FILES.adminToken]: [fingerprint(secrets.adminToken)],
  };
}
