import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { LogIdentity } from '../../src/audit/log/log-identity.js';
import { LogRows } from '../../src/audit/log/log-rows.js';
import { LogSigner } from '../../src/audit/log/log-signer.js';
import { SeenCheckpoints } from '../../src/audit/log/seen-checkpoints.js';
import { KeptCheckpoints } from '../../src/audit/verify/database/kept-checkpoints.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import type { Clock } from '../../src/kernel/clock.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { opened, setBack, tamperWith, treeHash } from '../support/log.js';

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
const seed = randomBytes(32);
const identity = new LogIdentity([seed], () => 'log.test');
const keys = new LedgerKeys(randomBytes(32));

let test: TestDatabase;
let database: Database;
let rows: LogRows;
let ledger: AuditLedger;
const dirs: string[] = [];

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  rows = new LogRows(database);
  ledger = new AuditLedger({ database, keys, clock, onFault: () => undefined });
});

afterAll(async () => {
  await ledger.close();
  await test.drop();
  await Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true })));
});

/** A replica that signs: its own directory, its own identity as a holder of terms. */
class Replica {
  readonly faults: unknown[] = [];
  readonly signer: LogSigner;

  constructor(
    readonly dir: string,
    on: LogRows = rows,
  ) {
    const seen = new SeenCheckpoints(dir, (origin) => identity.verifiers(origin));
    this.signer = new LogSigner({ rows: on, seen, identity, clock, onFault: (error) => this.faults.push(error) });
  }

  static async start(dir?: string, on?: LogRows): Promise<Replica> {
    const replica = new Replica(dir ?? (await newDir()), on);
    await replica.signer.compare();
    return replica;
  }
}

async function newDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caracal-log-'));
  dirs.push(dir);
  return dir;
}

let zones = 0;
async function newZone(): Promise<string> {
  const zone = `log-${(zones += 1)}`;
  const origin = identity.origin(zone);
  await database.withZone(zone, async (tx) => {
    await tx.query('INSERT INTO zones (slug, id, name, log_origin, log_vkey) VALUES ($1, $2, $1, $3, $4)', [
      zone,
      `zon_${zone}`,
      origin,
      identity.verifierKey(origin),
    ]);
    await tx.query('SELECT caracal.ledger_open($1)', [zone]);
  });
  return zone;
}

const append = (zone: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      ledger.append({ type: 'exchange', zone, occurredAt: Date.now(), actor: { kind: 'system' }, detail: { n } }),
    ),
  );

const leavesOf = async (zone: string): Promise<Buffer[]> =>
  database.asAuditor(zone, async (tx) =>
    (await tx.query<{ leaf: Buffer }>('SELECT leaf FROM caracal.ledger WHERE zone = $1 ORDER BY index', [zone])).map(
      (row) => row.leaf,
    ),
  );

const headOf = async (zone: string) => {
  const note = await rows.note(zone);
  return note === undefined ? undefined : opened(note, identity.verifierKey(identity.origin(zone)));
};

/** Nobody holds the term any more, as after its lease. */
const endTerm = () =>
  test.superuser((client) => client.query(`UPDATE caracal.log_term SET leased_until = '-infinity'`));

