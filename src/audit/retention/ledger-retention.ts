import type { Clock } from '../../kernel/clock.js';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import type { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import type { Queues } from '../../platform/queue/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import type { ChangeTx } from '../change-tx.js';
import type { EntryDraft } from '../domain/entry.js';
import type { LedgerExports } from '../exports/ledger-exports.js';
import { type ErasureRange, erasePersonal, forgetPersonal } from '../persistence/personal-rows.js';
import { type AnnouncedDrop, announcedDrops, announceDrop, endDrop } from './announced-drops.js';
import {
  dropPartition,
  endedMonths,
  type Hold,
  type HoldPage,
  insertHold,
  isBusy,
  ledgerStart,
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
  /** A month that nothing keeps could not be dropped. */
  readonly onFault: (month: string, error: unknown) => void;
}

/** What came of one month's partition. */
export interface MonthOutcome {
  readonly month: string;
  readonly parts: readonly PartitionPart[];
  /** Nothing kept it, and it is gone. */
  readonly dropped: boolean;
  /** Nothing keeps it, but somebody is reading it, or something is wrong with it, which was told; it is tried again. */
  readonly left?: 'busy' | 'failed';
}

/** What is to be kept; without `from`, everything that is still there. */
export type WantedHold = Partial<Pick<Hold, 'from'>> &
  Pick<Hold, 'to' | 'reason' | 'createdAt'> & { readonly createdBy: string };

/**
 * Drops what nobody has to keep any more, by whole months: past every zone's retention, on no hold, covered by a checkpoint, and held by an export, which
 * is asked for when it is all that is missing. What is dropped leaves a tombstone, from which chain and proofs go on.
 */
export class LedgerRetention {
  constructor(private readonly parts: LedgerRetentionParts) {}

  /** Registers the schedules; before the queues are started. */
  schedule(queues: Queues): void {
    queues.schedule('ledger-retention', EVERY_MS, async () => {
      const failed = (await this.apply()).filter(({ left }) => left === 'failed');
      if (failed.length > 0) throw new Error(`${failed.map(({ month }) => month).join(', ')} could not be dropped`);
    });
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

  /**
   * Keeps a range whatever retention says, in the caller's transaction. Throws `gone` when some of it was dropped: nobody is told that something is on
   * hold that is no longer there.
   */
  async hold(tx: ChangeTx, { createdBy, from, to, ...held }: WantedHold): Promise<Hold> {
    const hold: Hold = { id: newId('hld'), from: from ?? 0, ...(to === undefined ? {} : { to }), ...held };
    await insertHold(tx, { ...hold, createdBy });
    // A drop that was going on has ended here: the row above waited for it.
    const { next } = await ledgerStart(tx, tx.zone);
    if (next > (from ?? (to === undefined ? next : to - 1)))
      throw new AppError('gone', `Entries before ${next} were dropped by retention; an export holds them.`);
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

  /** One round over every month that may be due. Safe to repeat, after the end of the process at any moment, and by several at once. */
  async apply(): Promise<readonly MonthOutcome[]> {
    const months = await endedMonths(this.parts.database);
    const outcomes: MonthOutcome[] = [];
    try {
      await inTurn(months, async (month) => void outcomes.push(await this.applyMonth(month)));
    } finally {
      await this.tellEnds(months, outcomes);
    }
    await forgetPersonal(this.parts.database);
    return outcomes;
  }

  private async applyMonth(month: string): Promise<MonthOutcome> {
    const parts = await partitionParts(this.parts.database, month);
    if (parts.every((part) => part.keptBy === undefined)) return this.tryToDrop(month, parts);
    if (parts.every((part) => part.keptBy === undefined || part.keptBy === 'not_exported'))
      for (const part of parts) if (part.keptBy === 'not_exported') await this.export(part);
    return { month, parts, dropped: false };
  }

  private async tryToDrop(month: string, parts: readonly PartitionPart[]): Promise<MonthOutcome> {
    try {
      return await this.drop(month, parts);
    } catch (error) {
      if (isBusy(error)) return { month, parts, dropped: false, left: 'busy' };
      // Has something come in this moment that keeps it?
      const now = await partitionParts(this.parts.database, month);
      if (now.some((part) => part.keptBy !== undefined)) return { month, parts: now, dropped: false };
      this.parts.onFault(month, error);
      return { month, parts, dropped: false, left: 'failed' };
    }
  }

  /** The files that hold it and the entry that announces it come first: what cannot be kept and recorded is not dropped. */
  private async drop(month: string, parts: readonly PartitionPart[]): Promise<MonthOutcome> {
    for (const part of parts) await this.parts.exports.keepHere(part.zone, part.export ?? '');
    for (const part of parts) await this.announce({ month, ...part });
    await dropPartition(this.parts.database, month);
    return { month, parts, dropped: true };
  }

  private announce(drop: AnnouncedDrop): Promise<void> {
    const at = this.parts.clock.now();
    return this.parts.changes.run(drop.zone, async (tx) => {
      if (await announceDrop(tx, drop, new Date(at))) tx.record(dropEntry('ledger.drop_announced', drop, at));
    });
  }

  /** Of what was announced, by whichever process: that it is gone, or what has kept it after all. What is still to be tried stays announced. */
  private async tellEnds(months: readonly string[], outcomes: readonly MonthOutcome[]): Promise<void> {
    const kept = new Map(
      outcomes.filter(({ dropped, left }) => !dropped && !left).map(({ month, parts }) => [month, parts]),
    );
    const open = new Set(months.filter((month) => !outcomes.some((outcome) => outcome.month === month)));
    for (const { month, left } of outcomes) if (left) open.add(month);
    const announced = await announcedDrops(this.parts.database);
    await inTurn(
      announced.filter(({ month }) => !open.has(month)),
      (drop) => this.tellEnd(drop, kept.get(drop.month)?.find(({ zone }) => zone === drop.zone)?.keptBy),
    );
  }

  private tellEnd(drop: AnnouncedDrop, keptBy: PartitionPart['keptBy']): Promise<void> {
    const at = this.parts.clock.now();
    return this.parts.changes.run(drop.zone, async (tx) => {
      const end = await endDrop(tx, drop, new Date(at));
      if (end?.state === 'dropped') tx.record(dropEntry('ledger.dropped', drop, at, { export: end.export }));
      if (end?.state === 'withheld')
        tx.record(dropEntry('ledger.drop_withheld', drop, at, { kept_by: keptBy ?? 'other_zones' }));
    });
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

function dropEntry(type: string, { month, from, to }: AnnouncedDrop, occurredAt: number, more: JsonObject = {}) {
  const detail = { month: month.slice(0, 7), from, to, ...more };
  return { type, occurredAt, actor: { kind: 'system' as const }, detail };
}
