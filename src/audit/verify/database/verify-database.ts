import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readKeyRing } from '../../../platform/secrets/index.js';
import { LedgerKeys } from '../../ledger-keys.js';
import { LogIdentity } from '../../log/log-identity.js';
import type { DatabaseTarget } from '../arguments.js';
import { KeptCheckpoints } from './kept-checkpoints.js';
import { verifyLedger, type ZoneReport } from './verify-ledger.js';

/** Verifies with the keys of a data directory, and its embedded database unless a DSN is given. */
export async function verifyDatabase(wanted: DatabaseTarget): Promise<ZoneReport[]> {
  const keys = new LedgerKeys(...(await readKeyRing(wanted.dataDir, 'ledgerHmac')));
  const dsn = wanted.dsn ?? (await readFile(join(wanted.dataDir, 'secrets', 'operator_dsn'), 'utf8')).trim();
  const signers = new LogIdentity(await readKeyRing(wanted.dataDir, 'checkpointKey'), () => '');
  const kept = new KeptCheckpoints(wanted.dataDir, (origin) => signers.verifiers(origin));
  return verifyLedger({ dsn, keys, kept, zone: wanted.zone });
}
