import { AppError } from '../kernel/app-error.js';
import type { Database } from '../platform/database/index.js';
import type { Precondition } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import { changedTime, refuseArchived } from './domain/changes.js';
import { Faults } from './domain/faults.js';
import { grantBody } from './domain/grant.js';
import { isObjectId } from './domain/object-id.js';
import { isControlResource } from './domain/resources/control-resource.js';
import type { CommandCatalogue } from './invoke/command-catalogue.js';
import { mayGrantCommand } from './invoke/domain/command-rights.js';
import { ApplicationEntity } from './persistence/entities/application.entity.js';
import { GrantEntity } from './persistence/entities/grant.entity.js';
import { getObject, listObjects, statusFilter, type Slice } from './persistence/lists.js';
import { holdObject, lockObject } from './persistence/locks.js';
import { ResourceEntity } from './persistence/entities/resource.entity.js';
import { insertRow, updateRow } from './persistence/writes.js';

export interface NewGrant {
  readonly application: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly label?: string | undefined;
  readonly expiresAt?: number | undefined;
}

/** Changed members; null takes the value away. */
export interface GrantPatch {
  readonly scopes?: readonly string[] | undefined;
  readonly label?: string | null | undefined;
  readonly expiresAt?: number | null | undefined;
}

export interface GrantFilter {
  readonly application?: string | undefined;
  readonly resource?: string | undefined;
  readonly status?: string | undefined;
}

/** Grants: which application may hold which scopes at which resource. */
export class Grants {
  constructor(
    private readonly database: Database,
    private readonly changes: AdminChanges,
    private readonly commands: CommandCatalogue,
  ) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): Grants {
    return new Grants(this.database, changes, this.commands);
  }

  create(call: AdminCall, zone: string, input: NewGrant): Promise<GrantEntity> {
    return this.changes.run(call, zone, (tx) => this.make(tx, input));
  }

  /** Makes a grant in the transaction of a larger change. */
  async make(tx: AdminTx, input: NewGrant): Promise<GrantEntity> {
    const faults = new Faults();
    const resource = await checkReferences(tx, input, faults);
    if (resource) this.refuseForeignCommands(tx, resource, input.scopes);
    if (input.expiresAt !== undefined && input.expiresAt <= tx.now) faults.add('expires_at', 'must be in the future');
    faults.refuse();
    const at = new Date(tx.now);
    const row: GrantEntity = {
      zone: tx.zone,
      id: newId('gra'),
      application: input.application,
      resource: input.resource,
      scopes: [...new Set(input.scopes)],
      label: input.label ?? null,
      expiresAt: input.expiresAt === undefined ? null : new Date(input.expiresAt),
      status: 'active',
      createdAt: at,
      updatedAt: at,
      archivedAt: null,
      version: 1,
    };
    await insertRow(tx, GrantEntity, row);
    tx.changed('grant', row.id);
    tx.note({ action: 'grants.create', target: `grant:${row.id}`, after: grantBody(row) });
    return row;
  }

  get(zone: string, id: string): Promise<GrantEntity> {
    return getObject(this.database, GrantEntity, zone, id);
  }

  list(zone: string, slice: Slice, { status, application, resource }: GrantFilter): Promise<GrantEntity[]> {
    const where = {
      ...statusFilter(status),
      ...(application === undefined ? {} : { application }),
      ...(resource === undefined ? {} : { resource }),
    };
    return listObjects(this.database, GrantEntity, zone, { slice, where });
  }

  patch(
    call: AdminCall,
    zone: string,
    id: string,
    change: { condition: Precondition; patch: GrantPatch },
  ): Promise<GrantEntity> {
    return this.changes.run(call, zone, async (tx) => {
      const { scopes, label, expiresAt } = change.patch;
      // The resource before the grant, as in changes of the resource that reach down to its grants.
      const declares = scopes && (await holdResourceOf(tx, id));
      const before = await lockForChange(tx, id, change.condition);
      if (declares) {
        refuseUndeclared(declares, scopes);
        this.refuseForeignCommands(tx, declares, scopes);
      }
      const after: GrantEntity = {
        ...before,
        scopes: scopes ? [...new Set(scopes)] : before.scopes,
        label: label === undefined ? before.label : label,
        expiresAt: changedTime(before.expiresAt, expiresAt),
        updatedAt: new Date(tx.now),
        version: before.version + 1,
      };
      await save(tx, 'grants.update', before, after);
      return after;
    });
  }

  /** Nobody hands on a command that is not theirs to give (T12): see {@link mayGrantCommand}. */
  private refuseForeignCommands({ call }: AdminTx, resource: ResourceEntity, scopes: readonly string[]): void {
    if (!isControlResource(resource)) return;
    const foreign = scopes.filter((scope) => !mayGrantCommand(call.actor, this.commands.byScope(scope)));
    if (foreign.length > 0)
      throw new AppError('insufficient_capability', `The token may not grant ${foreign.slice(0, 5).join(', ')}.`);
  }

  /** Archives the grant for good; what it allowed is refused from now on. */
  archive(call: AdminCall, zone: string, id: string, condition: Precondition): Promise<void> {
    return this.changes.run(call, zone, async (tx) => {
      const before = await lockForChange(tx, id, condition);
      const at = new Date(tx.now);
      await save(tx, 'grants.archive', before, {
        ...before,
        status: 'archived',
        archivedAt: at,
        updatedAt: at,
        version: before.version + 1,
      });
    });
  }
}

async function save(tx: AdminTx, action: string, before: GrantEntity, after: GrantEntity): Promise<void> {
  await updateRow(tx, GrantEntity, after.id, after);
  tx.changed('grant', after.id);
  tx.note({ action, target: `grant:${after.id}`, before: grantBody(before), after: grantBody(after) });
}

/** Both ends must be there, of this zone and active; they stay so until the transaction ends. */
async function checkReferences(tx: AdminTx, input: NewGrant, faults: Faults): Promise<ResourceEntity | undefined> {
  const application = await holdObject(tx, ApplicationEntity, input.application);
  if (application?.status !== 'active')
    faults.add('application', 'must be the id of an active application of this zone');
  const resource = await holdObject(tx, ResourceEntity, input.resource);
  if (resource?.status !== 'active') faults.add('resource', 'must be the id of an active resource of this zone');
  else checkDeclared(resource, input.scopes, faults);
  return resource;
}

async function holdResourceOf(tx: AdminTx, id: string): Promise<ResourceEntity> {
  const grant = isObjectId(id) ? await tx.em.findOneBy(GrantEntity, { zone: tx.zone, id }) : null;
  const resource = grant && (await holdObject(tx, ResourceEntity, grant.resource));
  if (!resource) throw new AppError('not_found', 'There is no such object.');
  return resource;
}

function refuseUndeclared(resource: ResourceEntity, scopes: readonly string[]): void {
  const faults = new Faults();
  checkDeclared(resource, scopes, faults);
  faults.refuse();
}

function checkDeclared(resource: ResourceEntity, scopes: readonly string[], faults: Faults): void {
  const declared = new Set(resource.scopes.map((scope) => scope.name));
  scopes.forEach((scope, at) => {
    if (!declared.has(scope))
      faults.add(
        `scopes.${at}`,
        `must be declared by the resource; it declares ${[...declared].slice(0, 20).join(', ') || 'none'}`,
      );
  });
}

async function lockForChange(tx: AdminTx, id: string, condition: Precondition): Promise<GrantEntity> {
  const row = await lockObject(tx, GrantEntity, id);
  condition.assert(row.version);
  refuseArchived(row);
  return row;
}
