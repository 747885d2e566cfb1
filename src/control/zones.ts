import type { KeyRing } from '../auth/index.js';
import type { LogIdentity } from '../audit/index.js';
import type { JsonObject } from '../kernel/json.js';
import type { Database } from '../platform/database/index.js';
import type { Precondition } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import type { PublicUrls } from '../platform/urls/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import type { Catalogue } from './catalogue/catalogue.js';
import { SYSTEM_ZONE, zoneBody } from './domain/zone.js';
import type { StoredZoneSettings } from './domain/zone-settings.js';
import type { ControlResource } from './invoke/control-resource.js';
import type { KillSwitch } from './kill-switch.js';
import { getZone, listZones, type Slice } from './persistence/lists.js';
import { createZoneRows } from './persistence/zone-rows.js';
import { ZoneEntity } from './persistence/entities/zone.entity.js';

export interface NewZone {
  readonly slug: string;
  readonly name: string;
  readonly settings: StoredZoneSettings;
}

/** Changed members; a setting that is null goes back to its default. */
export interface ZonePatch {
  readonly name?: string;
  readonly settings: { readonly [Name in keyof StoredZoneSettings]?: StoredZoneSettings[Name] | null };
}

export interface ZonesParts {
  readonly database: Database;
  readonly changes: AdminChanges;
  readonly catalogue: Catalogue;
  readonly killSwitch: KillSwitch;
  readonly keys: KeyRing;
  readonly logs: LogIdentity;
  readonly urls: PublicUrls;
  readonly control: ControlResource;
}

/** Zones: tenants, each an issuer with keys, a feed and a ledger of its own. */
export class Zones {
  constructor(private readonly parts: ZonesParts) {}

  /** The same, its changes made by `changes`: as parts of a larger transaction. */
  within(changes: AdminChanges): Zones {
    return new Zones({ ...this.parts, changes });
  }

  /** Makes the zone and everything it cannot be without in one transaction; its ledger begins with this. */
  async create(call: AdminCall, { slug, name, settings }: NewZone): Promise<ZoneEntity> {
    const { logs } = this.parts;
    const origin = logs.origin(slug);
    const zone = await this.parts.changes.create(call, slug, async (tx) => {
      const row = await createZoneRows(tx, {
        id: newId('zon'),
        name,
        settings,
        logOrigin: origin,
        logVkey: logs.verifierKey(origin),
        at: new Date(tx.now),
      });
      await this.parts.keys.ensureZone(tx, slug, settings.signing_alg);
      tx.changed('zone', slug);
      tx.note({ action: 'zones.create', target: `zone:${slug}`, after: this.body(row) });
      await this.parts.control.make(tx);
      return row;
    });
    this.isThere(slug);
    return zone;
  }

  /** The zone has been made and committed: whoever asked for it in vain may ask again. */
  isThere(slug: string): void {
    this.parts.catalogue.forgetAbsence(slug);
  }

  get(slug: string): Promise<ZoneEntity> {
    return getZone(this.parts.database, slug);
  }

  list(slice: Slice, status: string | undefined, only: ReadonlySet<string> | undefined): Promise<ZoneEntity[]> {
    return listZones(this.parts.database, {
      slice,
      status,
      only: only && [...only].filter((slug) => slug !== SYSTEM_ZONE),
    });
  }

  patch(call: AdminCall, slug: string, condition: Precondition, patch: ZonePatch): Promise<ZoneEntity> {
    return this.change(call, slug, async (tx, row) => {
      condition.assert(row.version);
      const { slug: key, ...values } = {
        ...row,
        name: patch.name ?? row.name,
        settings: merged(row.settings, patch.settings),
        ...touched(tx, row),
      };
      await tx.em.update(ZoneEntity, { slug: key }, values);
      tx.changed('zone', slug);
      return 'zones.update';
    });
  }

  /** Archives the zone for good; whatever runs under it stops with this transaction. */
  archive(call: AdminCall, slug: string, condition: Precondition): Promise<ZoneEntity> {
    return this.change(call, slug, async (tx, row) => {
      condition.assert(row.version);
      await this.parts.killSwitch.archiveZone(tx, row, tx.ending('zone archived'));
      return 'zones.archive';
    });
  }

  /** Kills the zone: nothing under it is issued, dispatched or alive any more. Idempotent. */
  kill(call: AdminCall, slug: string, reason: string): Promise<ZoneEntity> {
    return this.change(
      call,
      slug,
      async (tx) => ((await this.parts.killSwitch.killZone(tx, tx.ending(reason))) ? 'zones.kill' : undefined),
      { reason },
    );
  }

  /** Allows new sessions and tokens again; nothing that was killed is revived. Idempotent. */
  restore(call: AdminCall, slug: string): Promise<ZoneEntity> {
    return this.change(call, slug, async (tx, row) => {
      if (row.status !== 'killed') return undefined;
      await tx.em.update(ZoneEntity, { slug }, { status: 'active', ...touched(tx, row) });
      tx.changed('zone', slug);
      return 'zones.restore';
    });
  }

  /** The zone as administrators see it. The system's log has no stored origin: it is older than the server's address. */
  body(row: ZoneEntity): JsonObject {
    const { logs, urls } = this.parts;
    const logOrigin = row.logOrigin === '' ? logs.origin(row.slug) : row.logOrigin;
    const logVkey = row.logVkey === '' ? logs.verifierKey(logOrigin) : row.logVkey;
    return zoneBody({ ...row, logOrigin, logVkey }, urls.issuer(row.slug));
  }

  /** Runs a change of the zone's row; `act` answers the action to be recorded, or undefined when there was nothing to do. */
  private change(
    call: AdminCall,
    slug: string,
    act: (tx: AdminTx, row: ZoneEntity) => Promise<string | undefined>,
    detail: JsonObject = {},
  ): Promise<ZoneEntity> {
    const work = async (tx: AdminTx, row: ZoneEntity): Promise<ZoneEntity> => {
      const action = await act(tx, row);
      if (action === undefined) return row;
      const after = await tx.em.findOneByOrFail(ZoneEntity, { slug });
      tx.note({ action, target: `zone:${slug}`, before: this.body(row), after: this.body(after), detail });
      return after;
    };
    return this.parts.changes.run(call, slug, work, { graph: true, zoneItself: true });
  }
}

function touched(tx: AdminTx, row: ZoneEntity): Pick<ZoneEntity, 'updatedAt' | 'version'> {
  return { updatedAt: new Date(tx.now), version: row.version + 1 };
}

/** Each setting is replaced whole, `limits` included. */
function merged(stored: StoredZoneSettings, patch: ZonePatch['settings']): StoredZoneSettings {
  const entries = Object.entries({ ...stored, ...patch });
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined));
}
