import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  adminOf,
  claimsOf,
  created,
  makeApplication,
  makeZoneOverHttp,
  oauth,
  type ApplicationFixture,
} from '../support/fixtures.js';
import type { Checkpoint } from '../../src/audit/domain/log/checkpoint.js';
import { verifyConsistency } from '../../src/audit/domain/log/tree-proofs.js';
import { asSuperuser } from '../support/database.js';
import { opened } from '../support/log.js';
import { newDataDir, operatorDsn, removeDataDir, startServer, type ServerProcess } from '../support/server.js';

const VERIFY = fileURLToPath(new URL('../../dist/audit/verify/main.js', import.meta.url));
const RESOURCE = 'https://api.example.test/tickets';
/** How often each is killed; a campaign asks for more (CONTRIBUTING.md). */
const ROUNDS = Number(process.env['CARACAL_KILL_ROUNDS'] ?? 3);
const ROUND_MS = 20_000;
const LOOPS = 16;
const MOST_PER_ROUND = 120;
const MOST_DELAY_MS = 40;

interface Issued {
  readonly jti: string;
  readonly index: number;
}

let dataDir: string;
let server: ServerProcess;
let application: ApplicationFixture;

beforeAll(async () => {
  dataDir = await newDataDir();
  server = await startServer(dataDir);
  const admin = adminOf(server.url, server.adminToken);
  await makeZoneOverHttp(admin, 'crash');
  application = await makeApplication(admin, 'crash', 'agent');
  const resource = await created(admin, '/v1/zones/crash/resources', {
    slug: 'tickets',
    name: 'Tickets',
    identifier: RESOURCE,
    enforcement: 'direct',
    scopes: [{ name: 'tickets:read', description: 'Read tickets' }],
  });
  await created(admin, '/v1/zones/crash/grants', {
    application: application.id,
    resource: resource.id,
    scopes: ['tickets:read'],
  });
});

afterAll(async () => {
  await server?.end('SIGKILL');
  await removeDataDir(dataDir);
});

/** Asks for tokens in parallel until the server is gone or `ended`; adds every token that was received whole. */
async function load(url: string, issued: Issued[], ended = new AbortController().signal): Promise<void> {
  const loop = async () => {
    for (let n = 0; n < 5_000 && !ended.aborted; n += 1) {
      const form = { grant_type: 'client_credentials', resource: RESOURCE };
      const answer = await oauth(url, '/z/crash/oauth2/token', form, application).catch(() => undefined);
      if (!answer) return;
      // Without its ledger the server issues nothing, and says so.
      expect([200, 503]).toContain(answer.status);
      if (answer.status === 200)
        issued.push({ jti: claimsOf(answer.body.access_token).jti, index: answer.body.receipt.index });
      else await new Promise((done) => setTimeout(done, 20));
    }
  };
  await Promise.all(Array.from({ length: LOOPS }, loop));
}

/** Some point in the middle of the load. */
async function somePoint(issued: readonly Issued[]): Promise<void> {
  await reached(issued, issued.length + 1 + randomInt(MOST_PER_ROUND));
  await new Promise((done) => setTimeout(done, randomInt(MOST_DELAY_MS)));
}

