import type { JsonObject } from '../kernel/json.js';
import { AppError } from '../kernel/app-error.js';
import type { Database } from '../platform/database/index.js';
import type { EgressGuard } from '../platform/egress/index.js';
import type { Precondition } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import type { ProviderSecrets } from './catalogue/provider-secrets.js';
import { refuseArchived } from './domain/changes.js';
import { Faults } from './domain/faults.js';
import { secretEndpoints, sendsElsewhere } from './domain/providers/endpoints.js';
import { pairFaults } from './domain/providers/oauth-kinds.js';
import { providerBody } from './domain/providers/provider.js';
import {
  configFaults,
  holdsSecret,
  kindFault,
  secretFaults,
  type ProviderKind,
} from './domain/providers/provider-kinds.js';
import { getObject, listObjects, statusFilter, type Slice } from './persistence/lists.js';
import { lockObject } from './persistence/locks.js';
import type { KillSwitch } from './kill-switch.js';
import { ProviderEntity } from './persistence/entities/provider.entity.js';
import { insertRow, updateRow } from './persistence/writes.js';

export interface NewProvider {
  readonly name: string;
  readonly kind: string;
  readonly config?: JsonObject | undefined;
  readonly secret?: JsonObject | undefined;
}

/** Changed members; `config` and `secret` are replaced whole. */
export interface ProviderPatch {
  readonly name?: string | undefined;
  readonly config?: JsonObject | undefined;
  readonly secret?: JsonObject | undefined;
}

export interface ProviderChange {
  readonly condition: Precondition;
  readonly patch: ProviderPatch;
}

export interface ProvidersParts {
  readonly database: Database;
  readonly changes: AdminChanges;
  readonly secrets: ProviderSecrets;
  readonly egress: EgressGuard;
  readonly killSwitch: KillSwitch;
}

