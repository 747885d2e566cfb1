import type { Clock } from '../../kernel/clock.js';
import type { ChangeFeed } from '../changes/index.js';
import { isMigrated, type Database } from '../database/index.js';
import { within } from '../lifecycle/index.js';
import type { Queues } from '../queue/index.js';
import type { Readiness } from './readiness.js';

const MAX_SKEW_MS = 30_000;
/** Sooner than readiness gives up: a database that says nothing is not one whose clock or schema is wrong. */
const SILENCE_MS = 1_500;

export interface CheckedParts {
  readonly database: Database;
  readonly queues: Queues;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
}

/** What the platform itself knows about being ready. */
export function registerPlatformChecks(readiness: Readiness, parts: CheckedParts): void {
  readiness.register('database_unreachable', async () => {
    await parts.database.querySystem('health', 'SELECT 1');
    return true;
  });
  readiness.register('queue_unreachable', () => parts.queues.isReachable());
  readiness.register('view_stale', () => parts.feed.staleness() <= parts.maxStalenessMs);
  readiness.register('migrations_pending', unlessUnreachable(migrationsApplied(parts.database)));
  readiness.register(
    'clock_skew',
    unlessUnreachable(() => clocksAgree(parts)),
  );
}

/** Migrations are never taken back, so the answer is asked for until it is yes. */
function migrationsApplied(database: Database): () => Promise<boolean> {
  let applied = false;
  return async () => (applied ||= await isMigrated(database));
}

async function clocksAgree({ database, clock }: CheckedParts): Promise<boolean> {
  const [row] = await database.querySystem<{ now: Date }>('health', 'SELECT clock_timestamp() AS now');
  return row !== undefined && Math.abs(row.now.getTime() - clock.now()) <= MAX_SKEW_MS;
}

/** A database that does not answer has a reason of its own. */
function unlessUnreachable(check: () => Promise<boolean>): () => Promise<boolean> {
  return () => within(SILENCE_MS, check()).catch(() => true);
}