/** Ends PostgreSQL as `kill -9` does; resolves when another one answers. Until the server has noticed the death it still looks ready. */
async function killPostgres(): Promise<void> {
  const killed = await postmaster();
  process.kill(Number(killed), 'SIGKILL');
  for (let n = 0; n < 600; n += 1) {
    const pid = await postmaster().catch(() => killed);
    if (pid !== killed) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('no other database answers');
}

/** The number of the database's process; rejects while it does not answer. */
async function postmaster(): Promise<string | undefined> {
  const sql = `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid`;
  return asSuperuser(
    await operatorDsn(dataDir),
    async (client) => (await client.query<{ pid: string }>(sql)).rows[0]?.pid,
  );
}

async function ready(): Promise<void> {
  const admin = adminOf(server.url, server.adminToken);
  for (let n = 0; n < 600; n += 1) {
    const { status, body } = await admin.admin('GET', '/health/ready');
    if (status === 200) return;
    // That nobody can be asked is no finding.
    for (const found of ['ledger_tampered', 'ledger_rollback']) expect(body.reasons).not.toContain(found);
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('the server does not get ready');
}

/** Resolves when this many tokens have been issued. */
async function reached(issued: readonly Issued[], count: number): Promise<void> {
  for (let n = 0; n < 1_000 && issued.length < count; n += 1) await new Promise((done) => setTimeout(done, 30));
  expect(issued.length).toBeGreaterThanOrEqual(count);
}

/** Every jti the zone's ledger says was issued, by index. */
async function ledgered(): Promise<Map<number, string>> {
  const admin = adminOf(server.url, server.adminToken);
  const found = new Map<number, string>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await admin.admin(
      'GET',
      `/v1/zones/crash/audit/events?limit=200&type=exchange${cursor ? `&cursor=${cursor}` : ''}`,
    );
    expect(page.status).toBe(200);
    for (const item of page.body.items) if (item.entry.token) found.set(item.index, item.entry.token.jti);
    cursor = page.body.next_cursor;
  }
  return found;
}

/** The ledger is dense and whole, and holds every token that somebody received, where its receipt says. */
async function expectWhole(issued: readonly Issued[]): Promise<void> {
  const entries = await ledgered();
  expect(issued.filter((one) => entries.get(one.index) !== one.jti)).toEqual([]);
  expect(new Set(entries.values()).size).toBe(entries.size);
  const { stdout } = await promisify(execFile)(process.execPath, [VERIFY, '--data-dir', dataDir]);
  expect(stdout).toMatch(/^crash: \d+ entries verified$/m);
}

describe('kill -9 under load', () => {
  it(
    '[T6] of the server leaves a dense, verifiable ledger that holds every token that was issued',
    async () => {
      const issued: Issued[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const running = load(server.url, issued);
        await somePoint(issued);
        await server.end('SIGKILL');
        await running;
        server = await startServer(dataDir);
      }
      await expectWhole(issued);
    },
    60_000 + ROUNDS * ROUND_MS,
  );

  it(
    '[T6] of PostgreSQL leaves a dense, verifiable ledger that holds every token that was issued',
    async () => {
      const issued: Issued[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const ended = new AbortController();
        const running = load(server.url, issued, ended.signal);
        await somePoint(issued);
        await killPostgres();
        const before = issued.length;
        await ready();
        await reached(issued, before + 1);
        ended.abort();
        await running;
      }
      await expectWhole(issued);
    },
    60_000 + ROUNDS * ROUND_MS,
  );

  it(
    '[T6] loses no checkpoint that was signed, released or not',
    async () => {
      const admin = adminOf(server.url, server.adminToken);
      const { log_vkey: vkey } = (await admin.admin('GET', '/v1/zones/crash')).body;
      const anchors = await readFile(`${dataDir}/anchors/crash.log`, 'utf8');
      const heads = anchors
        .split(/^---\n/m)
        .slice(0, -1)
        .map((note) => opened(note, vkey));
      expect(heads.length).toBeGreaterThan(ROUNDS);
      const last = heads.at(-1);
      for (const { size, root } of heads) {
        const proof = await admin.admin('GET', `/v1/zones/crash/audit/consistency?from=${size}&to=${last?.size}`);
        const hashes = (proof.body.hashes as string[]).map((hash) => Buffer.from(hash, 'base64'));
        expect(verifyConsistency({ size, root }, last as Checkpoint, hashes)).toBe(true);
      }
      expect((await admin.admin('GET', '/health/ready')).body).toEqual({ status: 'ready' });
    },
    120_000 + ROUNDS * ROUND_MS,
  );

  it('[T6] the verifier names the first bad index of a tampered ledger and exits 1', async () => {
    const last = await asSuperuser(await operatorDsn(dataDir), async (client) => {
      await client.query(`DO $$ DECLARE t regclass; BEGIN
        FOR t IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t); END LOOP; END $$`);
      await client.query(
        `UPDATE caracal.ledger SET entry = replace(entry, '"allow"', '"deny"') WHERE zone = 'crash' AND index = (SELECT max(index) - 1 FROM caracal.ledger WHERE zone = 'crash' AND entry LIKE '%"allow"%')`,
      );
      return (await client.query(`SELECT max(index) - 1 AS index FROM caracal.ledger WHERE zone = 'crash'`)).rows[0]
        .index;
    });
    const failed = await promisify(execFile)(process.execPath, [VERIFY, '--data-dir', dataDir]).then(
      () => undefined,
      (error: { code: number; stdout: string }) => error,
    );
    expect(failed?.code).toBe(1);
    expect(failed?.stdout).toMatch(/^crash: index \d+: entry bytes do not match the leaf hash$/m);
    expect(Number(/index (\d+)/.exec(failed?.stdout ?? '')?.[1])).toBeLessThanOrEqual(Number(last));
  });
});
