import { randomBytes } from 'node:crypto';
import type { ClientSecretMac } from '../auth/index.js';
import { AppError } from '../kernel/app-error.js';
import { formatSecret, SECRET_PREFIXES } from '../kernel/client-secret.js';
import type { JsonObject } from '../kernel/json.js';
import type { Database } from '../platform/database/index.js';
import type { EgressGuard } from '../platform/egress/index.js';
import { newId } from '../platform/ids/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import { refuseArchived } from './domain/changes.js';
import {
  credentialBody,
  isLiveCredential,
  MOST_LIVE_CREDENTIALS,
  type CredentialType,
} from './domain/credentials/credential.js';
import { invalidRequest } from './domain/faults.js';
import { credentialFaults } from './domain/credentials/new-credential.js';
import type { KillSwitch } from './kill-switch.js';
import { ApplicationEntity } from './persistence/entities/application.entity.js';
import { CredentialEntity } from './persistence/entities/credential.entity.js';
import { getObject, listObjects, NOT_REVOKED, type Slice } from './persistence/lists.js';
import { lockObject } from './persistence/locks.js';
import { insertRow } from './persistence/writes.js';

/** What a client will authenticate with. */
export interface NewCredential {
  readonly type: CredentialType;
  readonly jwks?: JsonObject | undefined;
  /** `jwks_uri`, `spiffe_id` or the members of a certificate. */
  readonly details: JsonObject;
  readonly expiresAt?: number | undefined;
}

/** A new credential; the secret exists here and nowhere else. */
export interface MadeCredential {
  readonly row: CredentialEntity;
  readonly secret?: string;
}

export interface CredentialsParts {
  readonly database: Database;
  readonly changes: AdminChanges;
  readonly killSwitch: KillSwitch;
  readonly egress: EgressGuard;
  readonly secretMac: ClientSecretMac;
}

/** Credentials of applications. A secret leaves the server once, in the answer that makes it. */
export class Credentials {
  constructor(private readonly parts: CredentialsParts) {}

  async create(call: AdminCall, zone: string, application: string, input: NewCredential): Promise<MadeCredential> {
    const faults = credentialFaults(input.type, input);
    if (faults.length > 0) throw invalidRequest(faults);
    const { jwks_uri: keysAt } = input.details;
    if (typeof keysAt === 'string') await this.parts.egress.checkRegistration(keysAt);
    return this.parts.changes.run(call, zone, async (tx) => {
      refuseArchived(await lockObject(tx, ApplicationEntity, application));
      return this.make(tx, application, input);
    });
  }

  /** Makes a credential in the transaction of a larger change; the caller holds the application's lock. */
  async make(tx: AdminTx, application: string, input: NewCredential): Promise<MadeCredential> {
    if (input.expiresAt !== undefined && input.expiresAt <= tx.now)
      throw invalidRequest([{ field: 'expires_at', message: 'must be in the future' }]);
    await refuseThird(tx, application, input.type);
    const secret =
      input.type === 'client_secret' ? formatSecret(SECRET_PREFIXES.clientSecret, randomBytes(32)) : undefined;
    const row: CredentialEntity = {
      zone: tx.zone,
      id: newId('crd'),
      application,
      type: input.type,
      secretMac: secret === undefined ? null : this.parts.secretMac(secret),
      jwks: input.jwks ?? null,
      details: input.details,
      createdAt: new Date(tx.now),
      expiresAt: input.expiresAt === undefined ? null : new Date(input.expiresAt),
      revokedAt: null,
    };
    await insertRow(tx, CredentialEntity, row);
    tx.changed('credential', row.id);
    tx.note({ action: 'credentials.create', target: `credential:${row.id}`, after: credentialBody(row) });
    return secret === undefined ? { row } : { row, secret };
  }

  async get(zone: string, application: string, id: string): Promise<CredentialEntity> {
    const row = await getObject(this.parts.database, CredentialEntity, zone, id);
    refuseForeign(row, application);
    return row;
  }

  /** The application's credentials that are not revoked. */
  async list(zone: string, application: string, slice: Slice): Promise<CredentialEntity[]> {
    await getObject(this.parts.database, ApplicationEntity, zone, application);
    return listObjects(this.parts.database, CredentialEntity, zone, { slice, where: { application, ...NOT_REVOKED } });
  }

  /** Revokes the credential, and with it the tokens and sessions that were obtained with it. */
  remove(call: AdminCall, zone: string, application: string, id: string): Promise<void> {
    const work = async (tx: AdminTx): Promise<void> => {
      const row = await lockObject(tx, CredentialEntity, id);
      refuseForeign(row, application);
      await this.parts.killSwitch.revokeCredential(tx, id, tx.ending('credential removed'));
      tx.note({ action: 'credentials.remove', target: `credential:${id}`, before: credentialBody(row) });
    };
    return this.parts.changes.run(call, zone, work, { graph: true });
  }
}

/** The application's row is locked: nobody adds another one meanwhile. */
async function refuseThird(tx: AdminTx, application: string, type: CredentialType): Promise<void> {
  const rows = await tx.em.findBy(CredentialEntity, { zone: tx.zone, application, type });
  if (rows.filter((row) => isLiveCredential(row, tx.now)).length < MOST_LIVE_CREDENTIALS) return;
  throw new AppError(
    'conflict',
    `The application has ${MOST_LIVE_CREDENTIALS} live credentials of this type. Remove one first.`,
  );
}

/** A credential of another application is as unknown as one that was removed. */
function refuseForeign(row: CredentialEntity, application: string): void {
  if (row.application !== application || row.revokedAt !== null)
    throw new AppError('not_found', 'There is no such object.');
}
