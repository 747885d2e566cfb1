import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import type { EntryDraft } from '../../src/audit/domain/entry.js';
import { commitmentOf } from '../../src/audit/domain/personal-payload.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { LedgerReader } from '../../src/audit/ledger-reader.js';
import { erasePersonal, type ErasureRange } from '../../src/audit/persistence/personal-rows.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import type { Database } from '../../src/platform/database/index.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { tamperWith } from '../support/log.js';
import { makeZone } from '../support/zone.js';

const keys = new LedgerKeys(randomBytes(32));
const DENIED = { code: '42501' };

let test: TestDatabase;
let database: Database;
let ledger: AuditLedger;
let zones = 0;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  ledger = new AuditLedger({ database, keys, clock: systemClock, onFault: () => undefined });
});
afterAll(async () => {
  await ledger.close();
  await test.drop();
});

/** A zone of four entries: without anything personal, of alice, of bob, and of nobody. */
async function filled(): Promise<string> {
  const zone = `person-${(zones += 1)}`;
  await makeZone(database, zone);
  const draft = (more: Partial<EntryDraft>): EntryDraft => ({
    type: 'approval.decided',
    zone,
    occurredAt: Date.now(),
    actor: { kind: 'human', token: 'tok_1' },
    ...more,
  });
  await Promise.all([
    ledger.append(draft({})),
    ledger.append(draft({ subject: 'alice', personal: { reason: 'Alice is ill' } })),
    ledger.append(draft({ subject: 'bob', personal: { reason: 'Bob asked' } })),
    ledger.append(draft({ personal: { client: { address: '198.51.100.7' } } })),
  ]);
  return zone;
}

const events = (zone: string) => new LedgerReader(database).events(zone, {}, { limit: 50 });
const faultOf = async (zone: string) => (await verifyLedger({ dsn: test.dsn, keys, zone }))[0]?.fault;
const erase = (zone: string, range: ErasureRange) =>
  database.withZone(zone, (tx) => erasePersonal(tx, range, new Date()));

