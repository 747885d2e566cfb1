import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { AuditedChanges, type ChangeStep } from '../../src/audit/audited-changes.js';
import { startTestApp, type TestAnswer, type TestApp } from '../support/app.js';
import { TEST_DATABASE_PASSWORD } from '../support/database.js';
import { adminOf } from '../support/fixtures.js';
import { eventually, tamperWith } from '../support/log.js';
import { type AskAudit, longAgo, makeDue, OLD, oldPartition, oldZone } from '../support/old-ledger.js';
import { newDataDir, removeDataDir, startServer } from '../support/server.js';

interface Entry {
  readonly type: string;
  readonly detail: { readonly from: number; readonly to: number; readonly kept_by?: string };
}

let app: TestApp;
let root: pg.Client;
/** A reader of the ledger that does not come to its end, as a backup. */
let reader: pg.Client;
/** Holds the head of one ledger, so that nothing is appended to it. */
let writer: pg.Client;
let shipped: readonly { readonly proconfig: readonly string[] }[];
/** Ends who reads and appends meanwhile; answers how that was answered. */
let stopReading = async (): Promise<ReadonlySet<number>> => new Set();
let watched: ((zone: string, step: ChangeStep) => void | Promise<void>) | undefined;

beforeAll(async () => {
  app = await startTestApp();
  const clients = [1, 2, 3].map(() => new pg.Client({ connectionString: app.dsn }));
  await Promise.all(clients.map((client) => client.connect()));
  [root, reader, writer] = clients as [pg.Client, pg.Client, pg.Client];
  const { rows } = await root.query<{ proconfig: string[] }>(
    `SELECT proconfig FROM pg_proc WHERE proname IN ('ledger_account_partition', 'ledger_drop_partition')`,
  );
  shipped = rows;
  await patience('60s');
  app.running.app.get(AuditedChanges).onStep((zone, step) => watched?.(zone, step));
}, 60_000);

afterEach(async () => {
  await stopReading();
  watched = undefined;
  await Promise.all([reader.query('ROLLBACK'), writer.query('ROLLBACK')]);
});

afterAll(async () => {
  await Promise.all([root.end(), reader.end(), writer.end()]);
  await app.close();
});

/** How long a drop waits for others: as long as a busy machine needs here, unless a test is about that. */
const patience = async (limit: string) => {
  for (const step of ['account', 'drop'])
    await root.query(`ALTER FUNCTION caracal.ledger_${step}_partition(date) SET lock_timeout = '${limit}'`);
};

let months = 2;
/** A zone that has a month of its own, of which nothing is left to do but to drop it. */
async function dueZone(name: string): Promise<{ zone: string; ask: AskAudit }> {
  const at = longAgo((months += 1));
  await oldPartition(root, at);
  const zone = `drop-${name}`;
  const ask = await oldZone(app, zone, at);
  await makeDue(ask);
  return { zone, ask };
}

/** What the ledger says of drops, in order. */
async function said(ask: AskAudit): Promise<Entry[]> {
  const { items } = (await ask('GET', '/events?limit=200')).body as { items: { entry: Entry }[] };
  return items.map(({ entry }) => entry).filter(({ type }) => type.startsWith('ledger.drop'));
}

const types = async (ask: AskAudit): Promise<string[]> => (await said(ask)).map(({ type }) => type);

const isThere = async (ask: AskAudit): Promise<boolean> => (await ask('GET', '/events/0')).status === 200;

/** From here on until its end, nobody can drop anything. */
async function beginReading(by = 'LOCK TABLE ONLY caracal.ledger IN ACCESS SHARE MODE'): Promise<void> {
  await reader.query('BEGIN');
  await reader.query(by);
}

