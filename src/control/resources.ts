import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import type { Database } from '../platform/database/index.js';
import type { EgressGrants } from '../platform/egress/index.js';
import type { Precondition } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import type { PublicUrls } from '../platform/urls/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import { refuseArchived } from './domain/changes.js';
import { invalidRequest } from './domain/faults.js';
import { isControlResource } from './domain/resources/control-resource.js';
import type { DetailType } from './domain/resources/detail-types.js';
import { defaultIdentifier } from './domain/resources/identifier.js';
import {
  resourceBody,
  type DeclaredScope,
  type ResourceLimits,
  type ResourceOperation,
  type ResourceOptions,
} from './domain/resources/resource.js';
import { resourceFaults, type ResourceDraft } from './domain/resources/resource-draft.js';
import { freeSlug } from './persistence/free-slug.js';
import { archiveGrants, withdrawScopes } from './persistence/grants-of.js';
import { getObject, listObjects, statusFilter, type Slice } from './persistence/lists.js';
import { lockObject } from './persistence/locks.js';
import { ResourceEntity } from './persistence/entities/resource.entity.js';
import type { ResourceReferences } from './resource-references.js';
import { insertRow, updateRow } from './persistence/writes.js';

/** Members of a resource that may be set and changed. In a patch undefined keeps and null takes away. */
export interface ResourceValues {
  readonly name?: string | undefined;
  readonly upstreamUrl?: string | null | undefined;
  readonly scopes?: readonly DeclaredScope[] | undefined;
  readonly operations?: readonly ResourceOperation[] | undefined;
  readonly authorizationDetailsTypes?: readonly DetailType[] | undefined;
  readonly provider?: string | null | undefined;
  readonly egress?: EgressGrants | null | undefined;
  readonly limits?: ResourceLimits | null | undefined;
  readonly options: { readonly [Name in keyof ResourceOptions]?: ResourceOptions[Name] | null | undefined };
  readonly serverApplication?: string | null | undefined;
}

export interface NewResource extends ResourceValues {
  /** Made from the name when it is omitted. */
  readonly slug?: string | undefined;
  readonly name: string;
  readonly identifier?: string | undefined;
  readonly enforcement?: 'gateway' | 'direct' | undefined;
}

export interface ResourcesParts {
  readonly database: Database;
  readonly changes: AdminChanges;
  readonly references: ResourceReferences;
  readonly urls: PublicUrls;
}

/** A draft's base: a resource before anything was said about it. */
const BLANK: ResourceDraft = {
  identifier: '',
  name: '',
  upstreamUrl: null,
  enforcement: 'gateway',
  scopes: [],
  operations: [],
  authorizationDetailsTypes: [],
  provider: null,
  egress: {},
  limits: {},
  options: {},
  serverApplication: null,
};