describe('the signer', () => {
  it('[T6] extends the tree in any steps to the root of all leaves, over more than a tile', async () => {
    const zone = await newZone();
    const replica = await Replica.start();
    for (const count of [1, 2, 252, 1, 1, 300]) {
      await append(zone, count);
      await replica.signer.look(true);
      const leaves = await leavesOf(zone);
      expect(await headOf(zone)).toMatchObject({ size: leaves.length, root: treeHash(leaves) });
    }
    expect(replica.faults).toEqual([]);
    await replica.signer.stop();
  });

  it('[T6] two that both believe to be the leader: the one with the earlier term is fenced', async () => {
    const zone = await newZone();
    const [old, young] = [await Replica.start(), await Replica.start()];
    await append(zone, 3);
    await old.signer.look(true);
    const before = await headOf(zone);
    await endTerm();
    await young.signer.look(true);
    await append(zone, 3);
    const states = await rows.states();
    const state = states.find((one) => one.zone === zone);
    // What the old leader would do with what it holds in memory, had it not looked who leads.
    const term = Number(
      (await test.superuser((client) => client.query('SELECT term FROM caracal.log_term'))).rows[0].term,
    );
    for (const stale of [term - 1, term + 1])
      await expect(
        rows.publish({
          zone,
          term: stale,
          expectedSize: state?.size ?? 0,
          size: 6,
          tiles: [],
          signed: { checkpoint: { origin: identity.origin(zone), size: 6, root: randomBytes(32) }, note: 'forged' },
        }),
      ).rejects.toThrow(/is over/);
    expect(await headOf(zone)).toEqual(before);
    await old.signer.look(true);
    expect(await headOf(zone)).toEqual(before);
    await young.signer.look(true);
    expect((await headOf(zone))?.size).toBe(6);
    await Promise.all([old.signer.stop(), young.signer.stop()]);
  });

  it('[T6] of two who ask for the term at once one gets it, and nobody gets a term twice', async () => {
    const holders = Array.from({ length: 8 }, () => new LogRows(database));
    const seen = new Set<number>();
    for (let round = 0; round < 5; round += 1) {
      await endTerm();
      const ids = holders.map(() => randomUuid());
      const terms = (await Promise.all(holders.map((one, at) => one.lead(ids[at] as string, 60_000)))).filter(
        (term) => term !== undefined,
      );
      expect(terms).toHaveLength(1);
      expect(seen.has(terms[0] as number)).toBe(false);
      seen.add(terms[0] as number);
    }
    await endTerm();
  });

  it('[T6] refuses a checkpoint that is smaller, of another name, or beyond the ledger, whoever asks', async () => {
    const zone = await newZone();
    await append(zone, 4);
    const replica = await Replica.start();
    await replica.signer.look(true);
    const term = Number(
      (await test.superuser((client) => client.query('SELECT term FROM caracal.log_term'))).rows[0].term,
    );
    const origin = identity.origin(zone);
    const publish = (size: number, name: string) =>
      rows.publish({
        zone,
        term,
        expectedSize: 4,
        size,
        tiles: [],
        signed: { checkpoint: { origin: name, size, root: randomBytes(32) }, note: 'x' },
      });
    for (const [size, name] of [
      [3, origin],
      [4, origin],
      [5, origin],
      [4, 'elsewhere'],
    ] as const)
      await expect(publish(size, name)).rejects.toThrow(/does not (hold|follow)/);
    await expect(
      rows.publish({ zone, term, expectedSize: 4, size: 4, tiles: [{ level: 0, index: 0, hashes: randomBytes(160) }] }),
    ).rejects.toThrow(/would not only grow/);
    await replica.signer.stop();
  });

  it('[T6] remembers before it releases: a crash in between loses nothing that was signed', async () => {
    const zone = await newZone();
    await append(zone, 2);
    const dir = await newDir();
    // The database goes away exactly between remembering and releasing.
    class CutOff extends LogRows {
      override publish(): Promise<void> {
        return Promise.reject(new Error('killed'));
      }
    }
    const killed = await Replica.start(dir, new CutOff(database));
    await killed.signer.look(true);
    expect(await headOf(zone)).toBeUndefined();
    const remembered = await readFile(join(dir, 'checkpoints', zone), 'utf8');
    await endTerm();
    await append(zone, 5);
    const again = await Replica.start(dir);
    await again.signer.look(true);
    const leaves = await leavesOf(zone);
    expect(await headOf(zone)).toMatchObject({ size: 7, root: treeHash(leaves) });
    expect(opened(remembered, identity.verifierKey(identity.origin(zone))).root).toEqual(treeHash(leaves.slice(0, 2)));
    expect(again.signer.sound).toBe(true);
    await again.signer.stop();
  });
});

/** A zone with three entries under a checkpoint and six under the next, and what the signer remembers of them. */
const signedTwice = async () => {
  const zone = await newZone();
  const dir = await newDir();
  const replica = await Replica.start(dir);
  await append(zone, 3);
  await replica.signer.look(true);
  await append(zone, 3);
  await replica.signer.look(true);
  await replica.signer.stop();
  return { zone, dir, late: await headOf(zone) };
};

