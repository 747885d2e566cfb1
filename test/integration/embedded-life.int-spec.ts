import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EmbeddedDatabase } from '../../src/platform/embedded/index.js';
import { EmbeddedFixture, query } from '../support/embedded-fixture.js';

// Each test makes a database, some several, and starts processes that compile their sources.
jest.setTimeout(120_000);

let fixture: EmbeddedFixture;

/** The database comes back by itself; how soon is not the question. */
async function untilAnswers(dsn: string): Promise<void> {
  for (;;) {
    const answered = await query(dsn, 'SELECT 1').then(
      () => true,
      () => false,
    );
    if (answered) return;
    await delay(50);
  }
}

function postmasterOf(embedded: { cluster: string }): number {
  return Number(readFileSync(join(embedded.cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

async function rowsKept(dsn: string): Promise<number[]> {
  return (await query<{ n: number }>(dsn, 'SELECT n FROM kept ORDER BY n')).map((row) => row.n);
}

describe('an embedded database', () => {
  let embedded: EmbeddedDatabase;
  beforeAll(async () => {
    fixture = new EmbeddedFixture();
    process.env['EMBEDDED_CANARY'] = 'canary';
    embedded = await fixture.start();
  });
  afterAll(async () => {
    delete process.env['EMBEDDED_CANARY'];
    await fixture.cleanUp();
  });

  it('is made on the first start, private and durable', async () => {
    expect(embedded.cluster).toBe(join(fixture.dataDir, 'postgres'));
    const names = [
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'max_connections',
      'password_encryption',
      'listen_addresses',
      'data_checksums',
      'server_encoding',
    ];
    const settings = await query<{ value: string }>(
      embedded.superuserDsn,
      `SELECT current_setting(name) AS value FROM unnest('{${names.join()}}'::text[]) AS name`,
    );
    expect(settings.map((row) => row.value)).toEqual(['on', 'on', 'on', '200', 'scram-sha-256', '', 'on', 'UTF8']);
    const [locale] = await query(
      embedded.superuserDsn,
      `SELECT datlocprovider AS provider, datlocale AS locale FROM pg_database WHERE datname = current_database()`,
    );
    expect(locale).toEqual({ provider: 'b', locale: 'C.UTF-8' });
    expect(statSync(join(fixture.dataDir, 'postgres')).mode & 0o777).toBe(0o700);
    expect(statSync(join(fixture.dataDir, 'secrets')).mode & 0o777).toBe(0o700);
    if (process.getuid?.() === 0) expect(statSync(fixture.dataDir).mode & 0o777).toBe(0o711);
    expect(readdirSync(fixture.dataDir).sort()).toEqual(['owner', 'postgres', 'secrets']);
  });

  it("leaves the operator a superuser's DSN that works", async () => {
    const path = join(fixture.dataDir, 'secrets', 'operator_dsn');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const [row] = await query(
      readFileSync(path, 'utf8').trim(),
      'SELECT current_database() AS database, rolsuper FROM pg_roles WHERE rolname = current_user',
    );
    expect(row).toEqual({ database: 'caracal', rolsuper: true });
    expect(embedded.databaseUrl).not.toContain('@');
  });

  it('[T5] lets nobody in without the password, and hands it to no log', async () => {
    const password = new URL(embedded.superuserDsn).password;
    await expect(query(embedded.superuserDsn.replace(password, 'guess'), 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
    const rules = await query<{ auth_method: string }>(
      embedded.superuserDsn,
      'SELECT DISTINCT auth_method FROM pg_hba_file_rules',
    );
    expect(rules).toEqual([{ auth_method: 'scram-sha-256' }]);
    expect(fixture.log).not.toContain(password);
  });

  it('[T5] gives the server nothing of our environment and its log no statements', async () => {
    if (process.platform === 'linux')
      expect(readFileSync(`/proc/${postmasterOf(embedded)}/environ`, 'utf8')).not.toContain('canary');
    await expect(query(embedded.superuserDsn, `SELECT 1/0 AS "canary of a statement"`)).rejects.toThrow(
      'division by zero',
    );
    await expect(
      query(
        embedded.superuserDsn,
        `CREATE TEMP TABLE t (v text PRIMARY KEY); INSERT INTO t VALUES ('canary'), ('canary')`,
      ),
    ).rejects.toThrow();
    while (!fixture.log.includes('duplicate key')) await delay(5);
    expect(fixture.log).toContain('division by zero');
    expect(fixture.log).not.toContain('canary');
  });
});

const freshFixture = () => {
  beforeEach(() => {
    fixture = new EmbeddedFixture();
  });
  afterEach(() => fixture.cleanUp());
};

describe('an embedded database over time', () => {
  freshFixture();

  it('keeps its rows over a restart, and its operator settings', async () => {
    const first = await fixture.start();
    await query(first.superuserDsn, 'CREATE TABLE kept AS SELECT generate_series(1, 3) AS n');
    await query(first.superuserDsn, `ALTER SYSTEM SET work_mem = '7MB'`);
    await query(first.superuserDsn, `ALTER SYSTEM SET fsync = 'off'`);
    await fixture.stop(first);
    const second = await fixture.start();
    expect(await rowsKept(second.superuserDsn)).toEqual([1, 2, 3]);
    expect(
      await query(
        second.superuserDsn,
        `SELECT current_setting('work_mem') AS work_mem, current_setting('fsync') AS fsync`,
      ),
    ).toEqual([{ work_mem: '7MB', fsync: 'on' }]);
  });

  it('names the secret when another database_password is given to a database that exists', async () => {
    await fixture.stop(await fixture.start());
    rmSync(join(fixture.dataDir, 'secrets', 'database_password'));
    await expect(fixture.start()).rejects.toThrow(/secret database_password is not the one/);
  });

  it('starts over after a first start that was cut off', async () => {
    mkdirSync(join(fixture.dataDir, 'postgres.draft-0123'), { recursive: true });
    writeFileSync(join(fixture.dataDir, 'postgres.draft-0123', 'PG_VERSION'), '18\n');
    await fixture.start();
    expect(readdirSync(fixture.dataDir).sort()).toEqual(['owner', 'postgres', 'secrets']);
  });

  it('is reached over loopback when its path is too long for a socket', async () => {
    const deep = join(fixture.root, 'd'.repeat(90), 'data');
    const embedded = await fixture.start(deep);
    expect(new URL(embedded.databaseUrl).hostname).toBe('127.0.0.1');
    const [row] = await query(
      embedded.superuserDsn,
      `SELECT host(inet_server_addr()) AS address, current_setting('unix_socket_directories') AS sockets`,
    );
    expect(row).toEqual({ address: '127.0.0.1', sockets: '' });
  });
});

describe('the death of the embedded database', () => {
  freshFixture();

  it('[T8] is repaired: a killed server comes back at the same address with what was committed', async () => {
    const embedded = await fixture.start();
    const exits: unknown[] = [];
    embedded.onExit((exit) => exits.push(exit));
    await query(embedded.superuserDsn, 'CREATE TABLE kept AS SELECT 1 AS n');
    for (const n of [2, 3]) {
      process.kill(postmasterOf(embedded), 'SIGKILL');
      while (exits.length < n - 1) await delay(20);
      await untilAnswers(embedded.superuserDsn);
      await query(embedded.superuserDsn, `INSERT INTO kept VALUES (${n})`);
    }
    expect(await rowsKept(embedded.superuserDsn)).toEqual([1, 2, 3]);
    expect(exits).toEqual([
      { code: null, signal: 'SIGKILL' },
      { code: null, signal: 'SIGKILL' },
    ]);
  });

  it('[T8] of the owner is repaired by the next one, which ends what still runs', async () => {
    const killed = fixture.own();
    const { dsn, cluster } = await killed.facts();
    await query(dsn, 'CREATE TABLE kept AS SELECT 1 AS n');
    await killed.killUnwatched();
    const orphan = postmasterOf({ cluster });
    expect(await rowsKept(dsn)).toEqual([1]);
    const next = await fixture.start();
    expect(await rowsKept(next.superuserDsn)).toEqual([1]);
    expect(postmasterOf(next)).not.toBe(orphan);
    expect(fixture.log).toContain('a database without owner still runs here');
  });

  it('[T8] of owner and server at one time is repaired, also when their numbers are somebody else’s by then', async () => {
    const killed = fixture.own();
    const { dsn, cluster } = await killed.facts();
    await query(dsn, 'CREATE TABLE kept AS SELECT 1 AS n');
    await killed.killUnwatched();
    const pidFile = join(cluster, 'postmaster.pid');
    process.kill(postmasterOf({ cluster }), 'SIGKILL');
    await fixture.start().then((embedded) => fixture.stop(embedded));
    const lines = ['x', cluster, '1', '5432', cluster, '', '1 1', 'ready'];
    writeFileSync(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
    expect(await rowsKept((await fixture.start()).superuserDsn)).toEqual([1]);
  });

  it('ends a server whose owner was killed, in order, also when nobody comes next', async () => {
    const killed = fixture.own();
    const { dsn, cluster } = await killed.facts();
    await query(dsn, 'CREATE TABLE kept AS SELECT 1 AS n');
    await killed.end('SIGKILL');
    while (readdirSync(cluster).includes('postmaster.pid')) await delay(20);
    const next = await fixture.start();
    expect(await rowsKept(next.superuserDsn)).toEqual([1]);
    expect(fixture.log).toContain('database system was shut down');
  });

  it('leaves no server behind when the owner is told to end', async () => {
    const owner = fixture.own();
    const { cluster } = await owner.facts();
    expect(await owner.end('SIGTERM')).toBe(0);
    expect(readdirSync(cluster)).not.toContain('postmaster.pid');
  });
});

describe('the owner of a data directory', () => {
  freshFixture();

  it('is one: a second process exits with 1 and names directory and owner', async () => {
    await fixture.start();
    const second = fixture.own();
    expect(await second.ended).toBe(1);
    expect(second.log).toContain(`the data directory ${fixture.dataDir} is in use by process ${process.pid};`);
  });

  it('is one inside a process, too', async () => {
    await fixture.start();
    await expect(fixture.start()).rejects.toThrow(`in use by process ${process.pid}`);
  });

  it('is one when several start at once on a directory whose owner was killed', async () => {
    const killed = fixture.own();
    await killed.facts();
    await killed.killUnwatched();
    const contenders = Array.from({ length: 4 }, () => fixture.own());
    const results = await Promise.all(
      contenders.map((owner) =>
        owner.facts().then(
          () => true,
          () => false,
        ),
      ),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    const losers = contenders.filter((_owner, at) => !results[at]);
    expect(await Promise.all(losers.map((owner) => owner.ended))).toEqual([1, 1, 1]);
    losers.forEach((owner) => expect(owner.log).toMatch(/is in use by process \d+/));
  });
});
