import type { Database } from './database.js';
import { knownMigrations } from './migrator.js';

/** Whether every checked-in migration has been applied; false also when the schema does not exist yet. */
export async function isMigrated(database: Database): Promise<boolean> {
  const known = await knownMigrations();
  const there = await database.querySystem<{ there: boolean }>(
    'health',
    `SELECT to_regclass('caracal.migrations') IS NOT NULL AS there`,
  );
  if (there[0]?.there !== true) return false;
  const rows = await database.querySystem<{ name: string }>('health', 'SELECT name FROM caracal.migrations');
  const applied = new Set(rows.map((row) => row.name));
  return known.every((name) => applied.has(name));
}