/** Waits until somebody waits for a lock in a statement that has these words. */
async function waitingIn(words: string): Promise<void> {
  await eventually(
    () =>
      root.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND strpos(query, $1) > 0 AND pid <> pg_backend_pid()`,
        [words],
      ),
    ({ rowCount }) => (rowCount ?? 0) > 0,
  );
}

/** Somebody else, who reads ledgers and appends to them all the time. */
function readAndWrite(by: TestApp): void {
  const statuses = new Set<number>();
  let going = true;
  const again = async (ask: () => Promise<TestAnswer>): Promise<void> => {
    while (going) statuses.add((await ask()).status);
  };
  const path = '/v1/zones/_system/audit';
  const loops = [
    again(() => by.admin('GET', `${path}/events?limit=1`)),
    again(() =>
      by.admin('GET', `${path}/requests/none`).then((answer) => ({ ...answer, status: answer.status - 404 })),
    ),
    again(() => by.admin('PUT', `${path}/retention`, { days: 365 })),
  ];
  stopReading = async () => {
    going = false;
    await Promise.all(loops);
    return statuses;
  };
}

const DROPPED = ['ledger.drop_announced', 'ledger.dropped'];
const WITHHELD = ['ledger.drop_announced', 'ledger.drop_withheld'];

describe('a drop and a hold of the same moment', () => {
  it('[T6] a hold that is being made is waited for, and keeps what was about to go', async () => {
    const { zone, ask } = await dueZone('held');
    let applying: Promise<TestAnswer> | undefined;
    watched = async (where, step) => {
      if (where !== zone || step !== 'rows') return;
      watched = undefined;
      // The row of the hold is written and not committed. What is dropped now would be dropped from under it.
      applying = ask('POST', '/retention/apply');
      await waitingIn('ledger_drop_partition');
    };
    expect((await ask('POST', '/holds', { to: 1, reason: 'litigation' })).status).toBe(201);
    expect(await applying).toMatchObject({ status: 409, body: { code: 'retention_hold' } });
    expect([await isThere(ask), await types(ask)]).toEqual([true, WITHHELD]);
    expect((await said(ask)).at(-1)?.detail).toMatchObject({ from: 0, to: OLD, kept_by: 'hold' });
  });

  it('[T6] a hold that comes while the drop goes on is refused with 410, and nothing says that it stands', async () => {
    const { ask } = await dueZone('gone');
    await beginReading();
    const applying = ask('POST', '/retention/apply');
    await waitingIn('ledger_drop_partition');
    const holding = ask('POST', '/holds', { from: 0, to: 1, reason: 'too late' });
    await waitingIn('INSERT INTO caracal.ledger_holds');
    await reader.query('COMMIT');
    expect(await applying).toMatchObject({ status: 200, body: { months: [{ dropped: true }] } });
    expect(await holding).toMatchObject({ status: 410, body: { code: 'gone' } });
    expect((await ask('GET', '/holds')).body.items).toEqual([]);
    expect([await isThere(ask), await types(ask)]).toEqual([false, DROPPED]);
    // Of what is left, everything can be held, and without saying where it begins.
    for (const range of [{}, { from: OLD }]) {
      const hold = (await ask('POST', '/holds', { ...range, reason: 'the rest' })).body;
      expect((await ask('DELETE', `/holds/${hold.id}`, { reason: 'settled' })).status).toBe(204);
    }
    for (const range of [{ to: OLD }, { from: OLD - 1 }])
      expect((await ask('POST', '/holds', { ...range, reason: 'too late' })).status).toBe(410);
    expect((await ask('POST', '/exports', { format: 'jsonl', from: 0 })).body).toMatchObject({ code: 'gone' });
    expect((await ask('POST', '/exports', { format: 'jsonl' })).body).toMatchObject({ from: OLD });
  });

  it('[T6] whichever of many is first: what was answered to be on hold is there, and the ledger says what happened', async () => {
    const replica = await app.replica();
    readAndWrite(replica);
    for (let round = 0; round < 4; round += 1) {
      const { zone, ask } = await dueZone(`race-${round}`);
      const other: AskAudit = (method, path, body) => replica.admin(method, `/v1/zones/${zone}/audit${path}`, body);
      const late = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      const [hold, ...applied] = await Promise.all([
        late(round * 15).then(() => other('POST', '/holds', { to: 1, reason: 'race' })),
        ask('POST', '/retention/apply'),
        other('POST', '/retention/apply'),
      ]);
      const there = await isThere(ask);
      expect([zone, hold.status]).toEqual([zone, there ? 201 : 410]);
      for (const { status } of applied) expect([200, 409]).toContain(status);
      // Each announcement has its end; two processes may have announced it one after the other.
      const told = (await types(ask)).join(' ');
      const end = there ? `(${WITHHELD.join(' ')} ?)*` : `(${WITHHELD.join(' ')} )*${DROPPED.join(' ')}`;
      expect(told).toMatch(new RegExp(`^${end}$`));
      if (there) await ask('DELETE', `/holds/${hold.body.id}`, { reason: 'next' });
      expect((await ask('POST', '/retention/apply')).status).toBe(200);
      expect([await isThere(ask), (await types(ask)).at(-1)]).toEqual([false, 'ledger.dropped']);
    }
    const statuses = await stopReading();
    expect([statuses.size > 0, [...statuses].filter((status) => status >= 300)]).toEqual([true, []]);
  }, 60_000);
});

describe('a drop while somebody reads the ledger', () => {
  it.each([
    ['all of it', 'SELECT count(*) FROM caracal.ledger'],
    ['another part of it', 'LOCK TABLE ONLY caracal.ledger IN ACCESS SHARE MODE'],
  ])('[T8] %s: gives up soon, keeps no append waiting, and is made up for', async (name, reading) => {
    const { ask } = await dueZone(`busy-${name.length}`);
    await patience('200ms');
    await beginReading(reading);
    const { status, body } = await ask('POST', '/retention/apply');
    expect([status, body.months]).toEqual([200, [expect.objectContaining({ dropped: false, kept_by: 'busy' })]]);
    expect((await ask('PUT', '/retention', { days: 31 })).status).toBe(200);
    expect([await isThere(ask), await types(ask)]).toEqual([true, ['ledger.drop_announced']]);
    await reader.query('COMMIT');
    await patience('60s');
    expect((await ask('POST', '/retention/apply')).body).toMatchObject({ months: [{ dropped: true }] });
    expect(await types(ask)).toEqual(DROPPED);
  });

  it('[T8] waits for no more than a second, as shipped', () => {
    expect(shipped.map(({ proconfig }) => proconfig.includes('lock_timeout=1s'))).toEqual([true, true]);
  });
});

describe('a month that is not as its export has it', () => {
  it('[T6] is not dropped, which is said, and does not keep others', async () => {
    const [spoiled, sound] = [await dueZone('spoiled'), await dueZone('sound')];
    const { id } = (await spoiled.ask('GET', '/exports')).body.items[0];
    await rm(join(app.dataDir, 'exports', spoiled.zone, id), { recursive: true });
    const edit =
      "UPDATE caracal.ledger SET entry = replace(entry, 'exchange', 'exchangE') WHERE zone = $1 AND index = 2";
    await tamperWith(app.dsn, [[edit, [spoiled.zone]]]);
    const { status, body } = await spoiled.ask('POST', '/retention/apply');
    expect([status, body.months]).toEqual([200, [expect.objectContaining({ dropped: false, kept_by: 'failed' })]]);
    expect([await isThere(spoiled.ask), await types(spoiled.ask)]).toEqual([true, []]);
    expect(app.logs()).toMatch(/does not give the bytes of .* any more/);
    expect([await isThere(sound.ask), await types(sound.ask)]).toEqual([false, DROPPED]);
    await spoiled.ask('POST', '/holds', { reason: 'evidence' });
  });
});

describe('kill -9 in the middle of a drop', () => {
  /** Another replica, a process of its own, is asked to apply retention and killed at a moment of the drop. */
  async function killed(zone: string, moment: () => Promise<unknown>): Promise<void> {
    const dataDir = await newDataDir();
    await cp(join(app.dataDir, 'secrets'), join(dataDir, 'secrets'), { recursive: true });
    const victim = await startServer(dataDir, {
      DATABASE_URL: app.dsn,
      DATABASE_MIGRATE_URL: app.dsn,
      DATABASE_PASSWORD: TEST_DATABASE_PASSWORD,
    });
    try {
      const { admin } = adminOf(victim.url, victim.adminToken);
      const asked = admin('POST', `/v1/zones/${zone}/audit/retention/apply`).catch(() => undefined);
      await moment();
      await victim.end('SIGKILL');
      await asked;
    } finally {
      await victim.end('SIGKILL');
      await removeDataDir(dataDir);
    }
  }

  it('[T6] after it was announced: it is still there, and dropped by whoever comes next', async () => {
    const { zone, ask } = await dueZone('killed-before');
    await beginReading();
    await killed(zone, () => waitingIn('ledger_drop_partition'));
    await reader.query('COMMIT');
    expect([await isThere(ask), await types(ask)]).toEqual([true, ['ledger.drop_announced']]);
    expect((await ask('POST', '/retention/apply')).body).toMatchObject({ months: [{ dropped: true }] });
    expect([await isThere(ask), await types(ask)]).toEqual([false, DROPPED]);
  }, 60_000);

  it('[T6] after it was announced, and then it is put on hold: the ledger says that it was withheld', async () => {
    const { zone, ask } = await dueZone('killed-held');
    await beginReading();
    await killed(zone, () => waitingIn('ledger_drop_partition'));
    await reader.query('COMMIT');
    expect((await ask('POST', '/holds', { to: 1, reason: 'in time' })).status).toBe(201);
    for (let twice = 0; twice < 2; twice += 1)
      expect(await ask('POST', '/retention/apply')).toMatchObject({ status: 409, body: { code: 'retention_hold' } });
    expect([await isThere(ask), await types(ask)]).toEqual([true, WITHHELD]);
  }, 60_000);

  it('[T6] after it happened and before that was said: it is said by whoever comes next, once', async () => {
    const { zone, ask } = await dueZone('killed-after');
    await beginReading();
    await killed(zone, async () => {
      await waitingIn('ledger_drop_partition');
      await writer.query('BEGIN');
      await writer.query('SELECT 1 FROM caracal.ledger_head WHERE zone = $1 FOR UPDATE', [zone]);
      await reader.query('COMMIT');
      await waitingIn('ledger_lock');
    });
    await writer.query('COMMIT');
    expect([await isThere(ask), await types(ask)]).toEqual([false, ['ledger.drop_announced']]);
    for (let twice = 0; twice < 2; twice += 1) expect((await ask('POST', '/retention/apply')).status).toBe(200);
    expect(await types(ask)).toEqual(DROPPED);
  }, 60_000);
});
