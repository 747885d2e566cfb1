import type { Database } from '../../platform/database/index.js';
import type { Queues } from '../../platform/queue/index.js';

const AHEAD_MONTHS = 2;
const EVERY_MS = 6 * 3_600_000;

/** Keeps the ledger's partitions of this month and the next two in place, so that no append ever has to wait for one. */
export class LedgerPartitions {
  constructor(private readonly database: Database) {}

  schedule(queues: Queues): void {
    queues.schedule('ledger-partitions', EVERY_MS, () => this.makeAhead());
  }

  /** Safe to repeat; also run at start, in case the process slept through the turn of months. */
  async makeAhead(): Promise<void> {
    await this.database.asJanitor((tx) =>
      tx.query(
        `SELECT caracal.ledger_make_partition((date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => m))::date)
         FROM generate_series(0, $1::int) AS m`,
        [AHEAD_MONTHS],
      ),
    );
  }
}
