import type pg from 'pg';
import { clientOptions, DatabaseClient, parseEndpoint, parseLogin } from '../../../platform/database/index.js';
import { ChainVerifier, type Fault } from '../../domain/verify-chain.js';
import type { KeptCheckpoints } from './kept-checkpoints.js';
import { verifySigned } from './verify-signed.js';
import type { LedgerKeys } from '../../ledger-keys.js';
import { erasureFault, personalFault } from '../../persistence/personal-rows.js';
import { type AskLinks, readLinks } from '../../persistence/ledger-links.js';
import { ledgerStart } from '../../retention/retention-rows.js';

const BATCH = 5_000;

/** What was found in one zone. */
export interface ZoneReport {
  readonly zone: string;
  readonly size: number;
  readonly fault: Fault | undefined;
}

/** Reads every row of the ledger in index order, inside one snapshot, and reports the first fault of each zone. */
export async function verifyLedger({
  dsn,
  keys,
  kept,
  zone: only,
}: {
  dsn: string;
  keys: LedgerKeys;
  /** What was signed; without it, the chain alone is verified. */
  kept?: KeptCheckpoints;
  zone: string | undefined;
}): Promise<ZoneReport[]> {
  const client = new DatabaseClient(clientOptions(parseEndpoint(dsn), parseLogin(dsn)));
  await client.connect();
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const reports: ZoneReport[] = [];
    for (const zone of await zonesOf(client, only)) {
      const chain = await verifyZone(client, zone, keys);
      const fault = chain.fault ?? (kept && (await verifySigned(client, zone, kept)));
      reports.push({ ...chain, fault });
    }
    return reports;
  } finally {
    await client.end();
  }
}

/** Zones that have a head, or entries, or are said to exist: a zone that vanished from one of the three is found. */
async function zonesOf(client: pg.Client, only: string | undefined): Promise<string[]> {
  const { rows } = await client.query<{ zone: string }>(
    'SELECT zone FROM caracal.ledger_head UNION SELECT DISTINCT zone FROM caracal.ledger UNION SELECT slug FROM caracal.zones ORDER BY zone',
  );
  const zones = rows.map((row) => row.zone).filter((zone) => only === undefined || zone === only);
  if (zones.length === 0)
    throw new Error(only === undefined ? 'the database holds no ledger' : `there is no zone ${only}`);
  return zones;
}

async function verifyZone(client: pg.Client, zone: string, keys: LedgerKeys): Promise<ZoneReport> {
  const ask = async <T extends object>(sql: string, params: readonly unknown[]): Promise<T[]> =>
    (await client.query(sql, [...params])).rows as T[];
  const start = await ledgerStart({ query: ask }, zone);
  const verifier = new ChainVerifier(zone, (kid) => keys.key(kid), start);
  for (let after = start.next - 1; ;) {
    const rows = await readLinks(ask, zone, after, BATCH);
    for (const row of rows) {
      const fault = verifier.check(row);
      if (fault) return { zone, size: verifier.size, fault };
    }
    if (rows.length < BATCH) break;
    after = rows.at(-1)?.index ?? after;
  }
  const fault = (await headFault(client, zone, verifier)) ?? (await personalFaults(ask, zone, verifier.size));
  return { zone, size: verifier.size, fault };
}

async function personalFaults(ask: AskLinks, zone: string, size: number): Promise<Fault | undefined> {
  return (await personalFault(ask, zone, { from: 0, to: size })) ?? erasureFault(ask, zone);
}

async function headFault(client: pg.Client, zone: string, verifier: ChainVerifier): Promise<Fault | undefined> {
  const { rows } = await client.query<{ next_index: string; chain_mac: Buffer }>(
    'SELECT next_index, chain_mac FROM caracal.ledger_head WHERE zone = $1',
    [zone],
  );
  const head = rows[0];
  if (!head) return { index: undefined, reason: 'the zone has no ledger head' };
  return verifier.checkHead({ nextIndex: Number(head.next_index), chainMac: head.chain_mac });
}
