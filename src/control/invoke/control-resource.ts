import { Injectable, Inject, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditedChanges, type ChangeTx } from '../../audit/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { CONTROL_IDENTIFIER, CONTROL_SLUG } from '../domain/resources/control-resource.js';
import { lockZone } from '../persistence/locks.js';
import { changeableZones, declareControl, declaresControl } from '../persistence/control-resource-rows.js';
import { CommandCatalogue } from './command-catalogue.js';
import { ControlGate } from './control-gate.js';

/** The built-in resource of a zone whose scopes are the administrative commands: granted and decided like any other. */
@Injectable()
export class ControlResource implements OnApplicationBootstrap {
  constructor(
    private readonly gate: ControlGate,
    private readonly commands: CommandCatalogue,
    private readonly changes: AuditedChanges,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Brings every zone's control resource to the commands of this version. Nothing is made while control is off. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.gate.enabled) return;
    const scopes = this.commands.scopes();
    for (const zone of await changeableZones(this.database)) {
      if (await declaresControl(this.database, zone, { slug: CONTROL_SLUG, scopes })) continue;
      await this.changes.run(zone, async (tx) => {
        await lockZone(tx, 'alone');
        await this.declare(tx);
      });
    }
  }

  /** Makes the control resource of a new zone in the transaction that makes the zone. */
  async make(tx: ChangeTx): Promise<void> {
    if (this.gate.enabled) await this.declare(tx);
  }

  private async declare(tx: ChangeTx): Promise<void> {
    const at = this.clock.now();
    const id = await declareControl(tx, {
      id: newId('res'),
      slug: CONTROL_SLUG,
      identifier: CONTROL_IDENTIFIER,
      scopes: this.commands.scopes(),
      at: new Date(at),
    });
    tx.changed('resource', id);
    tx.record({
      type: 'admin.resources.control',
      occurredAt: at,
      actor: { kind: 'system' },
      detail: { target: `resource:${id}`, commands: this.commands.scopes().length },
    });
  }
}