describe('a database that was set back', () => {
  it('[T6] is noticed at the next start, and by every replica from then on', async () => {
    const { zone, dir } = await signedTwice();
    await setBack(test.dsn, zone, 3);
    const replica = await Replica.start(dir);
    expect(replica.signer.sound).toBe(false);
    await append(zone, 1);
    await replica.signer.look(true);
    expect((await headOf(zone))?.size).toBe(3);
    const stranger = await Replica.start();
    expect(stranger.signer.sound).toBe(false);
    await test.superuser((client) => client.query(`DELETE FROM caracal.log_trees WHERE zone = $1`, [zone]));
    await replica.signer.look(true);
    expect(replica.signer.sound).toBe(false);
    await letGo(zone);
    await Promise.all([replica.signer.stop(), stranger.signer.stop()]);
  });

  it('[T6] and has grown past what was signed since then: nothing is signed about the fork', async () => {
    const { zone, dir, late } = await signedTwice();
    await setBack(test.dsn, zone, 3);
    await append(zone, 10);
    const replica = await Replica.start(dir);
    await replica.signer.look(true);
    expect(replica.signer.sound).toBe(false);
    expect((await headOf(zone))?.size).toBe(3);
    expect(late?.size).toBe(6);
    await letGo(zone);
    await replica.signer.stop();
  });

  it.each([
    [
      'an entry and its leaf are exchanged',
      'UPDATE caracal.ledger SET leaf = sha256($3) WHERE zone = $1 AND index = $2',
      1,
    ],
    [
      'a tile is changed as well',
      'UPDATE caracal.log_tiles SET hashes = sha256($3) || substr(hashes, 33) WHERE zone = $1 AND level = $2',
      0,
    ],
  ])('[T6] %s: the next checkpoint is refused or of the true tree', async (_, sql, at) => {
    const { zone, dir } = await signedTwice();
    const leaves = await leavesOf(zone);
    await tamperWith(test.dsn, [[sql, [zone, at, Buffer.from('forged')]]]);
    await append(zone, 2);
    const replica = await Replica.start(dir);
    await endTerm();
    await replica.signer.look(true);
    await replica.signer.look(true);
    const head = await headOf(zone);
    const all = await leavesOf(zone);
    if (head?.size === 8) expect(head.root).toEqual(treeHash([...leaves, ...all.slice(6)]));
    else expect([head?.size, replica.signer.sound]).toEqual([6, false]);
    await letGo(zone);
    await replica.signer.stop();
  });

  it('[T6] tiles that were changed are made again from the leaves, and only if these hash to what was signed', async () => {
    const { zone, dir } = await signedTwice();
    await tamperWith(test.dsn, [['DELETE FROM caracal.log_tiles WHERE zone = $1', [zone]]]);
    await append(zone, 2);
    const replica = await Replica.start(dir);
    await replica.signer.look(true);
    expect(await headOf(zone)).toMatchObject({ size: 8, root: treeHash(await leavesOf(zone)) });
    expect(replica.signer.sound).toBe(true);
    await replica.signer.stop();
  });

  it('[T6] entries that vanish before they are signed stop the log', async () => {
    const { zone, dir } = await signedTwice();
    await append(zone, 3);
    await tamperWith(test.dsn, [['DELETE FROM caracal.ledger WHERE zone = $1 AND index = 7', [zone]]]);
    const replica = await Replica.start(dir);
    await replica.signer.look(true);
    expect([(await headOf(zone))?.size, replica.signer.sound]).toEqual([6, false]);
    await letGo(zone);
    await replica.signer.stop();
  });

  it('[T6] a remembered checkpoint that somebody has edited is not trusted', async () => {
    const { zone, dir } = await signedTwice();
    const file = join(dir, 'checkpoints', zone);
    await writeFile(file, (await readFile(file, 'utf8')).replace('\n6\n', '\n3\n'));
    const replica = await Replica.start(dir);
    expect(replica.signer.sound).toBe(false);
    await letGo(zone);
  });

  it('[T6] a whole zone that vanished is noticed', async () => {
    const { zone, dir } = await signedTwice();
    await tamperWith(test.dsn, [['DELETE FROM caracal.zones WHERE slug = $1', [zone]]]);
    const replica = await Replica.start(dir);
    expect(replica.signer.sound).toBe(false);
  });
});

