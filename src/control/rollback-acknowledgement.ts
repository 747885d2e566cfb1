import { nextOrigin, type EndedLog, type LogIdentity, type LogReader } from '../audit/index.js';
import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import { formatTime } from '../kernel/times.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import { SYSTEM_ZONE } from './domain/zone.js';
import type { ZoneEntity } from './persistence/entities/zone.entity.js';
import { lockZone } from './persistence/locks.js';
import { readStoppedLog, renameLog, resumeLog, type StoppedLog } from './persistence/stopped-logs.js';

export interface RollbackParts {
  readonly changes: AdminChanges;
  readonly logs: LogIdentity;
  readonly log: LogReader;
}

/** Lets a log that a rollback has stopped go on: under a name of its own, so that nothing it signs contradicts what was signed before. */
export class RollbackAcknowledgement {
  constructor(private readonly parts: RollbackParts) {}

  /**
   * Throws `conflict` when nothing has stopped the zone's log. Any zone has a log: the system's and an archived one, too. The system's
   * acknowledgement also ends the logs of zones that are gone, for which nobody else can be asked.
   */
  async acknowledge(call: AdminCall, slug: string, reason: string): Promise<JsonObject> {
    const gone = slug === SYSTEM_ZONE ? await this.parts.log.vanished() : [];
    return this.parts.changes.create(call, slug, async (tx) => {
      const zone = await lockZone(tx, 'alone');
      const stopped = await readStoppedLog(tx);
      const known = new Set(zone.logHistory.map(({ origin }) => origin));
      const lost = gone.filter(({ origin }) => !known.has(origin));
      if (!stopped && lost.length === 0) throw new AppError('conflict', 'No rollback of this zone’s log was detected.');
      const own = stopped ? this.ownLogs(zone, stopped) : [];
      const ended = [...own, ...lost].map((log) => this.ended(tx, log, reason));
      const current = this.originOf(zone);
      const origin = stopped ? nextOrigin([current, ...own, ...zone.logHistory].map(nameOf)) : current;
      const renamed = { origin, vkey: this.vkey(origin), history: [...zone.logHistory, ...ended] };
      await renameLog(tx, zone, renamed);
      if (stopped) await resumeLog(tx);
      tx.changed('zone', slug);
      const detail = { reason, origin, ended: ended.map(nameOf) };
      tx.note({ action: 'audit.acknowledge_rollback', target: `zone:${slug}`, detail });
      return { log_origin: origin, log_vkey: renamed.vkey, log_history: renamed.history as unknown as JsonObject[] };
    });
  }

  /** The log of the zone's row, and the one that was seen under a name the row does not know. */
  private ownLogs(zone: ZoneEntity, stopped: StoppedLog): SignedLog[] {
    const current = { origin: this.originOf(zone), size: stopped.size, root: stopped.root };
    const { seen } = stopped;
    if (!seen) return [current];
    return seen.origin === current.origin ? [seen] : [current, seen];
  }

  private ended(tx: AdminTx, { origin, size, root }: SignedLog, reason: string): EndedLog {
    return { origin, vkey: this.vkey(origin), size, root, reason, acknowledged_at: formatTime(tx.now) };
  }

  private originOf({ slug, logOrigin }: ZoneEntity): string {
    return logOrigin === '' ? this.parts.logs.origin(slug) : logOrigin;
  }

  private vkey(origin: string): string {
    return this.parts.logs.verifierKey(origin);
  }
}

interface SignedLog {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}

const nameOf = (log: string | { readonly origin: string }): string => (typeof log === 'string' ? log : log.origin);
