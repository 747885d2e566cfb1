import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import type { EntryDraft } from '../../src/audit/domain/entry.js';
import { LedgerPartitions } from '../../src/audit/jobs/partitions.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { LedgerReader } from '../../src/audit/ledger-reader.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import type { Clock } from '../../src/kernel/clock.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
const hmac = randomBytes(32);
const keys = new LedgerKeys(hmac);

let test: TestDatabase;
let database: Database;
let dir: string;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  dir = await mkdtemp(`${tmpdir()}/caracal-ledger-`);
});

afterAll(async () => {
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

let zones = 0;
async function newZone(): Promise<string> {
  const slug = `zone-${(zones += 1)}`;
  await makeZone(database, slug);
  return slug;
}

const ledgers: AuditLedger[] = [];
afterAll(() => Promise.all(ledgers.map((ledger) => ledger.close())));
function newLedger(on: Database = database): AuditLedger {
  const ledger = new AuditLedger({ database: on, keys, clock, onFault: () => undefined });
  ledgers.push(ledger);
  return ledger;
}

function draft(zone: string, more: Partial<EntryDraft> = {}): EntryDraft {
  return {
    type: 'exchange',
    zone,
    occurredAt: Date.now(),
    actor: { kind: 'agent', id: 'app_1' },
    decision: 'allow',
    ...more,
  };
}

/** The first fault of a zone as the verifier reports it. */
async function faultOf(zone: string): Promise<{ index: number | undefined; reason: string } | undefined> {
  const [report] = await verifyLedger({ dsn: test.dsn, keys, zone });
  return report?.fault;
}

/** Changes the ledger as somebody with full rights over the database: triggers off, as superuser. */
async function tamper(sql: string, params: unknown[] = []): Promise<void> {
  await test.superuser(async (client) => {
    await client.query('BEGIN');
    for (const table of await partitions(client)) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    await client.query(sql, params);
    await client.query('COMMIT');
  });
}

async function partitions(client: { query(sql: string): Promise<{ rows: { name: string }[] }> }): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass`,
  );
  return [...rows.map((row) => row.name), 'caracal.ledger'];
}

describe('group commit', () => {
  it('[T6] gives 1 000 concurrent entries dense indices in one verifiable chain', async () => {
    const zone = await newZone();
    const ledger = newLedger();
    const appended = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => ledger.append(draft(zone, { detail: { n } }))),
    );
    expect(appended.map((one) => one.index).sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    expect(await faultOf(zone)).toBeUndefined();
  });

  it('[T6] several replicas append to one zone and to many without a fork', async () => {
    const [one, two] = [await newZone(), await newZone()];
    const replicas = [newLedger(), newLedger(await test.open()), newLedger(await test.open())];
    const appended = await Promise.all(
      Array.from({ length: 600 }, (_, n) =>
        (replicas[n % 3] as AuditLedger).append(draft(n % 2 ? one : two, { detail: { n } })),
      ),
    );
    for (const zone of [one, two]) {
      const indices = appended.filter((answer) => answer.zone === zone).map((answer) => answer.index);
      expect(new Set(indices).size).toBe(300);
      expect(Math.max(...indices)).toBe(299);
      expect(await faultOf(zone)).toBeUndefined();
    }
  });

  it('[T2] lets exactly one of 200 parallel uses of one claim through, across replicas, and records the rest as replays', async () => {
    const zone = await newZone();
    const replicas = [newLedger(), newLedger(await test.open())];
    const claim = { kind: 'jti', key: 'one', expiresAt: Date.now() + 60_000 };
    const appended = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        (replicas[n % 2] as AuditLedger).append(draft(zone, { token: { jti: 'j', exp: 1 } }), [claim]),
      ),
    );
    expect(appended.filter((answer) => !answer.replayed)).toHaveLength(1);
    const events = await new LedgerReader(database).events(zone, { facets: { reason: 'replayed' } }, { limit: 200 });
    expect(events).toHaveLength(199);
    expect(events.every((event) => event.entry['decision'] === 'deny' && event.entry['token'] === undefined)).toBe(
      true,
    );
    expect(await faultOf(zone)).toBeUndefined();
  });

  it('gives a released claim to the next', async () => {
    const zone = await newZone();
    const ledger = newLedger();
    const claim = { kind: 'jti', key: 'again', expiresAt: Date.now() + 60_000 };
    expect((await ledger.append(draft(zone), [claim])).replayed).toBe(false);
    await ledger.release(zone, claim);
    expect((await ledger.append(draft(zone), [claim])).replayed).toBe(false);
    expect((await ledger.append(draft(zone), [claim])).replayed).toBe(true);
  });

  it('[T4] spends every budget of an entry or none, one of those that are among the same, and gives back what it took', async () => {
    const zone = await newZone();
    const ledger = newLedger();
    const budget = (key: string, limit: number, among?: string) => ({
      kind: 'calls',
      key,
      limit,
      among,
      expiresAt: Date.now() + 60_000,
    });
    const [whole, x, y] = [budget('whole', 4), budget('x', 1, 'details'), budget('y', 2, 'details')];
    const claims = [x, y, whole];
    const appended = await Promise.all(Array.from({ length: 6 }, () => ledger.append(draft(zone), claims)));
    const won = appended.filter((answer) => !answer.replayed);
    expect(won.map(({ idle }) => idle)).toEqual([[1], [0], [0]]);
    expect(appended.filter(({ lost }) => lost.join() === 'budget')).toHaveLength(3);
    // The three that were refused took nothing of the one that still had a unit.
    expect((await ledger.append(draft(zone), [whole])).replayed).toBe(false);
    expect((await ledger.append(draft(zone), [whole])).lost).toEqual(['budget']);
    for (const claim of [x, whole]) await ledger.release(zone, claim);
    expect((await ledger.append(draft(zone), claims)).idle).toEqual([1]);
    expect((await ledger.append(draft(zone), claims)).lost).toEqual(['budget']);
  });

  it('[T6] refuses when the zone has no ledger, and the other entries of the group still commit', async () => {
    const zone = await newZone();
    const ledger = newLedger();
    const [bad, good] = await Promise.allSettled([ledger.append(draft('nowhere')), ledger.append(draft(zone))]);
    expect(bad.status).toBe('rejected');
    expect(good.status).toBe('fulfilled');
  });

  it('[T8] writes ten refusals of an address in a minute, and how many more there were when it closes', async () => {
    const zone = await newZone();
    const ledger = new AuditLedger({ database, keys, clock, onFault: () => undefined });
    const refusal = draft(zone, {
      type: 'client_auth',
      decision: 'deny',
      reasons: ['invalid_client'],
      client: { address: '192.0.2.7' },
    });
    const written = await Promise.all(Array.from({ length: 25 }, () => ledger.refusal(refusal)));
    expect(written.filter(Boolean)).toHaveLength(10);
    await ledger.close();
    const items = await new LedgerReader(database).events(zone, {}, { limit: 50 });
    expect(items.map(({ entry }) => entry['type'])).toEqual([
      ...Array.from({ length: 10 }, () => 'client_auth'),
      'ledger.coalesced',
    ]);
    expect(items[10]?.entry).toMatchObject({
      decision: 'deny',
      client: { address: '192.0.2.7/32' },
      detail: { count: 15 },
    });
    expect(await faultOf(zone)).toBeUndefined();
  });

  it('[T6] releases a group with a refusal when the database refuses the append', async () => {
    const zone = await newZone();
    const ledger = newLedger();
    await ledger.append(draft(zone));
    await test.superuser((client) =>
      client.query(`UPDATE caracal.ledger_head SET ingested_at = 'infinity' WHERE zone = $1`, [zone]),
    );
    await expect(ledger.append(draft(zone))).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    expect(ledger.available).toBe(false);
    await test.superuser((client) =>
      client.query('UPDATE caracal.ledger_head SET ingested_at = now() WHERE zone = $1', [zone]),
    );
    expect((await ledger.append(draft(zone))).index).toBe(1);
    expect(ledger.available).toBe(true);
  });
});

describe('append function', () => {
  const call = `SELECT caracal.ledger_append($1, $2, $3, ARRAY['01900000-0000-7000-8000-000000000000']::uuid[], ARRAY[now()], ARRAY['k'],
    ARRAY[sha256('\\x00'::bytea || convert_to('{}', 'UTF8'))], ARRAY[sha256('')], ARRAY['{}'], ARRAY[NULL]::text[], ARRAY['type=x'])`;

  it('[T6] refuses a group that is not chained onto the head', async () => {
    const zone = await newZone();
    await newLedger().append(draft(zone));
    const zero = Buffer.alloc(32);
    await expect(database.asAudit((tx) => tx.query(call, [zone, 0, zero]))).rejects.toThrow(/head of/);
    await expect(database.asAudit((tx) => tx.query(call, [zone, 1, zero]))).rejects.toThrow(/head of/);
  });

  it('[T6] refuses an entry that is not its own leaf', async () => {
    const zone = await newZone();
    await expect(
      database.asAudit((tx) =>
        tx.query(call.replace(`convert_to('{}'`, `convert_to('{"a":1}'`), [zone, 0, Buffer.alloc(32)]),
      ),
    ).rejects.toThrow(/not their own leaf/);
  });
});

describe('roles', () => {
  const roles = [
    'caracal_app',
    'caracal_audit',
    'caracal_auditor',
    'caracal_janitor',
    'caracal_system',
    'caracal_queue',
  ] as const;
  const statements = [
    `INSERT INTO caracal.ledger (zone, index, event_id, ingested_at, kid, leaf, chain_mac, entry, facets) VALUES ('z', 0, gen_random_uuid(), now(), 'k', '', '', '', '{}')`,
    `UPDATE caracal.ledger SET entry = '{}'`,
    'DELETE FROM caracal.ledger',
    'TRUNCATE caracal.ledger',
    'DROP TABLE caracal.ledger',
    'ALTER TABLE caracal.ledger DISABLE TRIGGER ALL',
    'UPDATE caracal.ledger_head SET next_index = 0',
    'ALTER FUNCTION caracal.ledger_refuse() RENAME TO gone',
    'SET ROLE caracal_owner',
    `SET session_replication_role = 'replica'`,
    ...['log_checkpoints', 'log_trees', 'ledger_tombstones'].flatMap((table) => [
      `INSERT INTO caracal.${table} (zone) VALUES ('zone-1')`,
      `UPDATE caracal.${table} SET zone = zone`,
      `DELETE FROM caracal.${table}`,
      `TRUNCATE caracal.${table}`,
      `DROP TABLE caracal.${table}`,
      `ALTER TABLE caracal.${table} DISABLE TRIGGER ALL`,
      `ALTER TABLE caracal.${table} NO FORCE ROW LEVEL SECURITY`,
      `CREATE POLICY all_of_it ON caracal.${table} USING (true)`,
      `CREATE RULE nothing AS ON UPDATE TO caracal.${table} DO INSTEAD NOTHING`,
    ]),
  ];

  it.each(roles)('[T6] %s can change nothing of the ledger, its log and its tombstones', async (role) => {
    const pg = (await import('pg')).default;
    const client = new pg.Client(database.connectionOptions(role));
    await client.connect();
    try {
      await client.query(`SELECT set_config('caracal.zone', 'zone-1', false)`);
      for (const sql of statements) await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
      const table = (await test.superuser(partitions))[0] as string;
      await expect(client.query(`SELECT * FROM ${table}`)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await client.end();
    }
  });

  it('[T6] the owner itself cannot update, delete or truncate while the triggers stand', async () => {
    const zone = await newZone();
    await newLedger().append(draft(zone));
    await test.superuser(async (client) => {
      await client.query('SET ROLE caracal_owner');
      await client.query(`SELECT set_config('caracal.zone', $1, false)`, [zone]);
      for (const sql of [
        `UPDATE caracal.ledger SET entry = '{}'`,
        'DELETE FROM caracal.ledger',
        'TRUNCATE caracal.ledger',
      ]) {
        await expect(client.query(sql)).rejects.toThrow(/append-only/);
      }
    });
  });

  it('[T1] shows a zone nothing of another, and nothing at all without a zone', async () => {
    const [one, two] = [await newZone(), await newZone()];
    const ledger = newLedger();
    await Promise.all([ledger.append(draft(one)), ledger.append(draft(two))]);
    const rows = await database.asAuditor(one, (tx) =>
      tx.query<{ zone: string }>('SELECT DISTINCT zone FROM caracal.ledger'),
    );
    expect(rows).toEqual([{ zone: one }]);
    expect(await database.asAudit((tx) => tx.query('SELECT * FROM caracal.ledger_head'))).toEqual([]);
  });
});

describe('verification over the database', () => {
  async function filled(): Promise<string> {
    const zone = await newZone();
    const ledger = newLedger();
    for (let n = 0; n < 6; n += 1) await ledger.append(draft(zone, { detail: { n } }));
    expect(await faultOf(zone)).toBeUndefined();
    return zone;
  }

  const columns = 'zone, index, event_id, ingested_at, kid, leaf, chain_mac, entry, request_id, facets';
  const copied = (index: string, eventId: string, ingestedAt: string) =>
    `INSERT INTO caracal.ledger (${columns}) SELECT zone, ${index}, ${eventId}, ${ingestedAt}, kid, leaf, chain_mac, entry, request_id, facets
       FROM caracal.ledger l WHERE zone = $1 AND index = 4`;
  const INSERTED = `WITH later AS (UPDATE caracal.ledger SET index = index + 1, ingested_at = ingested_at + index * interval '1 microsecond'
      WHERE zone = $1 AND index >= 2)
    ${copied('2', 'gen_random_uuid()', `ingested_at + interval '1 microsecond'`)}`;

  it.each<[string, string, number | undefined, string]>([
    [
      'an edited entry',
      `UPDATE caracal.ledger SET entry = replace(entry, '"n":2', '"n":9') WHERE zone = $1 AND index = 2`,
      2,
      'entry bytes do not match the leaf hash',
    ],
    ['a deleted first entry', `DELETE FROM caracal.ledger WHERE zone = $1 AND index = 0`, 0, 'entry is missing'],
    [
      'an edited entry with the leaf of the edit',
      `UPDATE caracal.ledger SET entry = e.text, leaf = sha256('\\x00'::bytea || convert_to(e.text, 'UTF8'))
         FROM (SELECT replace(entry, '"n":2', '"n":9') AS text FROM caracal.ledger WHERE zone = $1 AND index = 2) e
        WHERE zone = $1 AND index = 2`,
      2,
      'chain value does not match',
    ],
    ['an inserted entry, the rest renumbered', INSERTED, 2, 'entry is back-dated'],
    [
      'entries that changed places',
      `UPDATE caracal.ledger SET index = 5 - index, ingested_at = date_trunc('milliseconds', now()) + interval '1 second' WHERE zone = $1 AND index IN (2, 3)`,
      2,
      'chain value does not match',
    ],
    [
      'an index that is there twice',
      copied('index', `gen_random_uuid()`, `l.ingested_at + interval '1 day'`),
      4,
      'index is duplicated or out of order',
    ],
    ['an event that is there twice', copied('6', 'event_id', 'ingested_at'), 6, 'event id is duplicated'],
    [
      'a back-dated entry',
      `UPDATE caracal.ledger SET ingested_at = ingested_at - interval '1 minute' WHERE zone = $1 AND index = 4`,
      4,
      'entry is back-dated',
    ],
    [
      'another chain key',
      `UPDATE caracal.ledger SET kid = 'lh-9' WHERE zone = $1 AND index = 1`,
      1,
      'chain key lh-9 is not in the key ring',
    ],
    [
      'another chain value',
      `UPDATE caracal.ledger SET chain_mac = leaf WHERE zone = $1 AND index = 1`,
      1,
      'chain value does not match',
    ],
    ['a deleted middle entry', `DELETE FROM caracal.ledger WHERE zone = $1 AND index = 3`, 3, 'entry is missing'],
    ['a cut tail', `DELETE FROM caracal.ledger WHERE zone = $1 AND index = 5`, 5, 'entries 5 to 5 are missing'],
    ['an emptied zone', `DELETE FROM caracal.ledger WHERE zone = $1`, 0, 'entries 0 to 5 are missing'],
    [
      'a time moved by less than a millisecond',
      `UPDATE caracal.ledger SET ingested_at = ingested_at + interval '1 microsecond' WHERE zone = $1 AND index = 4`,
      4,
      'entry is back-dated',
    ],
    [
      'renumbered entries',
      `UPDATE caracal.ledger SET index = index + 10 WHERE zone = $1 AND index >= 3`,
      3,
      'entry is missing',
    ],
    [
      'a head set back',
      `UPDATE caracal.ledger_head SET next_index = 4 WHERE zone = $1`,
      undefined,
      'the head says 4 entries, the ledger holds 6',
    ],
    ['a missing head', `DELETE FROM caracal.ledger_head WHERE zone = $1`, undefined, 'the zone has no ledger head'],
  ])('[T6] reports %s with its index and the reason', async (_name, sql, index, reason) => {
    const zone = await filled();
    await tamper(sql, [zone]);
    expect(await faultOf(zone)).toEqual({ index, reason });
  });

  it('[T6] a future-dated entry makes no partition and is in the way of none: it is refused where there is none, and the next are appended', async () => {
    const zone = await newZone();
    const [present, months] = [newLedger(), (n: number) => n * 31 * 86_400_000];
    const ahead = (ms: number): AuditLedger => {
      const later: Clock = { now: () => Date.now() + ms, monotonic: () => performance.now() };
      const ledger = new AuditLedger({ database, keys, clock: later, onFault: () => undefined });
      ledgers.push(ledger);
      return ledger;
    };
    const before = await test.superuser(partitions);
    for (const far of [months(4), months(1_200)])
      await expect(ahead(far).append(draft(zone, { occurredAt: Date.now() + far }))).rejects.toThrow();
    expect(await test.superuser(partitions)).toEqual(before);
    expect(await present.append(draft(zone))).toMatchObject({ index: 0 });
    // A clock that is ahead by less than the partitions are: its time stands, and nobody's entry is refused for being earlier.
    expect(await ahead(months(1)).append(draft(zone))).toMatchObject({ index: 1 });
    expect(await present.append(draft(zone, { occurredAt: Date.now() }))).toMatchObject({ index: 2 });
    await new LedgerPartitions(database).makeAhead();
    const made = `SELECT caracal.ledger_make_partition((now() + interval '4 months')::date) AS made`;
    expect(await database.asJanitor((tx) => tx.query(made))).toEqual([{ made: true }]);
    expect(await faultOf(zone)).toBeUndefined();
  });
});
