import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLedgerKey } from '../../../platform/secrets/index.js';
import { LedgerKeys } from '../../ledger-keys.js';
import type { DatabaseTarget } from '../arguments.js';
import { verifyLedger, type ZoneReport } from './verify-ledger.js';

/** Verifies with the key of a data directory, and its embedded database unless a DSN is given. */
export async function verifyDatabase(wanted: DatabaseTarget): Promise<ZoneReport[]> {
  const keys = new LedgerKeys(await readLedgerKey(wanted.dataDir));
  const dsn = wanted.dsn ?? (await readFile(join(wanted.dataDir, 'secrets', 'operator_dsn'), 'utf8')).trim();
  return verifyLedger({ dsn, keys, zone: wanted.zone });
}