/** Whether somebody soon waits for the holds to stay as they are. */
async function waitsForHolds(): Promise<boolean> {
  for (let turn = 0; turn < 200; turn += 1) {
    const { rows } = await test.superuser((client) =>
      client.query(`SELECT 1 FROM pg_locks WHERE relation = 'caracal.ledger_holds'::regclass AND NOT granted`),
    );
    if (rows.length > 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return false;
}

describe('personal payload', () => {
  it('[T5] is beside the ledger, in the commit of the entry that commits to it', async () => {
    const zone = await filled();
    const [bare, alice, , nobody] = await events(zone);
    expect(bare).not.toHaveProperty('personal');
    expect(bare?.entry).not.toHaveProperty('personal');
    expect(JSON.stringify(alice?.entry)).not.toContain('ill');
    const personal = alice?.personal as { payload: object; salt: string };
    expect(personal.payload).toEqual({ reason: 'Alice is ill' });
    const kept = { salt: Buffer.from(personal.salt, 'hex'), payload: JSON.stringify(personal.payload) };
    expect(alice?.entry['personal']).toBe(commitmentOf(kept));
    expect(nobody?.personal).toMatchObject({ payload: { client: { address: '198.51.100.7' } } });
    expect(await faultOf(zone)).toBeUndefined();
  });

  it('[T6] is erased by subject or range, and the ledger verifies as before', async () => {
    const zone = await filled();
    expect(await erase(zone, { subject: 'alice', from: 0 })).toEqual({ erased: [1], held: [] });
    expect(await erase(zone, { subject: 'alice', from: 0 })).toEqual({ erased: [], held: [] });
    expect(await erase(zone, { from: 3, to: 4 })).toEqual({ erased: [3], held: [] });
    const found = (await events(zone)).map(({ personal }) => personal && Object.keys(personal).sort());
    expect(found).toEqual([undefined, ['erased_at'], ['payload', 'salt'], ['erased_at']]);
    const { rows } = await test.superuser((client) =>
      client.query('SELECT * FROM caracal.ledger_personal WHERE zone = $1 AND erased_at IS NOT NULL', [zone]),
    );
    expect(JSON.stringify(rows)).not.toMatch(/alice|ill|198\.51/);
    expect(await faultOf(zone)).toMatchObject({ index: 1, reason: expect.stringMatching(/without an entry/) });
    await ledger.append({
      type: 'ledger.personal_erased',
      zone,
      occurredAt: Date.now(),
      actor: { kind: 'system' },
      detail: { indices: [1, 3] },
    });
    expect(await faultOf(zone)).toBeUndefined();
  });

  it('is kept while it is on hold', async () => {
    const zone = await filled();
    await database.withZone(zone, (tx) =>
      tx.query(
        `INSERT INTO ledger_holds (zone, id, from_index, reason, created_at, created_by) VALUES ($1, 'hld_1', 2, 'case', now(), 'me')`,
        [zone],
      ),
    );
    expect(await erase(zone, { from: 0, to: 3 })).toEqual({ erased: [], held: [2] });
    expect(await erase(zone, { subject: 'alice', from: 0 })).toEqual({ erased: [1], held: [] });
  });

  it('[T6] is kept by a hold that is not committed yet: whoever erases waits for it', async () => {
    const zone = await filled();
    let erasing: ReturnType<typeof erase> | undefined;
    await database.withZone(zone, async (tx) => {
      await tx.query(
        `INSERT INTO ledger_holds (zone, id, from_index, reason, created_at, created_by) VALUES ($1, 'hld_2', 2, 'case', now(), 'me')`,
        [zone],
      );
      erasing = erase(zone, { from: 0 });
      erasing.catch(() => undefined);
      expect(await waitsForHolds()).toBe(true);
    });
    expect(await erasing).toEqual({ erased: [], held: [2, 3] });
    expect(await erase(zone, { from: 0, to: 2 })).toEqual({ erased: [1], held: [] });
  });

  it('[T6] that is left of entries which are gone gives way to that of the entries after them', async () => {
    const zone = await filled();
    await tamperWith(test.dsn, [
      ['DELETE FROM caracal.ledger WHERE zone = $1 AND index >= 1', [zone]],
      [
        `UPDATE caracal.ledger_head h SET next_index = 1, chain_mac = l.chain_mac FROM caracal.ledger l
          WHERE h.zone = $1 AND l.zone = $1 AND l.index = 0`,
        [zone],
      ],
    ]);
    const personal = { reason: 'Carol asked' };
    const actor = { kind: 'human' as const, token: 'tok_1' };
    const { index } = await ledger.append({ type: 'approval.decided', zone, occurredAt: Date.now(), actor, personal });
    expect(index).toBe(1);
    const [, carol] = await events(zone);
    expect(carol?.personal).toMatchObject({ payload: personal });
    expect(await faultOf(zone)).toBeUndefined();
    expect(await erase(zone, { subject: 'alice', from: 0 })).toEqual({ erased: [], held: [] });
  });

  it.each([
    ['changed', `UPDATE caracal.ledger_personal SET payload = '{}' WHERE zone = $1 AND index = 2`, 2, /not what/],
    ['removed', `DELETE FROM caracal.ledger_personal WHERE zone = $1 AND index = 1`, 1, /missing/],
    [
      'invented',
      `INSERT INTO caracal.ledger_personal (zone, index, salt, payload) VALUES ($1, 0, sha256('x'), '{}')`,
      0,
      /has none/,
    ],
  ])('[T6] that was %s is reported when the database is verified', async (_name, sql, index, reason) => {
    const zone = await filled();
    await test.superuser((client) => client.query(sql, [zone]));
    expect(await faultOf(zone)).toMatchObject({ index, reason: expect.stringMatching(reason) });
  });

  it('[T6] is put there by nobody but the commit of its entry', async () => {
    const zone = await filled();
    const [, alice] = await events(zone);
    const { salt, payload } = alice?.personal as { payload: object; salt: string };
    await test.superuser((client) =>
      client.query('DELETE FROM caracal.ledger_personal WHERE zone = $1 AND index = 1', [zone]),
    );
    const add = [zone, [1], [Buffer.from(salt, 'hex')], [JSON.stringify(payload)], ['alice']];
    for (const door of [
      (sql: string) => database.asAudit((tx) => tx.query(sql, add)),
      (sql: string) => database.withZone(zone, (tx) => tx.query(sql, add)),
    ])
      await expect(door('SELECT caracal.ledger_personal_add($1, $2, $3, $4, $5)')).rejects.toMatchObject({
        code: '22023',
      });
  });

  it('[T12] can be written, read and erased by no other role', async () => {
    const zone = await filled();
    const asApp = (sql: string) => database.withZone(zone, (tx) => tx.query(sql));
    for (const sql of [
      'SELECT payload FROM caracal.ledger_personal',
      `UPDATE caracal.ledger_personal SET payload = ''`,
      'DELETE FROM caracal.ledger_personal',
      'TRUNCATE caracal.ledger_personal',
      'SELECT caracal.ledger_personal_forget()',
    ])
      await expect(asApp(sql)).rejects.toMatchObject(DENIED);
    await expect(
      database.asAudit((tx) =>
        tx.query(`SELECT * FROM caracal.ledger_personal_erase($1, NULL, 0, NULL, now())`, [zone]),
      ),
    ).rejects.toMatchObject(DENIED);
    const other = await filled();
    expect(await database.asAuditor(other, (tx) => tx.query('SELECT zone FROM caracal.ledger_personal'))).toEqual(
      Array.from({ length: 3 }, () => ({ zone: other })),
    );
  });
});
