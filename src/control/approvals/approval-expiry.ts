import type { OnModuleInit } from '@nestjs/common';
import type { AuditedChanges } from '../../audit/index.js';
import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import type { Queues } from '../../platform/queue/index.js';
import { expiredEntry } from '../domain/approvals/entries.js';
import { dropSealed, expireDue, zonesWithDueHolds } from '../persistence/approvals/approval-rows.js';

const EVERY_MS = 5_000;
const BATCH = 200;

interface Parts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly queues: Queues;
  readonly clock: Clock;
}

/** Writes down what time has ended already: holds nobody decided, approvals nobody used, answers that cannot be had again. Safe to repeat. */
export class ApprovalExpiry implements OnModuleInit {
  constructor(private readonly parts: Parts) {}

  onModuleInit(): void {
    this.parts.queues.schedule('approval-expiry', EVERY_MS, () => this.run());
  }

  async run(): Promise<void> {
    const { database, clock } = this.parts;
    const zones = await database.withSystem('expiry', (tx) => zonesWithDueHolds(tx, clock.now()));
    await inTurn(zones, async (zone) => {
      while ((await this.settle(zone)) === BATCH);
    });
  }

  private settle(zone: string): Promise<number> {
    const now = this.parts.clock.now();
    return this.parts.changes.run(zone, async (tx) => {
      const due = await expireDue(tx, now, BATCH);
      for (const approval of due) {
        tx.changed('approval', approval.id);
        tx.record(expiredEntry(approval, { actor: { kind: 'system' }, at: now }));
      }
      await dropSealed(tx, now);
      return due.length;
    });
  }
}