/** Providers: how upstreams are authenticated. Their secrets are sealed on the way in and never shown. */
export class Providers {
  constructor(private readonly parts: ProvidersParts) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): Providers {
    return new Providers({ ...this.parts, changes });
  }

  async create(call: AdminCall, zone: string, input: NewProvider): Promise<ProviderEntity> {
    refuseFaulty(input, '');
    await this.vet(input.config ?? {});
    return this.parts.changes.run(call, zone, (tx) => this.make(tx, input));
  }

  /** Refuses a configuration whose secret would go to a place that requests may not go to: AppError `egress_denied`. Asks the network, so it stands before the transaction. */
  async vet(config: JsonObject): Promise<void> {
    for (const { url } of secretEndpoints(config))
      await this.parts.egress.checkRegistration(url, { injectsCredential: true });
  }

  /** Makes a provider in the transaction of a larger change; `input` was found sound by {@link refuseFaulty}. */
  async make(tx: AdminTx, input: NewProvider): Promise<ProviderEntity> {
    const id = newId('prv');
    const at = new Date(tx.now);
    const row: ProviderEntity = {
      zone: tx.zone,
      id,
      name: input.name,
      kind: input.kind,
      config: input.config ?? {},
      secretSealed: holdsSecret(input.kind) ? this.parts.secrets.seal(tx.zone, id, 1, input.secret ?? {}) : null,
      secretVersion: 1,
      boundOrigin: null,
      status: 'active',
      createdAt: at,
      updatedAt: at,
      archivedAt: null,
      version: 1,
    };
    await insertRow(tx, ProviderEntity, row);
    tx.changed('provider', id);
    tx.note({ action: 'providers.create', target: `provider:${id}`, after: providerBody(row) });
    return row;
  }

  get(zone: string, id: string): Promise<ProviderEntity> {
    return getObject(this.parts.database, ProviderEntity, zone, id);
  }

  list(zone: string, slice: Slice, status: string | undefined): Promise<ProviderEntity[]> {
    return listObjects(this.parts.database, ProviderEntity, zone, { slice, where: statusFilter(status) });
  }

  async patch(call: AdminCall, zone: string, id: string, change: ProviderChange): Promise<ProviderEntity> {
    const { condition, patch } = change;
    if (patch.config) {
      // Names are asked for before the transaction, which holds the row; what is judged here is what is written there.
      const seen = await this.get(zone, id);
      condition.assert(seen.version);
      refuseArchived(seen);
      refuseFaultyPatch(seen, patch, () => this.parts.secrets.open(zone, stored(seen)));
      await this.vet(patch.config);
    }
    return this.parts.changes.run(call, zone, (tx) => this.replace(tx, id, change));
  }

  /** Changes a provider in the transaction of a larger change; the configuration passed {@link vet}. */
  async replace(tx: AdminTx, id: string, { condition, patch }: ProviderChange): Promise<ProviderEntity> {
    const before = await lockForChange(tx, id, condition);
    refuseFaultyPatch(before, patch, () => this.parts.secrets.open(tx.zone, stored(before)));
    if (patch.config) await this.redirect(tx, before, patch);
    const after = {
      ...before,
      ...this.patched(before, patch),
      updatedAt: new Date(tx.now),
      version: before.version + 1,
    };
    await updateRow(tx, ProviderEntity, id, after);
    tx.changed('provider', id);
    tx.note({
      action: 'providers.update',
      target: `provider:${id}`,
      before: providerBody(before),
      after: providerBody(after),
    });
    return after;
  }

  /** Archives the provider for good. Resources that name it are called no more until they name another one. */
  archive(call: AdminCall, zone: string, id: string, condition: Precondition): Promise<void> {
    return this.parts.changes.run(call, zone, async (tx) => {
      const before = await lockForChange(tx, id, condition);
      const at = new Date(tx.now);
      const ended = await this.parts.killSwitch.endConnectionsOf(tx, id, tx.ending('provider archived'));
      // What is archived needs no secret any more, once the upstream has been told of what ended.
      const after: ProviderEntity = {
        ...before,
        status: 'archived',
        secretSealed: ended > 0 ? before.secretSealed : null,
        archivedAt: at,
        updatedAt: at,
        version: before.version + 1,
      };
      await updateRow(tx, ProviderEntity, id, after);
      tx.changed('provider', id);
      tx.note({
        action: 'providers.archive',
        target: `provider:${id}`,
        before: providerBody(before),
        after: providerBody(after),
      });
    });
  }

  /** What was entrusted to one place, or in one client's name, never follows the provider to another (T5, T12). */
  private async redirect(tx: AdminTx, before: ProviderEntity, { config = {}, secret }: ProviderPatch): Promise<void> {
    const elsewhere = sendsElsewhere(before.config, config);
    if (elsewhere && secret === undefined)
      throw new AppError('conflict', 'The provider would send its secret to another place. Give the secret anew.');
    if (elsewhere || before.config['client_id'] !== config['client_id'])
      await this.parts.killSwitch.abandonConnectionsOf(tx, before.id, tx.ending('provider changed'));
  }

  private patched(row: ProviderEntity, { name, config, secret }: ProviderPatch): Partial<ProviderEntity> {
    const version = row.secretVersion + 1;
    return {
      name: name ?? row.name,
      config: config ?? row.config,
      ...(secret && holdsSecret(row.kind)
        ? {
            secretSealed: this.parts.secrets.seal(row.zone, row.id, version, secret),
            secretVersion: version,
          }
        : {}),
    };
  }
}

/** Throws `invalid_request` with everything that is wrong with a new provider; `path` is where it stands in the request. */
export function refuseFaulty(input: NewProvider, path: string): void {
  const faults = new Faults();
  const kind = kindFault(input.kind);
  if (kind !== undefined) faults.add(`${path}kind`, kind);
  else {
    const found = [
      ...configFaults(input.kind as ProviderKind, input.config ?? {}),
      ...secretFaults(input.kind as ProviderKind, input.secret ?? {}),
    ];
    const pair = found.length > 0 ? [] : pairFaults(input.kind, input.config ?? {}, input.secret ?? {});
    faults.addAll([...found, ...pair].map(({ field, message }) => ({ field: `${path}${field}`, message })));
  }
  faults.refuse();
}

function refuseFaultyPatch(row: ProviderEntity, { config, secret }: ProviderPatch, open: () => JsonObject): void {
  const faults = new Faults();
  const kind = row.kind as ProviderKind;
  if (config) faults.addAll(configFaults(kind, config));
  if (secret) faults.addAll(secretFaults(kind, secret));
  faults.refuse();
  if (config || secret) faults.addAll(pairFaults(kind, config ?? row.config, secret ?? open()));
  faults.refuse();
}

function stored(row: ProviderEntity): Parameters<ProviderSecrets['open']>[1] {
  const { id, secretSealed, secretVersion } = row;
  return { id, secretVersion, ...(secretSealed === null ? {} : { sealed: secretSealed }) };
}

async function lockForChange(tx: AdminTx, id: string, condition: Precondition): Promise<ProviderEntity> {
  const row = await lockObject(tx, ProviderEntity, id);
  condition.assert(row.version);
  refuseArchived(row);
  return row;
}
