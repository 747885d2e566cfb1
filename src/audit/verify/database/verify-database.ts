import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpointKey, readLedgerKeys } from '../../../platform/secrets/index.js';
import { LedgerKeys } from '../../ledger-keys.js';
import { checkpointKey } from '../../domain/log-key.js';
import type { DatabaseTarget } from '../arguments.js';
import { KeptCheckpoints } from './kept-checkpoints.js';
import { verifyLedger, type ZoneReport } from './verify-ledger.js';

/** Verifies with the key of a data directory, and its embedded database unless a DSN is given. */
export async function verifyDatabase(wanted: DatabaseTarget): Promise<ZoneReport[]> {
  const keys = new LedgerKeys(...(await readLedgerKeys(wanted.dataDir)));
  const dsn = wanted.dsn ?? (await readFile(join(wanted.dataDir, 'secrets', 'operator_dsn'), 'utf8')).trim();
  const kept = new KeptCheckpoints(wanted.dataDir, checkpointKey(await readCheckpointKey(wanted.dataDir)));
  return verifyLedger({ dsn, keys, kept, zone: wanted.zone });
}
