import { setTimeout as pause } from 'node:timers/promises';
import type { OnModuleInit } from '@nestjs/common';
import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import type { Queues } from '../../platform/queue/index.js';
import { unknownOutcome } from '../domain/call-ends.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { appendChained, lockHeads } from '../persistence/ledger-store.js';
import { closeCalls, followCalls, overdueCalls, zonesWithOpenCalls } from '../persistence/open-calls.js';
import { prepareEntry } from '../prepare-entry.js';

const EVERY_MS = 60_000;
const PAGE = 2_000;
/** After a page, so many times as long as it took: what was let through is looked at beside what asks now, not before it. */
const REST = 3;
/** Of one zone in one round; what is left is for the next. */
const MOST_PAGES = 1_000;
const MOST_CLOSED = 256;
const MOST_ROUNDS = 100;

export interface UnknownOutcomesParts {
  readonly database: Database;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
  readonly queues: Pick<Queues, 'schedule'>;
  readonly onClosed: (zone: string, calls: number) => void;
}

/** Gives every call that was let through its outcome, also when the process that made it has died: when its time is over, that is `unknown`. */
export class UnknownOutcomes implements OnModuleInit {
  constructor(private readonly parts: UnknownOutcomesParts) {}

  onModuleInit(): void {
    this.parts.queues.schedule('unknown-outcomes', EVERY_MS, () => this.run());
  }

  /** One round over all zones. Safe to repeat, and to run on several replicas at once. */
  async run(): Promise<void> {
    const { database, clock } = this.parts;
    await inTurn(await zonesWithOpenCalls(database, clock.now()), async (zone) => {
      await this.follow(zone);
      await this.close(zone);
    });
  }

  private async follow(zone: string): Promise<void> {
    const { database, clock } = this.parts;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const began = clock.monotonic();
      if ((await followCalls(database, zone, PAGE)) < PAGE) return;
      await pause(REST * (clock.monotonic() - began));
    }
  }

  /** Only when something is overdue is the ledger's head held, and then as long as one group takes. */
  private async close(zone: string): Promise<void> {
    for (let rounds = 0; rounds < MOST_ROUNDS; rounds += 1) {
      if ((await overdueCalls(this.parts.database, zone, this.parts.clock.now())) === 0) return;
      const closed = await this.closeGroup(zone);
      if (closed === 0) return;
      this.parts.onClosed(zone, closed);
    }
  }

  private closeGroup(zone: string): Promise<number> {
    const { database, keys, clock } = this.parts;
    return database.asAudit(async (tx) => {
      const head = (await lockHeads(tx, [zone])).get(zone);
      const now = clock.now();
      const calls = head ? await closeCalls(tx, zone, now, MOST_CLOSED) : [];
      if (!head || calls.length === 0) return 0;
      const entries = calls.map((call) => prepareEntry(unknownOutcome(zone, call, now)));
      await appendChained(tx, { zone, head, now }, entries, keys);
      return calls.length;
    });
  }
}
