/**
 * The ledger alone, as a process of its own: 256 callers that append and wait for their entry to be durable, for so many `seconds` or until
 * there are so many `entries`; or so many entries a second (`rate`), whether or not earlier ones are durable. The rulers, for as many callers
 * over 16 connections: `chained` commits each entry by itself under the lock of its chain's head, `plain` inserts a row and is no chain.
 * Prints one JSON line: entries per second, of each million of `entries`; with a `rate`, milliseconds.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AuditLedger } from '../../dist/audit/index.js';
import { LedgerKeys } from '../../dist/audit/ledger-keys.js';
import { Database, parseEndpoint } from '../../dist/platform/database/index.js';
import { readLedgerKeys } from '../../dist/platform/secrets/index.js';

const { dataDir, dsn, zone, seconds, kind, entries = Infinity, rate } = JSON.parse(process.argv[2]);
const CALLERS = 256;
const MILLION = 1_000_000;
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

/** Callers that never pause. */
async function closedLoop(append) {
  const started = performance.now();
  const end = started + (seconds ?? Infinity) * 1_000;
  const millions = [started];
  let begun = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (performance.now() < end && (begun += 1) <= entries) {
        await append();
        if ((done += 1) % MILLION === 0) millions.push(performance.now());
      }
    }),
  );
  const perSecond = done / ((performance.now() - started) / 1_000);
  return { perSecond, steps: millions.slice(1).map((at, n) => MILLION / ((at - millions[n]) / 1_000)) };
}

/** Appends that begin when the clock says so; a latency counts from the moment that it should have begun. */
async function openLoop(append) {
  const latencies = [];
  const open = [];
  const started = performance.now();
  const end = started + seconds * 1_000;
  for (let next = started; next < end;) {
    for (; next <= performance.now(); next += 1_000 / rate) {
      const due = next;
      open.push(append().then(() => latencies.push(performance.now() - due)));
    }
    await delay(1);
  }
  await Promise.all(open);
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor((latencies.length - 1) * share)];
  return { p50: at(0.5), p99: at(0.99) };
}

const target = kind === 'ledger' ? await openLedger() : await openRows(kind === 'chained');
const seen = await (rate === undefined ? closedLoop : openLoop)(target.append);
await target.close();
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit(0);
