import type { Database } from '../platform/database/index.js';
import type { Precondition } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import { type Blueprint, blueprintFaults, blueprintOf } from './domain/blueprint.js';
import type { JsonObject } from '../kernel/json.js';
import { applicationBody } from './domain/application.js';
import { changedTime, refuseArchived } from './domain/changes.js';
import { invalidRequest } from './domain/faults.js';
import { looserThan, type SessionLimits } from './domain/session-limits.js';
import { zoneSettings } from './domain/zone-settings.js';
import type { KillSwitch } from './kill-switch.js';
import { ApplicationEntity } from './persistence/entities/application.entity.js';
import { archiveGrants } from './persistence/grants-of.js';
import { freeSlug } from './persistence/free-slug.js';
import { getObject, listObjects, statusFilter, type Slice } from './persistence/lists.js';
import { lockObject } from './persistence/locks.js';
import type { ZoneEntity } from './persistence/entities/zone.entity.js';
import { insertRow, updateRow } from './persistence/writes.js';

export interface NewApplication {
  readonly name: string;
  /** Made from the name when it is omitted. */
  readonly slug?: string | undefined;
  readonly allowedLabels?: readonly string[] | undefined;
  readonly limits?: Partial<SessionLimits> | undefined;
  readonly blueprint?: Blueprint | undefined;
  readonly expiresAt?: number | undefined;
}

/** Changed members; null takes the value away. */
export interface ApplicationPatch {
  readonly name?: string | undefined;
  readonly allowedLabels?: readonly string[] | undefined;
  readonly limits?: Partial<SessionLimits> | null | undefined;
  readonly blueprint?: Blueprint | null | undefined;
  readonly expiresAt?: number | null | undefined;
}

export interface ApplicationsParts {
  readonly database: Database;
  readonly changes: AdminChanges;
  readonly killSwitch: KillSwitch;
}

/** Applications: OAuth clients of a zone. */
export class Applications {
  constructor(private readonly parts: ApplicationsParts) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): Applications {
    return new Applications({ ...this.parts, changes });
  }

  create(call: AdminCall, zone: string, input: NewApplication): Promise<ApplicationEntity> {
    return this.parts.changes.run(call, zone, (tx, row) => this.make(tx, row, input));
  }

  /** Makes an application in the transaction of a larger change. */
  async make(tx: AdminTx, zone: ZoneEntity, input: NewApplication): Promise<ApplicationEntity> {
    refuseLooseLimits(zone, input.limits ?? {});
    if (input.expiresAt !== undefined && input.expiresAt <= tx.now)
      throw invalidRequest([{ field: 'expires_at', message: 'must be in the future' }]);
    const id = newId('app');
    const at = new Date(tx.now);
    const row: ApplicationEntity = {
      zone: tx.zone,
      id,
      slug: input.slug ?? (await freeSlug(tx, 'applications', input.name, id)),
      name: input.name,
      status: 'active',
      epoch: 0,
      allowedLabels: [...(input.allowedLabels ?? [])],
      limits: input.limits ?? {},
      settings: input.blueprint ? { blueprint: { ...input.blueprint } } : {},
      expiresAt: input.expiresAt === undefined ? null : new Date(input.expiresAt),
      createdAt: at,
      updatedAt: at,
      archivedAt: null,
      version: 1,
    };
    refuseFaults(row);
    await insertRow(tx, ApplicationEntity, row);
    tx.changed('application', id);
    tx.note({ action: 'applications.create', target: `application:${id}`, after: applicationBody(row) });
    return row;
  }

  get(zone: string, id: string): Promise<ApplicationEntity> {
    return getObject(this.parts.database, ApplicationEntity, zone, id);
  }

  list(zone: string, slice: Slice, status: string | undefined): Promise<ApplicationEntity[]> {
    return listObjects(this.parts.database, ApplicationEntity, zone, { slice, where: statusFilter(status) });
  }

  patch(
    call: AdminCall,
    zone: string,
    id: string,
    change: { condition: Precondition; patch: ApplicationPatch },
  ): Promise<ApplicationEntity> {
    return this.parts.changes.run(call, zone, async (tx, owner) => {
      const before = await this.lockForChange(tx, id, change.condition);
      const after = patched(before, change.patch, new Date(tx.now));
      refuseLooseLimits(owner, change.patch.limits ?? {});
      refuseFaults(after);
      await updateRow(tx, ApplicationEntity, id, after);
      tx.changed('application', id);
      tx.note({
        action: 'applications.update',
        target: `application:${id}`,
        before: applicationBody(before),
        after: applicationBody(after),
      });
      return after;
    });
  }

  /** Archives the application for good: its sessions, tokens and grants end with this transaction. */
  archive(call: AdminCall, zone: string, id: string, condition: Precondition): Promise<void> {
    const work = async (tx: AdminTx): Promise<void> => {
      const before = await this.lockForChange(tx, id, condition);
      await this.parts.killSwitch.archiveApplication(tx, before, tx.ending('application archived'));
      const grants = await archiveGrants(tx, { application: id }, tx.now);
      for (const grant of grants) tx.changed('grant', grant);
      const after = await tx.em.findOneByOrFail(ApplicationEntity, { zone, id });
      tx.note({
        action: 'applications.archive',
        target: `application:${id}`,
        before: applicationBody(before),
        after: applicationBody(after),
        detail: { grants: grants.length },
      });
    };
    return this.parts.changes.run(call, zone, work, { graph: true });
  }

  private async lockForChange(tx: AdminTx, id: string, condition: Precondition): Promise<ApplicationEntity> {
    const row = await lockObject(tx, ApplicationEntity, id);
    condition.assert(row.version);
    refuseArchived(row);
    return row;
  }
}

function patched(row: ApplicationEntity, patch: ApplicationPatch, at: Date): ApplicationEntity {
  return {
    ...row,
    name: patch.name ?? row.name,
    allowedLabels: patch.allowedLabels ? [...patch.allowedLabels] : row.allowedLabels,
    limits: patch.limits === undefined ? row.limits : (patch.limits ?? {}),
    settings: patchedSettings(row.settings, patch.blueprint),
    expiresAt: changedTime(row.expiresAt, patch.expiresAt),
    updatedAt: at,
    version: row.version + 1,
  };
}

function patchedSettings(settings: JsonObject, blueprint: Blueprint | null | undefined): JsonObject {
  if (blueprint === undefined) return settings;
  const { blueprint: _before, ...rest } = settings;
  return blueprint === null ? rest : { ...rest, blueprint: { ...blueprint } };
}

function refuseFaults({ settings, allowedLabels }: ApplicationEntity): void {
  const faults = blueprintFaults(blueprintOf(settings), allowedLabels);
  if (faults.length > 0) throw invalidRequest(faults);
}

function refuseLooseLimits(zone: ZoneEntity, limits: Partial<SessionLimits>): void {
  const { limits: allowed } = zoneSettings(zone.settings);
  const loose = looserThan(allowed, limits);
  if (loose.length > 0)
    throw invalidRequest(
      loose.map((name) => ({ field: `limits.${name}`, message: `must not exceed the zone's ${allowed[name]}` })),
    );
}
