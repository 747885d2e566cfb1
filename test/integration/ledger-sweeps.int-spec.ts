import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import { AuditedChanges } from '../../src/audit/audited-changes.js';
import { ChainVerifier } from '../../src/audit/domain/verify-chain.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { LedgerReader } from '../../src/audit/ledger-reader.js';
import { LogIdentity } from '../../src/audit/log/log-identity.js';
import { LogRows } from '../../src/audit/log/log-rows.js';
import { LogSigner } from '../../src/audit/log/log-signer.js';
import { SeenCheckpoints } from '../../src/audit/log/seen-checkpoints.js';
import { LedgerSweeps } from '../../src/audit/sweep/ledger-sweeps.js';
import { SweepReading } from '../../src/audit/sweep/sweep-reading.js';
import type { Finding, Sweep } from '../../src/audit/sweep/sweep-rows.js';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import type { Database } from '../../src/platform/database/index.js';
import type { MessageHandler, Queues } from '../../src/platform/queue/index.js';
import { systemClock as clock } from '../../src/platform/system-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { tamperWith } from '../support/log.js';
import { makeLoggedZone } from '../support/zone.js';

const keys = new LedgerKeys(randomBytes(32));
const identity = new LogIdentity([randomBytes(32)], () => 'log.test');
const ENTRIES = 120;
/** Progress is saved every ten batches, so twice on the way. */
const BATCH = 5;

let test: TestDatabase;
let database: Database;
let ledger: AuditLedger;
let signer: LogSigner;
let dir: string;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  ledger = new AuditLedger({ database, keys, clock, onFault: () => undefined });
  dir = await mkdtemp(join(tmpdir(), 'caracal-sweeps-'));
  const seen = new SeenCheckpoints(dir, (origin) => identity.verifiers(origin));
  signer = new LogSigner({ rows: new LogRows(database), seen, identity, clock, onFault: () => undefined });
  await signer.compare();
});

afterEach(() => void jest.restoreAllMocks());

