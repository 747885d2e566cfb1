import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { livingSessions, openSessions } from '../../src/coordinator/persistence/session-counts.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const COUNTS = '1766200000000-session-counts.sql';
const HELD = '1766200000001-held-sessions-of-every-zone.sql';
const ZONES = ['counted-a', 'counted-b'];
/** As a database is that an earlier version has used. */
const UNDO = `DROP TABLE caracal.session_counts;
  DROP TRIGGER session_counted_in ON caracal.sessions; DROP TRIGGER session_counted_over ON caracal.sessions;
  DROP TRIGGER session_counted_out ON caracal.sessions; DROP FUNCTION caracal.session_counted(), caracal.session_count(text, text, integer);
  DROP INDEX caracal.outbox_settle_open`;

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  for (const zone of ZONES) {
    await makeZone(database, zone);
    await test.superuser((client) =>
      client.query(
        `INSERT INTO caracal.applications (zone, id, name, slug) VALUES ($1, 'app_1', 'one', 'one'), ($1, 'app_2', 'two', 'two')`,
        [zone],
      ),
    );
  }
});
afterAll(() => test.drop());

/** As migrations run: as the owner, who is under row-level security as everybody is. */
async function runAsOwner(client: pg.Client, file: string): Promise<void> {
  const sql = await readFile(new URL(`../../migrations/${file}`, import.meta.url), 'utf8');
  await client.query(`BEGIN; SET LOCAL ROLE caracal_owner; ${sql}; COMMIT`);
}

interface Made {
  readonly zone: string;
  readonly id: string;
  readonly application?: string;
  readonly parent?: string;
  readonly status?: string;
  readonly expires?: Date;
}

async function make({ zone, id, application = 'app_1', parent, status = 'active', expires }: Made): Promise<void> {
  const path = parent === undefined ? id : `${parent}/${id}`;
  await database.withZone(zone, (tx) =>
    tx.query(
      `INSERT INTO caracal.sessions (zone, id, application, parent, root, path, depth, lifecycle, status, subject, subject_type, authority, epochs, txn, started_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'task', $8, 'app:' || $3, 'application', 'inherit', '{"z": 1, "a": 1}', 't', now(), $9)`,
      [
        zone,
        id,
        application,
        parent ?? null,
        parent ?? id,
        path,
        parent === undefined ? 0 : 1,
        status,
        expires ?? null,
      ],
    ),
  );
}

const counts = (zone: string): Promise<Record<string, number>> =>
  database.readZone(zone, async (tx) => {
    const rows = await tx.query<{ scope: string; open: number }>('SELECT scope, open FROM session_counts');
    return Object.fromEntries(rows.map((row) => [row.scope, row.open]));
  });

const become = (zone: string, id: string, status: string): Promise<unknown> =>
  database.withZone(zone, (tx) => tx.query('UPDATE sessions SET status = $2 WHERE id = $1', [id, status]));

describe('the counts of open sessions', () => {
  it('are made of the sessions that a database has when it is migrated, of every zone', async () => {
    for (const zone of ZONES) {
      await make({ zone, id: 'ses_root' });
      await make({ zone, id: 'ses_child', parent: 'ses_root', status: 'suspended' });
      await make({ zone, id: 'ses_over', parent: 'ses_root', status: 'terminated' });
    }
    await make({ zone: ZONES[1] as string, id: 'ses_more', application: 'app_2' });
    const kept = await Promise.all(ZONES.map(counts));
    await test.superuser(async (client) => {
      await client.query(UNDO);
      await runAsOwner(client, COUNTS);
    });
    expect(await Promise.all(ZONES.map(counts))).toEqual(kept);
    expect(kept).toEqual([
      { '': 2, app_1: 2, ses_root: 1 },
      { '': 3, app_1: 2, app_2: 1, ses_root: 1 },
    ]);
  });

  it('follow every change of a standing, once, and forget sessions without open children', async () => {
    const zone = ZONES[0] as string;
    await become(zone, 'ses_child', 'active');
    await become(zone, 'ses_root', 'suspended');
    expect(await counts(zone)).toEqual({ '': 2, app_1: 2, ses_root: 1 });
    await become(zone, 'ses_root', 'terminated');
    expect(await counts(zone)).toEqual({ '': 1, app_1: 1, ses_root: 1 });
    await become(zone, 'ses_child', 'expired');
    await become(zone, 'ses_child', 'terminated');
    expect(await counts(zone)).toEqual({ '': 0, app_1: 0 });
    await expect(
      database.withZone(zone, async (tx) => {
        await tx.query(`UPDATE sessions SET status = 'active' WHERE id = 'ses_over'`);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    expect(await counts(zone)).toEqual({ '': 0, app_1: 0 });
  });

  it('[T1] are written by nobody but the triggers', async () => {
    for (const sql of [
      'UPDATE session_counts SET open = 0',
      'DELETE FROM session_counts',
      `SELECT session_count('counted-a', '', -5)`,
    ])
      await expect(database.withZone('counted-a', (tx) => tx.query(sql))).rejects.toThrow('permission denied');
  });

  it('are what lives unless something died and is not settled: then alone is anything counted', async () => {
    const zone = ZONES[1] as string;
    const scope = { application: 'app_1', parent: 'ses_root', root: 'ses_root', now: Date.now(), zoneEpoch: 1 };
    const ask = () =>
      database.readZone(zone, async (tx) => [await openSessions(tx, scope), await livingSessions(tx, scope)]);
    const held = { children: 1, application: 2, zone: 3 };
    expect(await ask()).toEqual([held, undefined]);
    await make({ zone, id: 'ses_late', parent: 'ses_root', expires: new Date(scope.now - 1) });
    expect(await ask()).toEqual([{ children: 2, application: 3, zone: 4 }, held]);
    await become(zone, 'ses_late', 'expired');
    expect(await ask()).toEqual([held, undefined]);
    await database.withZone(zone, (tx) =>
      tx.query(
        `INSERT INTO outbox (id, zone, aggregate, queue, name, body) VALUES (gen_random_uuid(), $1, 'a', 'lifecycle', 'settle', '{}')`,
        [zone],
      ),
    );
    expect(await ask()).toEqual([held, held]);
  });
});

describe('sessions of a database that is migrated', () => {
  it('[T4] are held if the breaker had suspended them, in every zone', async () => {
    const held = (zone: string): Promise<{ id: string; held: boolean }[]> =>
      database.readZone(zone, (tx) => tx.query(`SELECT id, held FROM sessions WHERE id LIKE 'ses_b%' ORDER BY id`));
    for (const zone of ZONES) {
      await make({ zone, id: 'ses_breaker', status: 'suspended' });
      await make({ zone, id: 'ses_by_itself', status: 'suspended' });
      const reasons = [`breaker:fan_out`, 'requested'];
      for (const [at, id] of ['ses_breaker', 'ses_by_itself'].entries())
        await database.withZone(zone, (tx) =>
          tx.query('UPDATE sessions SET suspend_reason = $2 WHERE id = $1', [id, reasons[at]]),
        );
    }
    await test.superuser((client) => runAsOwner(client, HELD));
    for (const zone of ZONES) {
      expect(await held(zone)).toEqual([
        { id: 'ses_breaker', held: true },
        { id: 'ses_by_itself', held: false },
      ]);
      for (const id of ['ses_breaker', 'ses_by_itself']) await become(zone, id, 'terminated');
    }
  });
});
