import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditedChanges } from '../../src/audit/audited-changes.js';
import { parseVerifierKeys } from '../../src/audit/domain/log/log-keys.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { CheckpointKeyRotation } from '../../src/audit/log/checkpoint-key-rotation.js';
import { LogIdentity } from '../../src/audit/log/log-identity.js';
import { LogRows } from '../../src/audit/log/log-rows.js';
import { LogSigner } from '../../src/audit/log/log-signer.js';
import { SeenCheckpoints } from '../../src/audit/log/seen-checkpoints.js';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import type { Database } from '../../src/platform/database/index.js';
import { systemClock as clock } from '../../src/platform/system-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { opened } from '../support/log.js';
import { makeLoggedZone } from '../support/zone.js';

const [first, second, third, stranger] = [1, 2, 3, 4].map(() => randomBytes(32)) as [Buffer, Buffer, Buffer, Buffer];
const identityOf = (...seeds: [Buffer, ...Buffer[]]) => new LogIdentity(seeds, () => 'log.test');
const ZONES = ['a', 'b', 'c'];

let test: TestDatabase;
let database: Database;
let changes: AuditedChanges;
let dir: string;
const warnings: (string | undefined)[] = [];
const faults: unknown[] = [];

/** A start with this ring. */
const start = async (...seeds: [Buffer, ...Buffer[]]): Promise<LogIdentity> => {
  const identity = identityOf(...seeds);
  const warn = (_message: string, zone?: string) => void warnings.push(zone);
  const onFault = (error: unknown) => void faults.push(error);
  await new CheckpointKeyRotation({ database, changes, identity, clock, warn, onFault }).onApplicationBootstrap();
  return identity;
};
const vkeyOf = async (zone: string): Promise<string> => (await logOf(zone)).vkey;
const logOf = async (zone: string) => {
  const [row] = await database.withZone(zone, (tx) =>
    tx.query<{ vkey: string; retired: string[]; entries: number }>(
      `SELECT log_vkey AS vkey, ARRAY(SELECT k->>'vkey' FROM jsonb_array_elements(log_retired_keys) k) AS retired FROM zones WHERE slug = $1`,
      [zone],
    ),
  );
  const entries = await database.asAuditor(zone, (tx) =>
    tx.query('SELECT 1 FROM caracal.ledger WHERE zone = $1', [zone]),
  );
  if (!row) throw new Error(`there is no zone ${zone}`);
  return { ...row, entries: entries.length };
};

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  const feed = new ChangeFeed({ database, clock, maxStalenessMs: 2_000, onFault: () => undefined });
  await feed.poll();
  changes = new AuditedChanges({ database, feed, keys: new LedgerKeys(randomBytes(32)), clock });
  dir = await mkdtemp(join(tmpdir(), 'caracal-rotation-'));
  for (const zone of ZONES) await makeLoggedZone(database, zone, identityOf(first));
});
afterAll(async () => {
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

describe('the rotation of checkpoint keys', () => {
  it('[T6] that fails for one log is made up for by the next start, and keeps no other from its key', async () => {
    let failing = true;
    changes.onStep((zone, step) => {
      if (failing && zone === 'b' && step === 'ledger') throw new Error('the disk is full');
    });
    await start(second, first);
    expect(faults).toHaveLength(1);
    for (const zone of ['a', 'c']) expect(await logOf(zone)).toMatchObject({ entries: 1 });
    expect(await logOf('b')).toMatchObject({ entries: 0, vkey: identityOf(first).verifierKey('log.test/log/b') });
    failing = false;
    const identity = await start(second, first);
    for (const zone of ZONES) {
      const origin = identity.origin(zone);
      const retired = [identityOf(first).verifierKey(origin)];
      expect(await logOf(zone)).toEqual({ vkey: identity.verifierKey(origin), retired, entries: 1 });
    }
  });

  it('[T6] keeps what was put away in its order, over several rotations', async () => {
    await start(third, second, first);
    const { retired } = await logOf('a');
    const keys = parseVerifierKeys([await vkeyOf('a'), ...retired.toReversed()]);
    expect(keys).toEqual(identityOf(third, second, first).verifiers('log.test/log/a'));
  });

  it('[T6] leaves alone a log whose key is not in the ring, and the others are signed on', async () => {
    await makeLoggedZone(database, 'z', identityOf(stranger));
    const before = await vkeyOf('z');
    const identity = await start(third, second, first);
    expect([await vkeyOf('z'), warnings]).toEqual([before, ['z']]);
    await changes.run('z', async (tx) => {
      tx.record({ type: 'admin', occurredAt: clock.now(), actor: { kind: 'system' } });
    });
    const faults: (string | undefined)[] = [];
    const rows = new LogRows(database);
    const seen = new SeenCheckpoints(dir, (origin) => identity.verifiers(origin));
    const signer = new LogSigner({ rows, seen, identity, clock, onFault: (_error, zone) => faults.push(zone) });
    await signer.compare();
    for (let look = 0; look < 3; look += 1) await signer.look(true);
    await signer.stop();
    expect(await rows.note('z')).toBeUndefined();
    expect(faults).toEqual(['z']);
    for (const zone of ZONES) expect(opened((await rows.note(zone)) ?? '', await vkeyOf(zone)).size).toBe(2);
  });
});
