import { AppError } from '../kernel/app-error.js';
import type { ChangeTx } from '../audit/index.js';
import { ApplicationEntity } from './persistence/entities/application.entity.js';
import { CredentialEntity } from './persistence/entities/credential.entity.js';
import {
  abandonConnections,
  endConnections,
  forgetSecret,
  type ConnectionsOf,
} from './persistence/connection-endings.js';
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

  /** Revokes the connection: what is stored of it is used no more, and the upstream is told. Throws `not_found`. */
  async revokeConnection(tx: ChangeTx, id: string, by: EndedBy): Promise<boolean> {
    return (await this.endThese(tx, { id }, by)) > 0;
  }

  /** Revokes every connection of a provider; answers how many. */
  endConnectionsOf(tx: ChangeTx, provider: string, by: EndedBy): Promise<number> {
    return this.endThese(tx, { provider }, by);
  }

  /** Revokes every connection of a provider that leads to another place from now on, where nothing of them may go. */
  async abandonConnectionsOf(tx: ChangeTx, provider: string, by: EndedBy): Promise<void> {
    for (const id of await abandonConnections(tx, provider, by)) tx.changed('connection', id);
  }

  /** Forgets the secret of an archived provider, when the upstream was told of everything that had to be ended with it. */
  async forgetSecret(tx: ChangeTx, provider: string): Promise<void> {
    if (await forgetSecret(tx, provider)) tx.changed('provider', provider);
  }

  private async endThese(tx: ChangeTx, these: ConnectionsOf, by: EndedBy): Promise<number> {
    const ended = await endConnections(tx, these, by);
    for (const id of ended) {
      tx.changed('connection', id);
      tx.enqueue({
        queue: 'revocation',
        name: 'connection',
        aggregate: `connection:${tx.zone}:${id}`,
        body: { connection: id },
      });
    }
    return ended.length;
  }

  private async endZone(tx: ChangeTx, zone: ZoneEntity, status: 'killed' | 'archived', by: EndedBy): Promise<void> {
    const at = new Date(by.now);
    const epoch = zone.epoch + 1;
    const archivedAt = status === 'archived' ? at : zone.archivedAt;
    if (status === 'archived') await this.endThese(tx, 'all', by);
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