describe('the check of a database against what was signed', () => {
  const checked = async (zone: string, dir: string, key = seed) => {
    const kept = new KeptCheckpoints(dir, (origin) => new LogIdentity([key], () => '').verifiers(origin));
    const [report] = await verifyLedger({ dsn: test.dsn, keys, kept, zone });
    return report?.fault;
  };

  it('[T6] an untouched ledger is sound, whoever remembers it', async () => {
    const { zone, dir } = await signedTwice();
    expect(await checked(zone, dir)).toBeUndefined();
    await append(zone, 3);
    expect(await checked(zone, dir)).toBeUndefined();
    expect(await checked(zone, await newDir())).toBeUndefined();
  });

  it('[T6] a rollback to a backup is reported with the first entry that is gone', async () => {
    const { zone, dir } = await signedTwice();
    await setBack(test.dsn, zone, 3);
    expect(await checked(zone, await newDir())).toBeUndefined();
    expect(await checked(zone, dir)).toEqual({ index: 3, reason: 'the ledger holds 3 entries; 6 were signed' });
    await rm(join(dir, 'checkpoints'), { recursive: true });
    expect(await checked(zone, dir)).toEqual({ index: 3, reason: 'the ledger holds 3 entries; 6 were signed' });
    await letGo(zone);
  });

  it('[T6] a fork with a whole chain is reported with the first entry that may be another', async () => {
    const { zone, dir } = await signedTwice();
    await setBack(test.dsn, zone, 3);
    await append(zone, 9);
    expect(await checked(zone, dir)).toEqual({
      index: 3,
      reason: 'the entries 3 to 5 are not those that were signed',
    });
    await letGo(zone);
  });

  it.each<[string, string, RegExp]>([
    ['the key is swapped', '', /is not signed by/],
    [
      'a checkpoint’s root is edited',
      `UPDATE caracal.log_checkpoints SET root = sha256('x') WHERE zone = $1`,
      /its row says/,
    ],
    [
      'a checkpoint’s size is edited',
      `UPDATE caracal.log_checkpoints SET size = size + 1 WHERE zone = $1`,
      /its row says/,
    ],
    [
      'a checkpoint’s note is edited',
      `UPDATE caracal.log_checkpoints SET note = replace(note, E'\n3\n', E'\n4\n') WHERE zone = $1`,
      /is wrong/,
    ],
    ['a checkpoint’s note is no note', `UPDATE caracal.log_checkpoints SET note = 'x' WHERE zone = $1`, /malformed/],
    [
      'the last checkpoint is deleted',
      `DELETE FROM caracal.log_checkpoints WHERE zone = $1 AND size = 6`,
      /of 6 entries, is missing/,
    ],
    ['the log is renamed', `UPDATE caracal.zones SET log_origin = 'elsewhere' WHERE slug = $1`, /never ended/],
  ])('[T6] it is reported when %s', async (name, sql, reason) => {
    const { zone, dir } = await signedTwice();
    if (sql !== '') await tamperWith(test.dsn, [[sql, [zone]]]);
    const fault = await checked(zone, dir, name === 'the key is swapped' ? randomBytes(32) : seed);
    expect(fault).toEqual({ index: undefined, reason: expect.stringMatching(reason) });
    await letGo(zone);
  });
});

/** So that the next test starts with sound logs. */
async function letGo(zone: string): Promise<void> {
  await tamperWith(test.dsn, [
    ['DELETE FROM caracal.zones WHERE slug = $1', [zone]],
    ['DELETE FROM caracal.log_trees WHERE zone = $1', [zone]],
  ]);
}

function randomUuid(): string {
  const hex = randomBytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
