import type pg from 'pg';
import { AuditLedger } from '../../src/audit/index.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { LogIdentity } from '../../src/audit/log/log-identity.js';
import { Database } from '../../src/platform/database/index.js';
import type { TestAnswer, TestApp } from './app.js';

const DAY_MS = 86_400_000;

/** Entries of an old zone that are older than anything else in it. */
export const OLD = 5;

/** Asks for something under `…/audit` of one zone. */
export type AskAudit = (method: string, path: string, body?: unknown) => Promise<TestAnswer>;

/** A moment in the month before the last one, or so many months earlier: it ended thirty days ago at least when that is one or more. */
export function longAgo(months: number): number {
  const today = new Date();
  return Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 2 - months, 15);
}

/** The partition of a month that is over, as the server would have made it then. */
export async function oldPartition(root: pg.Client, at: number): Promise<void> {
  const month = new Date(at).toISOString().slice(0, 7);
  const next = new Date(at + 31 * DAY_MS).toISOString().slice(0, 7);
  const name = `caracal_ledger.ledger_${month.replace('-', '_')}`;
  await root.query(
    `CREATE TABLE ${name} PARTITION OF caracal.ledger FOR VALUES FROM ('${month}-01 00:00:00+00') TO ('${next}-01 00:00:00+00')`,
  );
  await root.query(`ALTER TABLE ${name} OWNER TO caracal_owner`);
  for (const change of [
    'ENABLE ROW LEVEL SECURITY',
    'FORCE ROW LEVEL SECURITY',
    'ENABLE ALWAYS TRIGGER ledger_no_change',
  ])
    await root.query(`ALTER TABLE ${name} ${change}`);
  await root.query(
    `CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ${name} FOR EACH STATEMENT EXECUTE FUNCTION caracal.ledger_refuse()`,
  );
  await root.query(`ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ledger_no_truncate`);
}

/** A zone whose ledger began long ago, with everything under a checkpoint. */
export async function oldZone(app: TestApp, slug: string, at: number): Promise<AskAudit> {
  const { app: nest } = app.running;
  const database = nest.get(Database);
  const origin = nest.get(LogIdentity).origin(slug);
  const vkey = nest.get(LogIdentity).verifierKey(origin);
  await database.withZone(slug, async (tx) => {
    await tx.query('INSERT INTO zones (slug, id, name, log_origin, log_vkey) VALUES ($1, $2, $1, $3, $4)', [
      slug,
      `zon_${slug}`,
      origin,
      vkey,
    ]);
    await tx.query('INSERT INTO feed_head (zone) VALUES ($1)', [slug]);
    await tx.query('INSERT INTO graph_lock (zone) VALUES ($1)', [slug]);
    await tx.query('SELECT caracal.ledger_open($1)', [slug]);
  });
  const past = { now: () => at, monotonic: () => performance.now() };
  const ledger = new AuditLedger({ database, keys: nest.get(LedgerKeys), clock: past, onFault: () => undefined });
  for (let n = 0; n < OLD; n += 1)
    await ledger.append({ type: 'exchange', zone: slug, occurredAt: at, actor: { kind: 'system' }, detail: { n } });
  await ledger.close();
  const ask: AskAudit = (method, path, body) => app.admin(method, `/v1/zones/${slug}/audit${path}`, body);
  await signed(ask);
  return ask;
}

async function signed(ask: AskAudit): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) if ((await ask('GET', `/proofs/${OLD - 1}`)).status === 200) return;
  throw new Error('the old entries were never signed');
}

/** Makes the old month of a zone due and exported, so that nothing keeps it. */
export async function makeDue(ask: AskAudit): Promise<void> {
  const { id } = (await ask('POST', '/exports', { format: 'jsonl', to: OLD })).body;
  for (let turn = 0; turn < 400; turn += 1) {
    if ((await ask('GET', `/exports/${id}`)).body.status === 'ready') {
      await ask('PUT', '/retention', { days: 30 });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the export did not come');
}
