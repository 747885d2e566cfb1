import { nextOrigin, type EndedLog, type LogIdentity } from '../audit/index.js';
import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import { formatTime } from '../kernel/times.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import type { ZoneEntity } from './persistence/entities/zone.entity.js';
import { lockZone } from './persistence/locks.js';
import { readStoppedLog, renameLog, type StoppedLog } from './persistence/stopped-logs.js';

/** Lets a log that a rollback has stopped go on: under a name of its own, so that nothing it signs contradicts what was signed before. */
export class RollbackAcknowledgement {
  constructor(
    private readonly changes: AdminChanges,
    private readonly logs: LogIdentity,
  ) {}

  /** Throws `conflict` when nothing has stopped the zone's log. Any zone has a log: the system's and an archived one, too. */
  acknowledge(call: AdminCall, slug: string, reason: string): Promise<JsonObject> {
    return this.changes.create(call, slug, async (tx) => {
      const zone = await lockZone(tx, 'alone');
      const stopped = await readStoppedLog(tx);
      if (!stopped) throw new AppError('conflict', 'No rollback of this zone’s log was detected.');
      const ended = this.endedLogs(tx, zone, stopped, reason);
      const origin = nextOrigin([...ended, ...zone.logHistory].map((log) => log.origin));
      const renamed = { origin, vkey: this.logs.verifierKey(origin), history: [...zone.logHistory, ...ended] };
      await renameLog(tx, zone, renamed);
      tx.changed('zone', slug);
      const detail = { reason, origin, ended: ended.map((log) => log.origin) };
      tx.note({ action: 'audit.acknowledge_rollback', target: `zone:${slug}`, detail });
      return { log_origin: origin, log_vkey: renamed.vkey, log_history: renamed.history as unknown as JsonObject[] };
    });
  }

  /** The log of the zone's row, and the one that was seen under a name the row does not know. */
  private endedLogs(tx: AdminTx, zone: ZoneEntity, stopped: StoppedLog, reason: string): EndedLog[] {
    const current = zone.logOrigin === '' ? this.logs.origin(zone.slug) : zone.logOrigin;
    const seen = stopped.seen ?? { origin: current, size: stopped.size, root: stopped.root };
    const ends = seen.origin === current ? [seen] : [{ origin: current, size: stopped.size, root: stopped.root }, seen];
    return ends.map(({ origin, size, root }) => ({
      origin,
      vkey: this.logs.verifierKey(origin),
      size,
      root,
      reason,
      acknowledged_at: formatTime(tx.now),
    }));
  }
}