/** Resources: what mandates are for. */
export class Resources {
  constructor(private readonly parts: ResourcesParts) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): Resources {
    return new Resources({ ...this.parts, changes });
  }

  async create(call: AdminCall, zone: string, input: NewResource): Promise<ResourceEntity> {
    await this.vet(call, zone, input);
    return this.parts.changes.run(call, zone, (tx) => this.make(tx, input));
  }

  /** Refuses a new resource that is unsound or whose upstream may not be reached; asks the network, so it stands before the transaction. */
  async vet(call: AdminCall, zone: string, input: NewResource, plannedKind?: string): Promise<void> {
    refuseForeignEgress(call, input.egress);
    const draft = drafted(
      {
        ...BLANK,
        identifier: input.identifier ?? defaultIdentifier(zone, 'any'),
        enforcement: input.enforcement ?? 'gateway',
      },
      input,
    );
    this.refuseFaulty(draft);
    await this.parts.references.checkEgress(zone, draft, plannedKind);
  }

  /** Makes a resource in the transaction of a larger change; `input` passed {@link vet}. */
  async make(tx: AdminTx, input: NewResource): Promise<ResourceEntity> {
    const id = newId('res');
    const slug = input.slug ?? (await freeSlug(tx, 'resources', input.name, id));
    const base = {
      ...BLANK,
      identifier: input.identifier ?? defaultIdentifier(tx.zone, slug),
      enforcement: input.enforcement ?? 'gateway',
    };
    const draft = drafted(base, input);
    await this.parts.references.hold(tx, draft);
    const at = new Date(tx.now);
    const row: ResourceEntity = {
      ...draft,
      zone: tx.zone,
      id,
      slug,
      status: 'active',
      createdAt: at,
      updatedAt: at,
      archivedAt: null,
      version: 1,
    };
    await insertRow(tx, ResourceEntity, row);
    tx.changed('resource', id);
    tx.note({ action: 'resources.create', target: `resource:${id}`, after: this.body(row) });
    return row;
  }

  get(zone: string, id: string): Promise<ResourceEntity> {
    return getObject(this.parts.database, ResourceEntity, zone, id);
  }

  list(zone: string, slice: Slice, status: string | undefined): Promise<ResourceEntity[]> {
    return listObjects(this.parts.database, ResourceEntity, zone, { slice, where: statusFilter(status) });
  }

  async patch(
    call: AdminCall,
    zone: string,
    id: string,
    change: { condition: Precondition; patch: ResourceValues },
  ): Promise<ResourceEntity> {
    const seen = await this.vetPatch(call, zone, { id, patch: change.patch });
    change.condition.assert(seen.version);
    // What was vetted outside the transaction is what is written in it, or nothing.
    return this.parts.changes.run(call, zone, (tx) => this.replace(tx, seen, change.patch), { graph: true });
  }

  /** Refuses a change that is unsound or leads to where the server may not go, and answers what it would change; asks the network. */
  async vetPatch(
    call: AdminCall,
    zone: string,
    { id, patch, plannedKind }: { id: string; patch: ResourceValues; plannedKind?: string },
  ): Promise<ResourceEntity> {
    refuseForeignEgress(call, patch.egress);
    const seen = await this.get(zone, id);
    refuseBuiltIn(seen);
    const draft = drafted(seen, patch);
    this.refuseFaulty(draft);
    await this.parts.references.checkEgress(zone, draft, plannedKind);
    return seen;
  }

  /** Archives the resource for good: its gateway URL answers no more and the grants at it end with this transaction. */
  archive(call: AdminCall, zone: string, id: string, condition: Precondition): Promise<void> {
    const work = async (tx: AdminTx): Promise<void> => {
      const before = await lockObject(tx, ResourceEntity, id);
      refuseBuiltIn(before);
      condition.assert(before.version);
      refuseArchived(before);
      const at = new Date(tx.now);
      const after: ResourceEntity = {
        ...before,
        status: 'archived',
        archivedAt: at,
        updatedAt: at,
        version: before.version + 1,
      };
      const grants = await archiveGrants(tx, { resource: id }, tx.now);
      await this.save(tx, 'resources.archive', { before, after, grants });
    };
    return this.parts.changes.run(call, zone, work, { graph: true });
  }

  /** The resource as administrators see it. */
  body(row: ResourceEntity): JsonObject {
    const { urls } = this.parts;
    return resourceBody(row, { gateway: urls.gateway(row.zone, row.slug), control: urls.controlInvoke() });
  }

  /** Changes a resource in the transaction of a larger change; `seen` passed {@link vetPatch}, and is what is changed or nothing is. */
  async replace(tx: AdminTx, seen: ResourceEntity, patch: ResourceValues): Promise<ResourceEntity> {
    const draft = drafted(seen, patch);
    this.refuseFaulty(draft);
    const before = await lockObject(tx, ResourceEntity, seen.id);
    if (before.version !== seen.version)
      throw new AppError('precondition_failed', 'The object has changed since you read it.');
    refuseArchived(before);
    await this.parts.references.hold(tx, draft, before);
    const kept = new Set(draft.scopes.map((scope) => scope.name));
    const withdrawn = before.scopes.map((scope) => scope.name).filter((name) => !kept.has(name));
    const grants = withdrawn.length === 0 ? [] : await withdrawScopes(tx, seen.id, withdrawn, tx.now);
    const after: ResourceEntity = { ...before, ...draft, updatedAt: new Date(tx.now), version: before.version + 1 };
    await this.save(tx, 'resources.update', { before, after, grants });
    return after;
  }

  private async save(
    tx: AdminTx,
    action: string,
    { before, after, grants }: { before: ResourceEntity; after: ResourceEntity; grants: string[] },
  ): Promise<void> {
    await updateRow(tx, ResourceEntity, after.id, after);
    tx.changed('resource', after.id);
    for (const grant of grants) tx.changed('grant', grant);
    tx.note({
      action,
      target: `resource:${after.id}`,
      before: this.body(before),
      after: this.body(after),
      detail: { grants: grants.length },
    });
  }

  private refuseFaulty(draft: ResourceDraft): void {
    const faults = resourceFaults(draft, this.parts.urls.base());
    if (faults.length > 0) throw invalidRequest(faults);
  }
}

/** The control resource is what the server's commands are; nobody changes it. */
function refuseBuiltIn(row: ResourceEntity): void {
  if (isControlResource(row)) throw new AppError('conflict', 'The resource is built in and cannot be changed.');
}

/** What a zone's own administrators may not open: only a global token grants egress (T3, T12). */
function refuseForeignEgress({ actor }: AdminCall, egress: EgressGrants | null | undefined): void {
  const opens = (egress?.allow ?? []).length > 0 || egress?.insecure_http === true;
  if (opens && actor.zones !== undefined)
    throw new AppError('insufficient_capability', 'Only a global token grants egress.');
}

function drafted(base: ResourceDraft, values: ResourceValues): ResourceDraft {
  const options = Object.entries({ ...base.options, ...values.options }).filter(
    ([, value]) => value !== null && value !== undefined && value !== false,
  );
  return {
    identifier: base.identifier,
    enforcement: base.enforcement,
    name: values.name ?? base.name,
    upstreamUrl: changed(base.upstreamUrl, values.upstreamUrl),
    scopes: values.scopes ?? base.scopes,
    operations: values.operations ?? base.operations,
    authorizationDetailsTypes: values.authorizationDetailsTypes ?? base.authorizationDetailsTypes,
    provider: changed(base.provider, values.provider),
    egress: changed(base.egress, values.egress) ?? {},
    limits: changed(base.limits, values.limits) ?? {},
    options: Object.fromEntries(options),
    serverApplication: changed(base.serverApplication, values.serverApplication),
  };
}

function changed<T>(stored: T, patch: T | null | undefined): T | null {
  return patch === undefined ? stored : patch;
}
