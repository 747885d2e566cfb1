import { Counter, type Registry } from 'prom-client';
import type { Database } from '../database/index.js';
import { INBOX_RETENTION_MS, type Queues } from '../queue/index.js';

const HOUR_MS = 3_600_000;
const EVERY_MS = 10 * 60_000;
const BATCH = 5_000;
/** Sessions and delegations; no token of theirs lives a hundredth as long. */
const RUNTIME_AFTER_MS = 30 * 24 * HOUR_MS;

/** What may be forgotten, table by table, and after how long. Each row says on which condition it is no longer needed. */
const RULES: readonly { readonly table: string; readonly due: string; readonly afterMs: number }[] = [
  { table: 'change_log', due: 'at < $1', afterMs: HOUR_MS },
  { table: 'inbox', due: 'at < $1', afterMs: INBOX_RETENTION_MS },
  { table: 'outbox', due: 'done_at < $1', afterMs: 24 * HOUR_MS },
  { table: 'claims', due: 'expires_at < $1', afterMs: 0 },
  { table: 'budgets', due: 'expires_at < $1', afterMs: 0 },
  { table: 'idempotency_keys', due: 'expires_at < $1', afterMs: 0 },
  { table: 'mcp_sessions', due: 'expires_at < $1', afterMs: 0 },
  { table: 'replicas', due: 'seen_at < $1', afterMs: HOUR_MS },
  { table: 'revocations', due: 'expires_at < $1', afterMs: 0 },
  { table: 'invocations', due: 'ended_at < $1', afterMs: 30 * 24 * HOUR_MS },
  {
    table: 'upstream_tokens',
    due: 'coalesce(expires_at, CASE WHEN access_sealed IS NULL THEN touched_at END) < $1',
    afterMs: 24 * HOUR_MS,
  },
  { table: 'approvals', due: 'expires_at < $1', afterMs: 90 * 24 * HOUR_MS },
];

type Forgotten = Readonly<Record<'sessions' | 'delegations', number>>;

/** Deletes what is no longer needed, as `caracal_janitor`, each table in transactions of its own. */
export class Retention {
  private readonly removed: Counter<'table'>;

  constructor(
    private readonly database: Database,
    registry: Registry,
  ) {
    this.removed = new Counter({
      name: 'caracal_retention_rows_total',
      help: 'Rows removed by retention',
      labelNames: ['table'],
      registers: [registry],
    });
  }

  /** Registers the schedule; before the queues are started. */
  schedule(queues: Queues): void {
    queues.schedule('retention', EVERY_MS, async () => void (await this.run()));
  }

  /**
   * One round over every table; answers how many rows went. Safe to run at any time and twice at once. By the database's clock, which every replica
   * shares: one whose own is ahead must not forget what others still need. A table that fails keeps none of the others from its turn.
   */
  async run(): Promise<Readonly<Record<string, number>>> {
    const [row] = await this.database.querySystem<{ now: Date }>('retention', 'SELECT now() AS now');
    if (!row) throw new Error('the database does not tell the time');
    const now = row.now.getTime();
    const counts: Record<string, number> = {};
    const faults: unknown[] = [];
    const turn = (of: () => Promise<Readonly<Record<string, number>>>): Promise<void> =>
      of().then(
        (gone) => this.count(gone, counts),
        (error: unknown) => void faults.push(error),
      );
    for (const { table, due, afterMs } of RULES)
      await turn(async () => ({ [table]: await this.clean(table, due, new Date(now - afterMs)) }));
    await turn(() => this.forgetRuntime(new Date(now - RUNTIME_AFTER_MS)));
    if (faults.length > 0) throw new AggregateError(faults, 'not every table could be cleaned');
    return counts;
  }

  private count(gone: Readonly<Record<string, number>>, counts: Record<string, number>): void {
    Object.assign(counts, gone);
    for (const [table, count] of Object.entries(gone)) this.removed.inc({ table }, count);
  }

  private async forgetRuntime(before: Date): Promise<Forgotten> {
    const zones = await this.database.querySystem<{ slug: string }>('retention', 'SELECT slug FROM caracal.zones');
    const total = { sessions: 0, delegations: 0 };
    for (const { slug } of zones) {
      const { sessions, delegations } = await this.forgetIn(slug, before);
      total.sessions += sessions;
      total.delegations += delegations;
    }
    return total;
  }

  /** Trees go leaf by leaf, so a round that found something is followed by another. */
  private async forgetIn(zone: string, before: Date): Promise<Forgotten> {
    const sql = 'SELECT * FROM caracal.runtime_forget($1, $2, $3)';
    for (const total = { sessions: 0, delegations: 0 }; ;) {
      const [gone] = await this.database.asJanitor((tx) => tx.query<Forgotten>(sql, [zone, before, BATCH]));
      if (!gone || gone.sessions + gone.delegations === 0) return total;
      total.sessions += gone.sessions;
      total.delegations += gone.delegations;
    }
  }

  private async clean(table: string, due: string, before: Date): Promise<number> {
    for (let total = 0; ;) {
      const sql = `WITH gone AS (DELETE FROM caracal.${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM caracal.${table} WHERE ${due} LIMIT ${BATCH})) RETURNING 1)
        SELECT count(*)::int AS count FROM gone`;
      const [row] = await this.database.asJanitor((tx) => tx.query<{ count: number }>(sql, [before]));
      total += row?.count ?? 0;
      if ((row?.count ?? 0) < BATCH) return total;
    }
  }
}
