import { AppError } from '../kernel/app-error.js';
import type { ChangeTx } from '../audit/index.js';
import { ApplicationEntity } from './persistence/entities/application.entity.js';
import { CredentialEntity } from './persistence/entities/credential.entity.js';
import { writeEnding, type Ending } from './persistence/endings.js';
import { lockObject, lockZone } from './persistence/locks.js';
import { ZoneEntity } from './persistence/entities/zone.entity.js';
import { updateRow } from './persistence/writes.js';

/** Who ends something, why, and when. */
export interface EndedBy {
  readonly reason: string;
  /** `admin:<token id>` and the like. */
  readonly actor: string;
  /** Milliseconds. */
  readonly now: number;
}

/** No token outlives the longest-lived class, an application token, and the leeway of its verifiers. */
const LONGEST_TOKEN_MS = 3_600_000 + 60_000;

/**
 * Ends zones, applications and credentials, and with them everything that stands on them, by one anchor in the caller's transaction. The caller
 * holds the graph lock, so that no session starts meanwhile, and writes the ledger entry. Each method answers whether something changed.
 */
export class KillSwitch {
  /** Kills the zone; what is under it never lives again, also after a restore. Throws `conflict` when the zone is archived. */
  async killZone(tx: ChangeTx, by: EndedBy): Promise<boolean> {
    const zone = await lockZone(tx, 'alone');
    if (zone.status === 'archived') throw new AppError('conflict', 'The zone is archived.');
    if (zone.status === 'killed') return false;
    await this.endZone(tx, zone, 'killed', by);
    return true;
  }

  /** Archives the zone for good. */
  async archiveZone(tx: ChangeTx, zone: ZoneEntity, by: EndedBy): Promise<void> {
    await this.endZone(tx, zone, 'archived', by);
  }

  /** Revokes the application; it authenticates no more. Throws `not_found`. */
  async revokeApplication(tx: ChangeTx, id: string, by: EndedBy): Promise<boolean> {
    const application = await lockObject(tx, ApplicationEntity, id);
    if (application.status !== 'active') return false;
    await this.endApplication(tx, application, 'revoked', by);
    return true;
  }

  /** Archives the application for good. */
  async archiveApplication(tx: ChangeTx, application: ApplicationEntity, by: EndedBy): Promise<void> {
    await this.endApplication(tx, application, 'archived', by);
  }

  /** Revokes the credential and with it what was obtained with it. Throws `not_found`. */
  async revokeCredential(tx: ChangeTx, id: string, by: EndedBy): Promise<boolean> {
    const credential = await lockObject(tx, CredentialEntity, id);
    if (credential.revokedAt !== null) return false;
    await updateRow(tx, CredentialEntity, id, { revokedAt: new Date(by.now) });
    tx.changed('credential', id);
    await this.anchor(tx, { kind: 'credential', anchor: id }, by);
    return true;
  }

  private async endZone(tx: ChangeTx, zone: ZoneEntity, status: 'killed' | 'archived', by: EndedBy): Promise<void> {
    const at = new Date(by.now);
    const epoch = zone.epoch + 1;
    const archivedAt = status === 'archived' ? at : zone.archivedAt;
    await tx.em.update(
      ZoneEntity,
      { slug: zone.slug },
      { status, epoch, updatedAt: at, archivedAt, version: zone.version + 1 },
    );
    tx.changed('zone', zone.slug);
    await this.anchor(tx, { kind: 'zone', anchor: zone.slug, epoch }, by);
  }

  private async endApplication(
    tx: ChangeTx,
    row: ApplicationEntity,
    status: 'revoked' | 'archived',
    by: EndedBy,
  ): Promise<void> {
    const at = new Date(by.now);
    const epoch = row.epoch + 1;
    const archivedAt = status === 'archived' ? at : row.archivedAt;
    await updateRow(tx, ApplicationEntity, row.id, {
      status,
      epoch,
      updatedAt: at,
      archivedAt,
      version: row.version + 1,
    });
    tx.changed('application', row.id);
    await this.anchor(tx, { kind: 'application', anchor: row.id, epoch }, by);
  }

  /** The anchor stops everything at once; the rows under it are settled later, from the outbox. */
  private async anchor(tx: ChangeTx, what: Pick<Ending, 'kind' | 'anchor' | 'epoch'>, by: EndedBy): Promise<void> {
    const { kind, anchor } = what;
    await writeEnding(tx, {
      ...what,
      reason: by.reason,
      actor: by.actor,
      at: new Date(by.now),
      expiresAt: new Date(by.now + LONGEST_TOKEN_MS),
    });
    tx.changed('revocation', `${kind}:${anchor}`);
    tx.enqueue({
      queue: 'revocation',
      name: 'settle',
      aggregate: `${kind}:${tx.zone}:${anchor}`,
      body: { kind, anchor },
    });
  }
}
