import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { JsonObject } from '../kernel/json.js';
import { adminEntry, AuditedChanges, type ChangeTx } from '../audit/index.js';
import { Database } from '../platform/database/index.js';
import { KeyLifecycle, type Rotation } from './key-lifecycle.js';
import type { SigningKeyEntity } from './persistence/signing-key.entity.js';
import { readKeys } from './persistence/signing-keys.js';
import type { AdminRequest } from './principals.js';

/** Rotating and revoking a zone's signing keys by hand. */
@Injectable()
export class KeyAdministration {
  constructor(
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    private readonly lifecycle: KeyLifecycle,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** All keys the zone ever had, oldest first. */
  list(zone: string): Promise<SigningKeyEntity[]> {
    return this.database.readZone(zone, readKeys);
  }

  rotate(request: AdminRequest, zone: string, mode: 'when_published' | 'now'): Promise<Rotation> {
    return this.changes.run(zone, async (tx) => {
      const rotation = await this.lifecycle.rotate(tx, mode);
      this.record(tx, request, {
        action: 'keys.rotate',
        target: `zone:${zone}`,
        detail: { activate: mode, promoted: rotation.promoted },
      });
      return rotation;
    });
  }

  async revoke(request: AdminRequest, zone: string, key: { kid: string; reason: string }): Promise<void> {
    await this.changes.run(zone, async (tx) => {
      if (!(await this.lifecycle.revoke(tx, key.kid))) return;
      this.record(tx, request, { action: 'keys.revoke', target: `key:${key.kid}`, detail: { reason: key.reason } });
    });
  }

  private record(
    tx: ChangeTx,
    { admin, facts }: AdminRequest,
    act: { action: string; target: string; detail: JsonObject },
  ): void {
    tx.record(adminEntry(admin, facts, { ...act, occurredAt: this.clock.now() }));
  }
}
