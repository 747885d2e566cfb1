import { Inject, Injectable } from '@nestjs/common';
import { adminEntry, AuditedChanges, LedgerReader } from '../audit/index.js';
import { AppError } from '../kernel/app-error.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { Database } from '../platform/database/index.js';
import { newId } from '../platform/ids/index.js';
import { Rehearsal, type RehearsalReport } from './domain/questions/rehearsal.js';
import type { AuthoringCall } from './policy-authoring.js';
import { invalidMember } from './policy-faults.js';
import { ChosenSets, type SetChoice } from './questions/chosen-sets.js';
import { countRunning, findRehearsal, insertRehearsal, updateRehearsal } from './persistence/rehearsal-rows.js';
import { RehearsalEntity } from './persistence/rehearsal.entity.js';

/** Entries that are read at a time, and decided again before others have their turn. */
const BATCH = 500;
/** A longer window is rehearsed as a job. */
export const LONGEST_ANSWER = 10_000;
const MOST_RUNNING = 3;

export const REHEARSE = 'rehearse';

export interface RehearsalWindow {
  readonly from: number;
  /** Not part of it. */
  readonly to: number;
}

export interface RehearsalOrder extends SetChoice {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Decides a window of the ledger again under other policies. The ledger and what is in force stay as they are. */
@Injectable()
export class Rehearsals {
  constructor(
    private readonly sets: ChosenSets,
    private readonly ledger: LedgerReader,
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The report, or the job that makes it when the window is too long to wait for. */
  async rehearse(call: AuthoringCall, zone: string, order: RehearsalOrder): Promise<RehearsalReport | RehearsalEntity> {
    if (order.cedar === undefined && order.version === undefined)
      throw invalidMember('cedar', 'must be the text to rehearse, unless version names a policy set');
    const window = await this.window(zone, order);
    if (window.to - window.from > LONGEST_ANSWER) return this.enqueue(call, zone, { ...order, ...window });
    return this.run(zone, order, window, async () => undefined);
  }

  /** Throws `not_found`. */
  async find(zone: string, id: string): Promise<RehearsalEntity> {
    const row = await findRehearsal(this.database, zone, id);
    if (!row) throw new AppError('not_found', 'There is no such rehearsal.');
    return row;
  }

  /** Runs a job from the beginning, however far it was; one that has ended is left alone. */
  async work(zone: string, id: string): Promise<void> {
    const row = await findRehearsal(this.database, zone, id);
    if (row?.status !== 'running') return;
    const choice = { cedar: row.cedar ?? undefined, version: row.version ?? undefined };
    const window = { from: row.firstIndex, to: row.endIndex };
    try {
      const report = await this.run(zone, choice, window, (atIndex) =>
        updateRehearsal(this.database, row, { atIndex }),
      );
      await this.finish(row, { status: 'done', atIndex: row.endIndex, report });
    } catch (error) {
      // What the draft was valid against may have changed; nothing is gained by trying again.
      if (!(error instanceof AppError) || error.code !== 'invalid_request') throw error;
      await this.finish(row, { status: 'failed' });
    }
  }

  private finish(row: RehearsalEntity, values: Partial<RehearsalEntity>): Promise<void> {
    return updateRehearsal(this.database, row, { ...values, finishedAt: new Date(this.clock.now()) });
  }

  private async window(zone: string, { from = 0, to }: RehearsalOrder): Promise<RehearsalWindow> {
    const size = await this.ledger.size(zone);
    const end = Math.min(to ?? size, size);
    if (to !== undefined && from > to) throw invalidMember('from', 'must not be greater than to');
    return { from: Math.min(from, end), to: end };
  }

  private run(
    zone: string,
    choice: SetChoice,
    { from, to }: RehearsalWindow,
    progress: (at: number) => Promise<void>,
  ): Promise<RehearsalReport> {
    return this.sets.open(zone, choice, async (draft) => {
      const rehearsal = new Rehearsal(draft);
      for (let at = from; at < to;) {
        const events = await this.ledger.events(zone, { from: at, to }, { limit: BATCH });
        for (const { index, entry } of events) rehearsal.examine(index, entry);
        const last = events.at(-1);
        if (!last) break;
        at = last.index + 1;
        await progress(at);
      }
      return rehearsal.report();
    });
  }

  private async enqueue(
    { actor, origin }: AuthoringCall,
    zone: string,
    { cedar, version, from, to }: SetChoice & RehearsalWindow,
  ): Promise<RehearsalEntity> {
    // A draft that is not valid is refused now, not by the job.
    await this.sets.sources(zone, { cedar, version });
    const now = this.clock.now();
    const row: RehearsalEntity = {
      zone,
      id: newId('job'),
      status: 'running',
      cedar: cedar ?? null,
      version: version ?? null,
      firstIndex: from,
      endIndex: to,
      atIndex: from,
      report: null,
      createdAt: new Date(now),
      createdBy: actor.id,
      finishedAt: null,
    };
    await this.changes.run(zone, async (tx) => {
      if ((await countRunning(tx)) >= MOST_RUNNING)
        throw new AppError('limit_exceeded', 'Too many rehearsals run in this zone.', {
          members: { limit: 'rehearsals' },
          retryAfter: 10,
        });
      await insertRehearsal(tx, row);
      tx.enqueue({ queue: 'exports', name: REHEARSE, aggregate: `rehearsal:${row.id}`, body: { id: row.id } });
      const detail = { from, to };
      tx.record(
        adminEntry(actor, origin, {
          action: 'policy.rehearse',
          target: `rehearsal:${row.id}`,
          occurredAt: now,
          detail,
        }),
      );
    });
    return row;
  }
}
