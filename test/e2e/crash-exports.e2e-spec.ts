import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/index.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { readKeyRing } from '../../src/platform/secrets/index.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { adminOf, makeZoneOverHttp } from '../support/fixtures.js';
import { newDataDir, openServerDatabase, removeDataDir, startServer, type ServerProcess } from '../support/server.js';
import { runVerify } from '../support/verify-program.js';

const ZONE = 'crash';
/** Enough pages that the middle of an export can be hit. */
const ENTRIES = 20_000;

let dataDir: string;
let server: ServerProcess;

beforeAll(async () => {
  dataDir = await newDataDir();
  server = await startServer(dataDir);
  await makeZoneOverHttp(adminOf(server.url, server.adminToken), ZONE);
  await fill();
}, 120_000);

afterAll(async () => {
  await server?.end('SIGKILL');
  await removeDataDir(dataDir);
});

const ask = (method: string, path: string, body?: unknown) =>
  adminOf(server.url, server.adminToken).admin(method, `/v1/zones/${ZONE}/audit${path}`, body);

/** Appends as a replica would. */
async function fill(): Promise<void> {
  const database = await openServerDatabase(dataDir);
  const keys = new LedgerKeys(...(await readKeyRing(dataDir, 'ledgerHmac')));
  const ledger = new AuditLedger({ database, keys, clock: systemClock, onFault: () => undefined });
  const detail = { text: 'x'.repeat(300) };
  const entry = { type: 'exchange', zone: ZONE, actor: { kind: 'system' as const }, detail };
  for (let at = 0; at < ENTRIES; at += 1_000)
    await Promise.all(Array.from({ length: 1_000 }, () => ledger.append({ ...entry, occurredAt: Date.now() })));
  await ledger.close();
  await database.close();
}

describe('kill -9 in the middle of an export', () => {
  it('[T6] keeps what was written: it goes on after the start, and its bytes are those of an export that nobody killed', async () => {
    const to = ENTRIES;
    const { id } = (await ask('POST', '/exports', { format: 'jsonl', to })).body;
    const folder = join(dataDir, 'exports', ZONE, id);
    const part = join(folder, 'entries.jsonl.part');
    const sizeOf = (path: string) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      );
    for (let tries = 0; tries < 5_000 && (await sizeOf(part)) === 0; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await server.end('SIGKILL');
    const written = await sizeOf(part);
    expect([written > 0, await sizeOf(join(folder, 'entries.jsonl'))]).toEqual([true, 0]);

    server = await startServer(dataDir);
    const killed = await ready(id);
    const other = await ready((await ask('POST', '/exports', { format: 'jsonl', to })).body.id);
    expect(killed.bytes).toBeGreaterThan(written);
    expect({ ...killed, id: '', created_at: '', finished_at: '' }).toEqual({
      ...other,
      id: '',
      created_at: '',
      finished_at: '',
    });
    const [one, two] = [folder, join(dataDir, 'exports', ZONE, other.id)];
    for (const name of ['entries.jsonl', 'manifest.json'])
      expect(await hashOf(join(one, name))).toBe(await hashOf(join(two, name)));
    const { log_vkey: vkey } = (await adminOf(server.url, server.adminToken).admin('GET', `/v1/zones/${ZONE}`)).body;
    expect(await runVerify(one, '--key', vkey)).toMatchObject({ code: 0 });
    await writeFile(join(one, 'entries.jsonl'), 'x', { flag: 'a' });
    expect(await runVerify(one, '--key', vkey)).toMatchObject({ code: 1 });
  }, 180_000);
});

/** What a dead process had in hand is given on when its lock has run out. */
async function ready(id: string) {
  for (let tries = 0; tries < 600; tries += 1) {
    const { body } = await ask('GET', `/exports/${id}`);
    if (body.status === 'ready') return body;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the export was never ready');
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
