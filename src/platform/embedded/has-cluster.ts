import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AppConfig } from '../config/index.js';

/**
 * Whether `DATA_DIR` holds a database, or a link to one: then its secrets exist and must not be made anew. What cannot be looked into counts
 * as a database.
 */
export function hasCluster(config: Pick<AppConfig, 'dataDir'>): boolean {
  const path = join(config.dataDir, 'postgres');
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !(stats.isDirectory() && isEmpty(path));
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch {
    return false;
  }
}
