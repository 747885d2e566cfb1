import type { Clock } from '../kernel/clock.js';
import type { AuditLedger } from './audit-ledger.js';
import { NEVER_LATE_BEFORE_MS } from './domain/call-ends.js';
import type { EntryDraft } from './domain/entry.js';
import { byZone, type Outcome, type OutcomeJobs } from './jobs/outcome-jobs.js';
import { prepareEntry } from './prepare-entry.js';

const FLUSH_MS = 20;
/** Outcomes that wait for the ledger at one time; decisions need the room more, and the queue has enough. */
const MOST_WAITING = 1_024;

interface Held extends Outcome {
  readonly occurredAt: number;
}

export interface OutcomeSinkParts {
  readonly ledger: Pick<AuditLedger, 'deliver'>;
  readonly jobs: Pick<OutcomeJobs, 'push' | 'close'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly onFault: (error: unknown, lost: number) => void;
}

/**
 * Takes what happened after a decision to the ledger: with the group that is next after 20 ms, and through the queue when that one did not commit, when
 * there is no room, and when the call began long ago. An outcome that was in after all, though nobody could tell, is known by its event id when the queue
 * brings it.
 */
export class OutcomeSink {
  private held: Held[] = [];
  private timer: NodeJS.Timeout | undefined;
  private waiting = 0;
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly parts: OutcomeSinkParts) {}

  /** Takes an outcome; never fails and never waits. */
  push(draft: EntryDraft): void {
    try {
      this.held.push({ zone: draft.zone, prepared: prepareEntry(draft), occurredAt: draft.occurredAt });
    } catch (error) {
      return this.parts.onFault(error, 1);
    }
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Resolves when what was taken is in the ledger, in the queue, or has failed once more. */
  async close(): Promise<void> {
    this.flush();
    await Promise.all(this.underWay);
    await this.parts.jobs.close();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const outcomes = this.held;
    this.held = [];
    for (const [zone, mine] of byZone(outcomes)) {
      const delivery = this.deliver(zone, mine).finally(() => this.underWay.delete(delivery));
      this.underWay.add(delivery);
    }
  }

  private async deliver(zone: string, outcomes: readonly Held[]): Promise<void> {
    if (!(await this.isAppended(zone, outcomes))) this.parts.jobs.push(outcomes);
  }

  /** False is no more than "perhaps not". */
  private async isAppended(zone: string, outcomes: readonly Held[]): Promise<boolean> {
    if (this.waiting + outcomes.length > MOST_WAITING || outcomes.some((outcome) => this.isOld(outcome))) return false;
    this.waiting += outcomes.length;
    try {
      return await this.parts.ledger.deliver(
        zone,
        outcomes.map(({ prepared }) => prepared),
      );
    } catch {
      // The ledger has said why.
      return false;
    } finally {
      this.waiting -= outcomes.length;
    }
  }

  /** Its call may have been closed as unknown meanwhile: who takes it out of the queue asks. */
  private isOld({ occurredAt }: Held): boolean {
    return this.parts.clock.now() - occurredAt >= NEVER_LATE_BEFORE_MS;
  }
}
