import type { OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '../../kernel/clock.js';
import { formatTime } from '../../kernel/times.js';
import type { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import type { LogIdentity } from './log-identity.js';

export interface CheckpointKeyRotationParts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly identity: LogIdentity;
  readonly clock: Clock;
  readonly warn: (message: string, zone?: string) => void;
  /** Some log could not be given its key; the server starts all the same, and signs it with the one that it has. */
  readonly onFault: (error: unknown) => void;
}

interface LogRow {
  readonly zone: string;
  readonly origin: string;
  readonly vkey: string;
  readonly retired: readonly string[];
}

/**
 * Gives every log the key that is first in the ring. The key before it names its successor in a note, which stands in the zone and in the ledger's entry, so
 * that whoever trusts the old key can trust the new one.
 */
export class CheckpointKeyRotation implements OnApplicationBootstrap {
  constructor(private readonly parts: CheckpointKeyRotationParts) {}

  /** What one start did not come to is done by the next; replicas that start at once rotate each log once. */
  async onApplicationBootstrap(): Promise<void> {
    const { identity, warn } = this.parts;
    const logs = await this.logs();
    const putAway = logs.find(({ retired }) => retired.some((vkey) => identity.isCurrent(vkey)));
    if (putAway) {
      identity.goOnWith(putAway.vkey);
      warn('the first checkpoint key was put away before and signs nothing any more; its successor goes on');
    }
    const others = logs.filter(({ origin, vkey }) => vkey !== identity.verifierKey(origin));
    for (const { zone } of others.filter(({ vkey }) => !identity.holds(vkey)))
      warn('the log has a key that is not in the ring of checkpoint keys; it is not signed', zone);
    const due = others.filter(({ vkey }) => identity.holds(vkey));
    await inTurn(due, (log) => this.rotate(log, identity.verifierKey(log.origin))).catch(this.parts.onFault);
  }

  private logs(): Promise<LogRow[]> {
    return this.parts.database.querySystem<LogRow>(
      'log-signing',
      `SELECT slug AS zone, log_origin AS origin, log_vkey AS vkey, jsonb_path_query_array(log_retired_keys, '$[*].vkey') AS retired
       FROM caracal.zones WHERE log_vkey <> '' ORDER BY slug`,
    );
  }

  private async rotate(log: LogRow, vkey: string): Promise<void> {
    const { changes, identity, clock } = this.parts;
    const now = clock.now();
    const handover = identity.handover(log, vkey);
    const retired = { vkey: log.vkey, handover, retired_at: formatTime(now) };
    await changes.run(log.zone, async (tx) => {
      const rotated = await tx.query(
        `UPDATE caracal.zones SET log_vkey = $2, log_retired_keys = log_retired_keys || $3::jsonb, version = version + 1
         WHERE slug = $1 AND log_vkey = $4 RETURNING slug`,
        [log.zone, vkey, JSON.stringify([retired]), log.vkey],
      );
      if (rotated.length === 0) return;
      tx.changed('zone', log.zone);
      const detail = { previous: log.vkey, current: vkey, handover };
      tx.record({ type: 'ledger.checkpoint_key_rotated', occurredAt: now, actor: { kind: 'system' }, detail });
    });
  }
}
