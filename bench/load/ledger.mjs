/**
 * The ledger alone, as a process of its own: 256 callers that append and wait for their entry to be durable. The rulers, for as many callers
 * over 16 connections: `chained` commits each entry by itself under the lock of its chain's head, `plain` inserts a row and is no chain.
 * Prints one JSON line: entries per second.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { AuditLedger } from '../../dist/audit/index.js';
import { LedgerKeys } from '../../dist/audit/ledger-keys.js';
import { Database, parseEndpoint } from '../../dist/platform/database/index.js';
import { readLedgerKeys } from '../../dist/platform/secrets/index.js';

const { dataDir, dsn, zone, seconds, kind } = JSON.parse(process.argv[2]);
const CALLERS = 256;
const RULER_CONNECTIONS = 16;

const entry = {
  type: 'gateway.request',
  zone,
  actor: { kind: 'agent', id: 'ses_018f2b6e-7c1a-7000-8000-000000000001' },
  application: 'app_018f2b6e-7c1a-7000-8000-000000000001',
  session: 'ses_018f2b6e-7c1a-7000-8000-000000000001',
  resource: 'https://api.bench.example/',
  operation: { method: 'GET', path: '/1k', template: '/1k' },
  scopes: ['api:read'],
  decision: 'allow',
  txn: '018f2b6e-7c1a-7000-8000-000000000002',
  client: { address: '127.0.0.1' },
};

async function openLedger() {
  const databasePassword = (await readFile(path.join(dataDir, 'secrets/database_password'), 'utf8')).trim();
  const database = new Database({ endpoint: parseEndpoint(dsn), databasePassword, entities: [] });
  await database.open();
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const keys = new LedgerKeys(...(await readLedgerKeys(dataDir)));
  const ledger = new AuditLedger({ database, keys, clock, onFault: (error) => process.stderr.write(`${error}\n`) });
  let number = 0;
  return {
    append: () => ledger.append({ ...entry, occurredAt: Date.now(), requestId: `bench-${(number += 1)}` }),
    close: () => database.close(),
  };
}

async function openRows(chained) {
  const pool = new pg.Pool({ connectionString: dsn, max: RULER_CONNECTIONS });
  await pool.query(`CREATE SCHEMA IF NOT EXISTS bench;
    CREATE TABLE IF NOT EXISTS bench.rows (id bigserial PRIMARY KEY, zone text, index bigint, entry text);
    CREATE TABLE IF NOT EXISTS bench.head (zone text PRIMARY KEY, next_index bigint);
    INSERT INTO bench.head VALUES ('bench', 0) ON CONFLICT DO NOTHING`);
  const text = JSON.stringify({ ...entry, padding: 'x'.repeat(200) });
  const plain = `INSERT INTO bench.rows (zone, index, entry) VALUES ('bench', 0, $1)`;
  const moved = `WITH h AS (UPDATE bench.head SET next_index = next_index + 1 WHERE zone = 'bench' RETURNING next_index)
    INSERT INTO bench.rows (zone, index, entry) SELECT 'bench', next_index, $1 FROM h`;
  return { append: () => pool.query(chained ? moved : plain, [text]), close: () => pool.end() };
}

const target = kind === 'ledger' ? await openLedger() : await openRows(kind === 'chained');
const end = performance.now() + seconds * 1_000;
let done = 0;
const started = performance.now();
await Promise.all(
  Array.from({ length: CALLERS }, async () => {
    for (; performance.now() < end; done += 1) await target.append();
  }),
);
const perSecond = done / ((performance.now() - started) / 1_000);
await target.close();
process.stdout.write(`${JSON.stringify({ perSecond })}\n`);
process.exit(0);
