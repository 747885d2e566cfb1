import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import type { Queues } from '../../platform/queue/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import { ABANDONED_EXPORTS, lastScheduled, ledgerSize } from '../persistence/export-rows.js';
import { ledgerStart } from '../retention/retention-rows.js';
import type { LedgerExports } from './ledger-exports.js';

const LOOK_EVERY_MS = 300_000;
const HOUR_MS = 3_600_000;

export interface ExportScheduleParts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly exports: LedgerExports;
  readonly clock: Clock;
}

/** Exports what is new in the ledgers of zones that ask for it (`export_every_hours`): each goes on where the last one ended. */
export class ExportSchedule {
  constructor(private readonly parts: ExportScheduleParts) {}

  schedule(queues: Queues): void {
    queues.schedule('ledger-exports', LOOK_EVERY_MS, async () => {
      await inTurn([() => this.giveUpAbandoned(), () => this.exportDue()], (due) => due());
    });
  }

  /** Says of exports whose jobs ended among the dead letters that they failed. Safe to repeat. */
  async giveUpAbandoned(): Promise<void> {
    const { database, changes, exports } = this.parts;
    const abandoned = await database.querySystem<{ zone: string; id: string; reason: string }>(
      'ledger-exports',
      ABANDONED_EXPORTS,
    );
    await inTurn(abandoned, ({ zone, id, reason }) => changes.run(zone, (tx) => exports.giveUp(tx, id, reason)));
  }

  /** Safe to repeat. */
  async exportDue(): Promise<void> {
    const zones = await this.parts.database.querySystem<{ zone: string; hours: string }>(
      'ledger-exports',
      `SELECT slug AS zone, settings->>'export_every_hours' AS hours FROM caracal.zones WHERE settings ? 'export_every_hours'`,
    );
    await inTurn(zones, ({ zone, hours }) => this.exportZone(zone, Number(hours) * HOUR_MS));
  }

  private async exportZone(zone: string, everyMs: number): Promise<void> {
    const { changes, exports, clock } = this.parts;
    await changes.run(zone, async (tx) => {
      // Of two ticks at once one makes the export, and the other then sees it.
      await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`caracal.export:${zone}`]);
      const last = await lastScheduled(tx);
      const due = !last || clock.now() - last.createdAt.getTime() >= everyMs;
      const from = Math.max(last?.to ?? 0, (await ledgerStart(tx, zone)).next);
      const to = await ledgerSize(tx);
      if (due && to > from) await exports.create(tx, { from, to, scheduled: true, createdBy: 'schedule' });
    });
  }
}
