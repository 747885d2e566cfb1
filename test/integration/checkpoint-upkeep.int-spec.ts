import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseVerifierKeys } from '../../src/audit/domain/log/log-keys.js';
import { SeenCheckpoints } from '../../src/audit/log/seen-checkpoints.js';
import { thinCheckpoints } from '../../src/audit/retention/retention-rows.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

let test: TestDatabase;
let database: Database;
let dir: string;
let zones = 0;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  dir = await mkdtemp(join(tmpdir(), 'caracal-anchors-'));
});
afterAll(async () => {
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

/** A zone whose log was signed at these times, each with one entry more than the last. */
async function signedAt(...times: readonly string[]): Promise<string> {
  const zone = `log-${(zones += 1)}`;
  await makeZone(database, zone);
  await test.superuser((client) =>
    client.query(
      `INSERT INTO caracal.log_checkpoints (zone, origin, size, root, note, term, signed_at)
       SELECT $1, 'test', t.n, sha256('x'), 'note ' || t.n, 1, t.at FROM unnest($2::text[]) WITH ORDINALITY AS s(expression, n),
         LATERAL (SELECT s.n, now() - s.expression::interval AS at) t`,
      [zone, times],
    ),
  );
  return zone;
}

async function sizes(zone: string): Promise<number[]> {
  const { rows } = await test.superuser((client) =>
    client.query<{ size: string }>('SELECT size FROM caracal.log_checkpoints WHERE zone = $1 ORDER BY size', [zone]),
  );
  return rows.map((row) => Number(row.size));
}

/** Moments of one UTC hour, so many hours ago. */
async function within(unit: 'hour' | 'day', ago: string, ...minutes: number[]): Promise<string[]> {
  const { rows } = await test.superuser((client) =>
    client.query<{ ago: string }>(
      `SELECT (now() - (date_trunc($1, now() - $2::interval, 'UTC') + make_interval(mins => m)))::text AS ago FROM unnest($3::int[]) AS m`,
      [unit, ago, minutes],
    ),
  );
  return rows.map((row) => row.ago);
}

describe('old checkpoints', () => {
  it('[T6] are thinned to one an hour, and after thirty days to one a day; those of a day stay, and the last of each log', async () => {
    const zone = await signedAt(
      ...(await within('day', '50 days', 10, 600, 900)),
      ...(await within('day', '40 days', 10)),
      ...(await within('hour', '60 hours', 1, 2, 59)),
      ...(await within('hour', '50 hours', 3, 4)),
      '20 hours',
      '19 hours 59 minutes',
    );
    await thinCheckpoints(database);
    expect(await sizes(zone)).toEqual([3, 4, 7, 9, 10, 11]);
    await thinCheckpoints(database);
    expect(await sizes(zone)).toEqual([3, 4, 7, 9, 10, 11]);
  });

  it('[T6] on which an export or a tombstone rests stay', async () => {
    const zone = await signedAt(...(await within('hour', '60 hours', 1, 2, 3, 4)));
    await test.superuser(async (client) => {
      await client.query(
        `INSERT INTO caracal.ledger_exports (zone, id, from_index, to_index, created_by, created_at, manifest)
         VALUES ($1, $2, 0, 1, 'x', now(), '{"checkpoint": "note 1"}')`,
        [zone, `exp_${zone}`],
      );
      await client.query(
        `INSERT INTO caracal.ledger_tombstones (zone, from_index, to_index, chain_mac, ingested_at, checkpoint, export)
         VALUES ($1, 0, 1, sha256('x'), now(), 'note 2', 'x')`,
        [zone],
      );
    });
    await thinCheckpoints(database);
    expect(await sizes(zone)).toEqual([1, 2, 4]);
  });

  it.each([
    ['DELETE', 'DELETE FROM caracal.log_checkpoints WHERE zone = $1 AND size = 2', 'the checkpoint is kept'],
    ['UPDATE', `UPDATE caracal.log_checkpoints SET note = 'x' WHERE zone = $1 AND size = 1`, 'append-only'],
    ['TRUNCATE', 'TRUNCATE caracal.log_checkpoints', 'append-only'],
  ])('[T6] that must stay are let go to nobody: %s as superuser is refused', async (_name, sql, refusal) => {
    const zone = await signedAt(...(await within('hour', '60 hours', 1, 2)));
    const asked = test.superuser((client) => client.query(sql, sql.includes('$1') ? [zone] : []));
    await expect(asked).rejects.toThrow(refusal);
    expect(await sizes(zone)).toEqual([1, 2]);
  });

  it('[T12] are thinned by the janitor alone', async () => {
    for (const door of [
      () => database.asAudit((tx) => tx.query('SELECT caracal.log_thin(1)')),
      () => database.withZone('_system', (tx) => tx.query('SELECT caracal.log_thin(1)')),
      () => database.asJanitor((tx) => tx.query('DELETE FROM caracal.log_checkpoints')),
    ])
      await expect(door()).rejects.toMatchObject({ code: '42501' });
  });

  it('[T6] in the anchors beside the database are thinned from the older end, when the file has grown large', async () => {
    const seen = new SeenCheckpoints(dir, () => parseVerifierKeys([]), 4_000);
    await seen.load();
    const notes = Array.from({ length: 500 }, (_, n) => `origin\n${n}\nroot\n\n— sig\n`);
    for (const note of notes) await seen.anchor('acme', note);
    const file = await readFile(join(dir, 'anchors', 'acme.log'), 'utf8');
    const kept = file.split(/^---\n/m);
    expect(kept.pop()).toBe('');
    expect(file.length).toBeLessThanOrEqual(4_000);
    expect(kept.at(0)).toBe(notes[0]);
    expect(kept.slice(-20)).toEqual(notes.slice(-20));
    expect(kept).toEqual(notes.filter((note) => kept.includes(note)));
  });
});
