import type { Clock } from '../../kernel/clock.js';
import { AppError } from '../../kernel/app-error.js';
import type { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import type { Queues } from '../../platform/queue/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import type { ChangeTx } from '../change-tx.js';
import type { EntryDraft } from '../domain/entry.js';
import type { LedgerExports } from '../exports/ledger-exports.js';
import { type ErasureRange, erasePersonal, forgetPersonal } from '../persistence/personal-rows.js';
import {
  dropPartition,
  endedMonths,
  type Hold,
  type HoldPage,
  insertHold,
  type PartitionPart,
  partitionParts,
  readRetention,
  releaseHold,
  standingHolds,
  thinCheckpoints,
  writeRetention,
} from './retention-rows.js';

const EVERY_MS = 6 * 3_600_000;
/** Indices that fit into an entry with room to spare. */
const INDICES_PER_ENTRY = 2_000;

export interface LedgerRetentionParts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly exports: LedgerExports;
  readonly clock: Clock;
}

/** What came of one month's partition. */
export interface MonthOutcome {
  readonly month: string;
  readonly parts: readonly PartitionPart[];
  /** Nothing kept it, and it is gone. */
  readonly dropped: boolean;
}

/**
 * Drops what nobody has to keep any more, by whole months: past every zone's retention, on no hold, covered by a checkpoint, and held by an export, which
 * is asked for when it is all that is missing. What is dropped leaves a tombstone, from which chain and proofs go on.
 */
export class LedgerRetention {
  constructor(private readonly parts: LedgerRetentionParts) {}

  /** Registers the schedules; before the queues are started. */
  schedule(queues: Queues): void {
    queues.schedule('ledger-retention', EVERY_MS, async () => void (await this.apply()));
    queues.schedule('checkpoint-thinning', EVERY_MS, () => thinCheckpoints(this.parts.database));
  }

  /** For how many days the zone keeps its ledger. */
  days(zone: string): Promise<number> {
    return this.parts.database.readZone(zone, readRetention);
  }

  /** Says for how many days, in the caller's transaction; answers for how many it was before. */
  async keep(tx: ChangeTx, days: number, at: Date): Promise<number> {
    const before = await readRetention(tx);
    await writeRetention(tx, days, at);
    return before;
  }

  /** Holds that stand, oldest first. */
  holds(zone: string, page: HoldPage): Promise<Hold[]> {
    return this.parts.database.readZone(zone, (tx) => standingHolds(tx, page));
  }

  /** Keeps a range whatever retention says, in the caller's transaction. */
  async hold(tx: ChangeTx, range: Omit<Hold, 'id'> & { readonly createdBy: string }): Promise<Hold> {
    const { createdBy, ...held } = range;
    const hold: Hold = { id: newId('hld'), ...held };
    await insertHold(tx, { ...hold, createdBy });
    return hold;
  }

  /** Ends a hold, in the caller's transaction. Throws `not_found` for one that does not stand. */
  async release(tx: ChangeTx, id: string, reason: string, at: Date): Promise<void> {
    if (!(await releaseHold(tx, id, reason, at))) throw new AppError('not_found', 'There is no such hold.');
  }

  /**
   * Erases personal payload that is kept beside the ledger, in the caller's transaction, which also says so in the ledger; answers of how many entries.
   * The ledger itself stays as it is, and verifies. Throws `retention_hold` while any of it is on hold; then nothing is erased.
   */
  async erase(tx: ChangeTx, range: ErasureRange, by: Pick<EntryDraft, 'actor' | 'requestId'>): Promise<number> {
    const at = this.parts.clock.now();
    const { erased, held } = await erasePersonal(tx, range, new Date(at));
    if (held.length > 0)
      throw new AppError('retention_hold', 'What is to be erased is on hold.', { detail: `from index ${held[0]}` });
    for (let first = 0; first < erased.length; first += INDICES_PER_ENTRY) {
      const indices = erased.slice(first, first + INDICES_PER_ENTRY);
      tx.record({ type: 'ledger.personal_erased', occurredAt: at, ...by, detail: { indices } });
    }
    return erased.length;
  }

  /** One round over every month that may be due. Safe to repeat. */
  async apply(): Promise<readonly MonthOutcome[]> {
    const outcomes: MonthOutcome[] = [];
    for (const month of await endedMonths(this.parts.database)) outcomes.push(await this.applyMonth(month));
    await forgetPersonal(this.parts.database);
    return outcomes;
  }

  private async applyMonth(month: string): Promise<MonthOutcome> {
    const { database } = this.parts;
    const parts = await partitionParts(database, month);
    const dropped = parts.every((part) => part.keptBy === undefined);
    if (dropped) await this.drop(month, parts);
    else if (parts.every((part) => part.keptBy === undefined || part.keptBy === 'not_exported'))
      for (const part of parts) if (part.keptBy === 'not_exported') await this.export(part);
    return { month, parts, dropped };
  }

  /** The files that hold it and the entry that says so come first: what cannot be kept and recorded is not dropped. */
  private async drop(month: string, parts: readonly PartitionPart[]): Promise<void> {
    for (const part of parts) await this.parts.exports.keepHere(part.zone, part.export ?? '');
    for (const { zone, from, to } of parts) {
      const detail = { month: month.slice(0, 7), from, to };
      const occurredAt = this.parts.clock.now();
      await this.parts.changes.run(zone, async (tx) => {
        tx.record({ type: 'ledger.dropped', occurredAt, actor: { kind: 'system' }, detail });
      });
    }
    await dropPartition(this.parts.database, month);
  }

  private async export({ zone, from, to }: PartitionPart): Promise<void> {
    await this.parts.changes.run(zone, async (tx) => {
      const running = await tx.query(
        `SELECT 1 FROM caracal.ledger_exports WHERE zone = $1 AND status = 'running' AND from_index <= $2 AND to_index >= $3`,
        [zone, from, to],
      );
      if (running.length === 0)
        await this.parts.exports.create(tx, { from, to, createdBy: 'retention', scheduled: false });
    });
  }
}
