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
  readonly ledgerHmac: Buffer;
  readonly checkpointKey: Buffer;
  readonly queueHmac: Buffer;
  readonly databasePassword: Secret;
  readonly adminToken: Secret;
}

/** The fingerprint of each secret under its operator's name, for comparing with those that the database keeps. */
export function secretFingerprints(secrets: Secrets): Readonly<Record<string, string>> {
  return {
    [SECRET_FILES.kek]: fingerprint(secrets.kek[0]),
    [SECRET_FILES.pepper]: fingerprint(secrets.pepper),
    [SECRET_FILES.ledgerHmac]: fingerprint(secrets.ledgerHmac),
    [SECRET_FILES.checkpointKey]: fingerprint(secrets.checkpointKey),
    [SECRET_FILES.queueHmac]: fingerprint(secrets.queueHmac),
    [SECRET_FILES.databasePassword]: fingerprint(secrets.databasePassword),
    [SECRET_FILES.adminToken]: fingerprint(secrets.adminToken),
  };
}