afterAll(async () => {
  await ledger.close();
  await signer.stop();
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

/** A replica's sweeps, on connections of its own, and what its queues would have it do. */
interface Replica {
  readonly database: Database;
  readonly sweeps: LedgerSweeps;
  readonly alarms: Finding[];
  request(zone: string): Promise<string>;
  /** What the queue does with the job of a sweep; again on another replica when the first did not end it. */
  deliver(zone: string, sweep: string): Promise<void>;
  /** The hourly tick. */
  tick(): Promise<void>;
}

async function replica(): Promise<Replica> {
  const own = await test.open();
  const feed = new ChangeFeed({ database: own, clock, maxStalenessMs: 2_000, onFault: () => undefined });
  await feed.poll();
  const changes = new AuditedChanges({ database: own, feed, keys, clock });
  const alarms: Finding[] = [];
  const alarm = (_zone: string, finding: Finding) => void alarms.push(finding);
  const sweeps = new LedgerSweeps({ database: own, changes, keys, clock, alarm, batch: BATCH });
  let handle: MessageHandler | undefined;
  let tick: (() => Promise<void>) | undefined;
  sweeps.register({
    consume: (_queue: string, handlers: Record<string, MessageHandler>) => (handle = handlers['ledger-sweep']),
    schedule: (_name: string, _every: number, run: () => Promise<void>) => (tick = run),
  } as unknown as Queues);
  const job = { queue: 'maintenance', name: 'ledger-sweep', issuedAt: 0, expiresAt: 1 } as const;
  return {
    database: own,
    sweeps,
    alarms,
    request: (zone) => changes.run(zone, (tx) => sweeps.request(tx)),
    deliver: async (zone, sweep) => handle?.({ ...job, id: sweep, zone, body: { sweep } }),
    tick: async () => tick?.(),
  };
}

let zones = 0;
/** A zone whose first twenty entries are under a checkpoint, and all of them under another. */
async function filled(): Promise<string> {
  const zone = `sweep-${(zones += 1)}`;
  await makeLoggedZone(database, zone, identity);
  for (const count of [20, ENTRIES - 20]) {
    const draft = { type: 'exchange', zone, occurredAt: clock.now(), actor: { kind: 'system' } } as const;
    await Promise.all(Array.from({ length: count }, () => ledger.append(draft)));
    await signer.look(true);
  }
  const signed = await database.asAuditor(zone, (tx) =>
    tx.query('SELECT size FROM caracal.log_checkpoints WHERE zone = $1 ORDER BY size', [zone]),
  );
  expect(signed).toEqual([{ size: '20' }, { size: String(ENTRIES) }]);
  return zone;
}

/** The leader loses its database after so many entries, in the middle of its sweep, as it would by its own end. */
function dieAfter(leader: Replica, entries: number): void {
  const read = SweepReading.prototype.links;
  jest.spyOn(SweepReading.prototype, 'links').mockImplementation(async function (this: SweepReading, ...range) {
    if (range[1] + 1 >= entries) {
      jest.mocked(SweepReading.prototype.links).mockRestore();
      await leader.database.close();
    }
    return read.apply(this, range);
  });
}

/** Indices of the entries whose chain is checked from here on, in order. */
function checked(): number[] {
  const indices: number[] = [];
  const check = ChainVerifier.prototype.check;
  jest.spyOn(ChainVerifier.prototype, 'check').mockImplementation(function (this: ChainVerifier, row) {
    indices.push(row.index);
    return check.call(this, row);
  });
  return indices;
}

const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

const sweepsOf = async (zone: string): Promise<{ id: string; status: Sweep['status']; next_index: string }[]> =>
  database.withZone(zone, (tx) =>
    tx.query('SELECT id, status, next_index FROM ledger_sweeps WHERE zone = $1 ORDER BY started_at', [zone]),
  );

const findingsIn = async (zone: string) =>
  (await new LedgerReader(database).events(zone, { facets: { type: 'ledger.finding' } }, { limit: 10 })).map(
    ({ entry }) => entry['detail'],
  );

/** A sweep of a whole ledger whose leader went away after 105 entries, 100 of them saved. */
async function interrupted(): Promise<{ zone: string; id: string; next: Replica }> {
  const zone = await filled();
  const [leader, next] = [await replica(), await replica()];
  const id = await leader.request(zone);
  dieAfter(leader, 110);
  await expect(leader.deliver(zone, id)).rejects.toThrow();
  expect(await sweepsOf(zone)).toEqual([{ id, status: 'running', next_index: '100' }]);
  return { zone, id, next };
}

/** Changes the ledger with every right over the database, and leaves its guards as they were. */
async function tamper(sql: string, zone: string): Promise<void> {
  await tamperWith(test.dsn, [[sql, [zone]]]);
  await test.superuser(async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass`,
    );
    for (const { name } of rows)
      for (const trigger of ['ledger_no_change', 'ledger_no_truncate'])
        await client.query(`ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${trigger}`);
  });
}

describe('a sweep whose leader is gone', () => {
  it('[T6] is taken over by another replica, which goes on where it stood and ends it', async () => {
    const { zone, id, next } = await interrupted();
    const indices = checked();
    await next.deliver(zone, id);
    expect(indices).toEqual(upTo(100, ENTRIES));
    expect(await next.sweeps.get(zone, id)).toMatchObject({ status: 'done', findings: [] });
    await next.deliver(zone, id);
    expect(indices).toHaveLength(ENTRIES - 100);
  });

  it('[T6] is ended by the hourly one of another replica, which makes no second beside it and sweeps anew the next time', async () => {
    const { zone, id, next } = await interrupted();
    const indices = checked();
    await next.tick();
    expect(await sweepsOf(zone)).toMatchObject([{ id, status: 'done' }]);
    const ofThisZone = indices.slice(-(ENTRIES - 100));
    expect(ofThisZone).toEqual(upTo(100, ENTRIES));
    await next.tick();
    expect(indices.slice(-ENTRIES)).toEqual(upTo(0, ENTRIES));
    expect(await sweepsOf(zone)).toMatchObject([{ id }, { status: 'done' }]);
    expect(await next.sweeps.isSound()).toBe(true);
  });

  it.each<[string, string, Finding]>([
    [
      'behind where it stood',
      `UPDATE caracal.ledger SET entry = entry || ' ' WHERE zone = $1 AND index = 110`,
      { index: 110, kind: 'chain', reason: 'entry bytes do not match the leaf hash' },
    ],
    [
      'in the leaves that it had accepted',
      `UPDATE caracal.ledger SET leaf = sha256('forged') WHERE zone = $1 AND index = 7`,
      { index: 19, kind: 'checkpoint', reason: 'the first 20 entries are not those that were signed' },
    ],
    [
      'among the entries that it had accepted',
      'DELETE FROM caracal.ledger WHERE zone = $1 AND index = 33',
      { index: 33, kind: 'chain', reason: 'entry is missing or duplicated' },
    ],
    [
      'in a root that it had compared',
      `UPDATE caracal.log_checkpoints SET root = sha256('forged') WHERE zone = $1 AND size = 20`,
      { index: 19, kind: 'checkpoint', reason: 'the first 20 entries are not those that were signed' },
    ],
  ])('[T6] finds what was changed meanwhile %s, once, whoever ends it', async (_, sql, finding) => {
    const { zone, id, next } = await interrupted();
    await tamper(sql, zone);
    const third = await replica();
    // Delivered twice, to two at once: one ends it.
    await Promise.all([next.deliver(zone, id), third.deliver(zone, id)]);
    expect((await next.sweeps.get(zone, id)).findings).toEqual([finding]);
    expect([...next.alarms, ...third.alarms]).toEqual([finding]);
    expect(await findingsIn(zone)).toEqual([{ ...finding, sweep: id }]);
  });
});

describe('the sweep of all zones', () => {
  it('[T6] goes on when one of them cannot be swept, which is told and made up for the next time', async () => {
    const [broken, sound] = [await filled(), await filled()];
    await tamper("UPDATE caracal.ledger SET entry = entry || ' ' WHERE zone = $1 AND index = 3", sound);
    await test.superuser((client) =>
      client.query(`
        CREATE FUNCTION caracal.no_sweep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no sweep'; END $$;
        CREATE TRIGGER no_sweep BEFORE INSERT ON caracal.ledger_sweeps FOR EACH ROW WHEN (NEW.zone = '${broken}') EXECUTE FUNCTION caracal.no_sweep()`),
    );
    const leader = await replica();
    await expect(leader.tick()).rejects.toThrow('no sweep');
    expect(await sweepsOf(broken)).toEqual([]);
    expect(await sweepsOf(sound)).toMatchObject([{ status: 'done' }]);
    expect(leader.alarms.map(({ index }) => index)).toContain(3);
    await test.superuser((client) => client.query('DROP TRIGGER no_sweep ON caracal.ledger_sweeps'));
    await leader.tick();
    expect(await sweepsOf(broken)).toMatchObject([{ status: 'done' }]);
  });
});

describe('a sweep of a ledger that was cut off', () => {
  const setBack = `UPDATE caracal.ledger_head h SET next_index = 110, chain_mac = (
    SELECT l.chain_mac FROM caracal.ledger l WHERE l.zone = h.zone AND l.index = 109) WHERE h.zone = $1`;

  it('[T6] finds it, and the same each time, when its head was set back with it', async () => {
    const zone = await filled();
    await tamper('DELETE FROM caracal.ledger WHERE zone = $1 AND index >= 110', zone);
    await tamper(setBack, zone);
    const [own, wrong] = [await replica(), 'the entry was signed, and the ledger ends before it'];
    const finding = { index: ENTRIES - 1, kind: 'checkpoint', reason: wrong };
    for (let twice = 0; twice < 2; twice += 1) {
      const id = await own.request(zone);
      await own.deliver(zone, id);
      expect((await own.sweeps.get(zone, id)).findings).toEqual([finding]);
    }
    expect(own.alarms).toEqual([finding]);
  });

  it('[T6] finds it when its head alone was set back', async () => {
    const zone = await filled();
    await tamper(setBack, zone);
    const own = await replica();
    const id = await own.request(zone);
    await own.deliver(zone, id);
    const finding = { index: 110, kind: 'head', reason: 'the entry is behind the end of the ledger' };
    expect((await own.sweeps.get(zone, id)).findings).toEqual([finding]);
  });
});

describe('a sweep of what is derived from a ledger', () => {
  it.each<[string, string, Finding]>([
    [
      'a hash in the tiles',
      "UPDATE caracal.log_tiles SET hashes = overlay(hashes PLACING '\\x00'::bytea FROM 7 * 32 + 1) WHERE zone = $1",
      { index: 7, kind: 'tile', reason: 'the entries from here do not hash to tile/0/000' },
    ],
    [
      'the end of a tile',
      'UPDATE caracal.log_tiles SET hashes = substr(hashes, 1, 100 * 32) WHERE zone = $1',
      { index: 100, kind: 'tile', reason: 'the entries from here do not hash to tile/0/000' },
    ],
    [
      'the last checkpoint',
      `DELETE FROM caracal.log_checkpoints WHERE zone = $1 AND size = ${ENTRIES}`,
      { kind: 'checkpoint', reason: `the last checkpoint, of ${ENTRIES} entries, is missing` },
    ],
  ])('[T6] finds that %s was changed or removed', async (_, sql, finding) => {
    const zone = await filled();
    const own = await replica();
    const sweep = async () => {
      const id = await own.request(zone);
      await own.deliver(zone, id);
      return (await own.sweeps.get(zone, id)).findings;
    };
    expect(await sweep()).toEqual([]);
    await tamper(sql, zone);
    expect(await sweep()).toEqual([finding]);
  });
});
