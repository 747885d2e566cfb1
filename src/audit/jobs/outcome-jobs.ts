import type { JsonObject } from '../../kernel/json.js';
import type { Queues } from '../../platform/queue/index.js';
import type { PreparedEntry } from '../persistence/ledger-store.js';

/** The name of the jobs that carry outcomes on the queue `audit`. */
export const OUTCOME_JOB = 'outcomes';

const MAX_PER_JOB = 256;
const FLUSH_MS = 50;
const RETRY_MS = 500;
/** Beyond this the oldest outcomes are given up (counted, reported); their intents stay in the ledger. */
const MAX_HELD = 100_000;

/** What happened after a decision, ready to be appended. */
export interface Outcome {
  readonly zone: string;
  readonly prepared: PreparedEntry;
}

/** Sends outcomes to the ledger as signed jobs: at most 256 to a job, or 50 ms apart. */
export class OutcomeJobs {
  private held: Outcome[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly queues: Pick<Queues, 'enqueue'>,
    private readonly onFault: (error: unknown, lost: number) => void,
  ) {}

  /** Takes outcomes; never fails and never waits. */
  push(outcomes: readonly Outcome[]): void {
    this.held.push(...outcomes);
    this.flushSoon(FLUSH_MS);
  }

  /** Sends what is held; resolves when it is in the queue or has failed once more. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.flushing;
    await this.flush();
  }

  private flushSoon(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flushing = this.flushing.then(() => this.flush());
    }, ms);
  }

  private async flush(): Promise<void> {
    const outcomes = this.held;
    this.held = [];
    for (const [zone, mine] of byZone(outcomes)) {
      for (let at = 0; at < mine.length; at += MAX_PER_JOB) {
        const isSent = await this.send(zone, mine.slice(at, at + MAX_PER_JOB));
        // A queue that is not there at the end is not asked for each of many thousands.
        if (!isSent && this.closed) return;
      }
    }
  }

  private async send(zone: string, outcomes: readonly Outcome[]): Promise<boolean> {
    try {
      await this.queues.enqueue('audit', OUTCOME_JOB, zone, { outcomes: outcomes.map(toJson) });
      return true;
    } catch (error) {
      this.keep(outcomes, error);
      return false;
    }
  }

  /** A queue that is down is tried again; memory stays bounded. */
  private keep(outcomes: readonly Outcome[], error: unknown): void {
    const kept = [...outcomes, ...this.held].slice(-MAX_HELD);
    this.onFault(error, outcomes.length + this.held.length - kept.length);
    this.held = kept;
    if (!this.closed) this.flushSoon(RETRY_MS);
  }
}

/** The outcomes of each zone, in their order. */
export function byZone<T extends Outcome>(outcomes: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const outcome of outcomes) {
    const group = groups.get(outcome.zone);
    if (group) group.push(outcome);
    else groups.set(outcome.zone, [outcome]);
  }
  return groups;
}

/** The entry travels as the exact bytes that will be stored, so nobody writes them a second time. */
function toJson({ prepared }: Outcome): JsonObject {
  const { eventId, entry, requestId, facets } = prepared;
  return { event_id: eventId, entry, facets, ...(requestId === undefined ? {} : { request_id: requestId }) };
}
