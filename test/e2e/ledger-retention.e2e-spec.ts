import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import { Database } from '../../src/platform/database/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/log.js';
import { created, ok } from '../support/oauth-scene.js';
import { type AskAudit, longAgo, OLD, oldPartition, oldZone } from '../support/old-ledger.js';

const LONG_AGO = longAgo(1);

let app: TestApp;
let root: pg.Client;

beforeAll(async () => {
  app = await startTestApp();
  root = new pg.Client({ connectionString: app.dsn });
  await root.connect();
});

afterAll(async () => {
  await root.end();
  await app.close();
});

/** Waits for the export that retention asks for, and spoils its file. */
async function exportedAndSpoiled(
  audit: AskAudit,
  zone: string,
): Promise<{ readonly id: string; readonly file: string }> {
  expect(ok(await audit('POST', '/retention/apply')).months[0]).toMatchObject({ kept_by: 'not_exported' });
  const list = await eventually(
    () => audit('GET', '/exports'),
    ({ body }) => body.items[0]?.status === 'ready',
  );
  const { id } = ok(list).items[0];
  const file = join(app.dataDir, 'exports', zone, id, 'entries.jsonl');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('exchange', 'exchangE'));
  return { id, file };
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** Applies retention again and again until the month is dropped, or something keeps it for good. */
async function applied(audit: AskAudit): Promise<Record<string, unknown>> {
  for (let turn = 0; turn < 200; turn += 1) {
    const { months } = ok(await audit('POST', '/retention/apply'));
    if (months.length === 0 || months[0].kept_by !== 'not_exported') return months[0] ?? {};
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the export did not come');
}

describe('retention of the ledger', () => {
  it('[T6] drops a month only when it is due, on no hold, signed and exported, and leaves a tombstone from which everything goes on', async () => {
    await oldPartition(root, LONG_AGO);
    const audit = await oldZone(app, 'old', LONG_AGO);
    expect(ok(await audit('GET', '/retention'))).toEqual({ days: 365 });
    expect(await applied(audit)).toMatchObject({ from: 0, to: OLD, dropped: false, kept_by: 'not_due' });
    ok(await audit('PUT', '/retention', { days: 30 }));
    const hold = created(await audit('POST', '/holds', { to: 1, reason: 'litigation' }));
    expect(await audit('POST', '/retention/apply')).toMatchObject({ status: 409, body: { code: 'retention_hold' } });
    expect(ok(await audit('GET', '/holds')).items).toMatchObject([
      { id: hold.id, from: 0, to: 1, reason: 'litigation' },
    ]);
    expect((await audit('DELETE', `/holds/${hold.id}`, { reason: 'settled' })).status).toBe(204);
    expect((await audit('DELETE', `/holds/${hold.id}`, { reason: 'again' })).status).toBe(404);
    const kept = await exportedAndSpoiled(audit, 'old');
    // By two at once, who write the file that was spoiled once.
    const both = await Promise.all([applied(audit), applied(audit)]);
    expect(both).toContainEqual(expect.objectContaining({ from: 0, to: OLD, dropped: true }));
    // What was dropped is still here, as it was signed: the file that somebody had spoiled was written again before.
    const answer = await audit('GET', `/exports/${kept.id}/manifest.json`);
    expect(await hashOf(kept.file)).toBe(answer.body.entries_sha256);
    await rm(kept.file);
    expect(await audit('GET', `/exports/${kept.id}/entries.jsonl`)).toMatchObject({ status: 410 });

    for (const gone of ['/events/0', `/events/${OLD - 1}`, '/proofs/0'])
      expect(await audit('GET', gone)).toMatchObject({ status: 410, body: { code: 'gone' } });
    const { items } = ok(await audit('GET', '/events'));
    expect(items[0].index).toBe(OLD);
    const told = items.map(({ entry }: { entry: { type: string; detail: object } }) => entry);
    const dropped = told.filter(({ type }: { type: string }) => type === 'ledger.dropped');
    expect(dropped).toMatchObject([{ actor: { kind: 'system' }, detail: { from: 0, to: OLD, export: kept.id } }]);
    expect((await audit('GET', `/proofs/${OLD}`)).status).toBe(200);
    expect(ok(await audit('GET', `/consistency?from=${OLD}`)).hashes.length).toBeGreaterThan(0);

    const keys = app.running.app.get(LedgerKeys);
    const [report] = await verifyLedger({ dsn: app.dsn, keys, zone: 'old' });
    expect(report).toMatchObject({ fault: undefined });
    const { id } = (await audit('POST', '/verify')).body;
    for (let turn = 0; turn < 200; turn += 1) {
      const sweep = ok(await audit('GET', `/verify/${id}`));
      if (sweep.status === 'done') return expect(sweep.findings).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('the sweep did not end');
  });

  it.each([29, 3_651, 30.5, '30'])('is for 30 to 3650 days, not %j', async (days) => {
    expect((await app.admin('PUT', '/v1/zones/_system/audit/retention', { days })).status).toBe(400);
  });

  it('[T6] no role but the janitor drops, and the janitor nothing that must be kept', async () => {
    const { rows } = await root.query<{ role: string; may: boolean }>(
      `SELECT r.rolname AS role, has_function_privilege(r.rolname, 'caracal.ledger_drop_partition(date)', 'EXECUTE') AS may
         FROM pg_roles r WHERE r.rolname IN ('caracal_app', 'caracal_audit', 'caracal_auditor', 'caracal_system', 'caracal_queue', 'caracal_janitor')`,
    );
    expect(rows.filter(({ may }) => may).map(({ role }) => role)).toEqual(['caracal_janitor']);
    const database = app.running.app.get(Database);
    const drop = (month: string) =>
      database.asJanitor((tx) => tx.query('SELECT caracal.ledger_drop_partition($1)', [month]));
    await expect(drop(new Date().toISOString().slice(0, 10))).rejects.toThrow(/is not due/);
  });
});
