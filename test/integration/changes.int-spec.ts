import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditedChanges } from '../../src/audit/audited-changes.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import type { Clock } from '../../src/kernel/clock.js';
import { ChangeFeed, FeedFollower, type Change } from '../../src/platform/changes/index.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const keys = new LedgerKeys(randomBytes(32));
const entry = {
  type: 'admin.test.change',
  occurredAt: 1_763_942_400_000,
  actor: { kind: 'human' as const, token: 'adm_1' },
};

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** One replica: a feed that writes down what it applied, followed when asked. */
async function replica(options: { follow: boolean; pollMs?: number }) {
  const database: Database = await test.open();
  let skew = 0;
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() + skew };
  const faults: unknown[] = [];
  const feed = new ChangeFeed({ database, clock, maxStalenessMs: 2_000, onFault: (error) => faults.push(error) });
  const applied: Change[] = [];
  const resets: string[] = [];
  feed.subscribe(['application', 'revocation'], (_zone, changes) => void applied.push(...changes));
  feed.onReset((zone) => resets.push(zone));
  const changes = new AuditedChanges({ database, feed, keys, clock });
  if (options.follow) {
    const follower = new FeedFollower(feed, database, options.pollMs ?? 60_000);
    stops.push(() => follower.stop());
    await follower.start();
  }
  return { database, feed, applied, resets, changes, faults, pass: (ms: number) => (skew += ms) };
}

async function eventually(check: () => boolean): Promise<void> {
  for (let n = 0; n < 400 && !check(); n += 1) await new Promise((done) => setTimeout(done, 10));
  expect(check()).toBe(true);
}

let zones = 0;
async function newZone(database: Database): Promise<string> {
  const slug = `feed-${(zones += 1)}`;
  await makeZone(database, slug);
  return slug;
}

describe('change feed', () => {
  it('applies a change on the committing replica before the call resolves', async () => {
    const one = await replica({ follow: false });
    const zone = await newZone(one.database);
    await one.feed.load(zone);
    await one.changes.run(zone, async (tx) => {
      tx.changed('application', 'app_1');
      tx.record(entry);
    });
    expect(one.applied.map((change) => change.id)).toEqual(['app_1']);
    expect(one.feed.seq(zone)).toBe(1n);
  });

  it('wakes other replicas by NOTIFY, long before their poll', async () => {
    const one = await replica({ follow: false });
    const two = await replica({ follow: true });
    const zone = await newZone(one.database);
    await two.feed.load(zone);
    await one.changes.run(zone, async (tx) => tx.changed('revocation', 'ses_1'));
    await eventually(() => two.applied.length === 1);
    expect(two.applied[0]).toMatchObject({ zone, kind: 'revocation', id: 'ses_1', seq: 1n });
  });

  it('finds by polling what no notification told', async () => {
    const one = await replica({ follow: false });
    const two = await replica({ follow: false });
    const zone = await newZone(one.database);
    await two.feed.load(zone);
    await one.changes.run(zone, async (tx) => tx.changed('application', 'app_1'));
    await two.feed.poll();
    expect(two.applied).toHaveLength(1);
  });

  it('numbers 100 parallel changes of two replicas densely and applies each once, in order, on both', async () => {
    const replicas = [await replica({ follow: true }), await replica({ follow: true })] as const;
    const zone = await newZone(replicas[0].database);
    await Promise.all(replicas.map((one) => one.feed.load(zone)));
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        replicas[n % 2 ? 1 : 0].changes.run(zone, async (tx) => tx.changed('application', `app_${n}`)),
      ),
    );
    for (const one of replicas) {
      await eventually(() => one.applied.length >= 100);
      expect(one.applied.map((change) => change.seq)).toEqual(Array.from({ length: 100 }, (_, n) => BigInt(n + 1)));
    }
  });

  it('drops the zone when the log no longer reaches back', async () => {
    const one = await replica({ follow: false });
    const two = await replica({ follow: false });
    const zone = await newZone(one.database);
    await two.feed.load(zone);
    for (let n = 0; n < 3; n += 1) await one.changes.run(zone, async (tx) => tx.changed('application', `app_${n}`));
    await test.superuser((client) =>
      client.query('DELETE FROM caracal.change_log WHERE zone = $1 AND seq < 3', [zone]),
    );
    await two.feed.poll();
    expect(two.resets).toEqual([zone]);
    expect(two.feed.seq(zone)).toBe(3n);
  });

  it('[T8] refuses to be decided on when it cannot prove its age, and recovers with the next poll', async () => {
    const one = await replica({ follow: false });
    expect(() => one.feed.assertFresh()).toThrow();
    await one.feed.poll();
    expect(() => one.feed.assertFresh()).not.toThrow();
    one.pass(2_001);
    expect(() => one.feed.assertFresh()).toThrow(
      expect.objectContaining({ code: 'temporarily_unavailable', detail: 'view_stale' }),
    );
    await one.feed.poll();
    expect(() => one.feed.assertFresh()).not.toThrow();
  });

  it('[T8] a poll that failed proves nothing', async () => {
    const one = await replica({ follow: false });
    await one.feed.poll();
    one.pass(2_001);
    await one.database.close();
    await one.feed.poll();
    expect(one.faults).toHaveLength(1);
    expect(() => one.feed.assertFresh()).toThrow();
  });
});

describe('audited changes', () => {
  it('[T1] a change whose ledger entry cannot be written does not happen', async () => {
    const one = await replica({ follow: false });
    const zone = await newZone(one.database);
    await test.superuser((client) => client.query('DELETE FROM caracal.ledger_head WHERE zone = $1', [zone]));
    await expect(
      one.changes.run(zone, async (tx) => {
        await tx.query(`UPDATE zones SET name = 'changed' WHERE slug = $1`, [zone]);
        tx.changed('zone', zone);
        tx.enqueue({ queue: 'lifecycle', name: 'test', aggregate: zone, body: {} });
        tx.record(entry);
      }),
    ).rejects.toThrow();
    const state = await test.superuser((client) =>
      client.query(
        `SELECT (SELECT name FROM caracal.zones WHERE slug = $1) AS name, (SELECT seq FROM caracal.feed_head WHERE zone = $1) AS seq,
           (SELECT count(*) FROM caracal.outbox WHERE zone = $1) AS outbox`,
        [zone],
      ),
    );
    expect(state.rows[0]).toEqual({ name: zone, seq: '0', outbox: '0' });
  });

  it('commits rows, outbox, feed and ledger together', async () => {
    const one = await replica({ follow: false });
    const zone = await newZone(one.database);
    await one.changes.run(zone, async (tx) => {
      tx.changed('zone', zone);
      tx.enqueue({ queue: 'lifecycle', name: 'test', aggregate: zone, body: { n: 1 } });
      tx.record(entry);
      tx.record({ ...entry, type: 'admin.test.second' });
    });
    const counts = await test.superuser((client) =>
      client.query(
        `SELECT (SELECT count(*) FROM caracal.outbox WHERE zone = $1) AS outbox, (SELECT count(*) FROM caracal.ledger WHERE zone = $1) AS ledger,
           (SELECT count(*) FROM caracal.change_log WHERE zone = $1) AS feed`,
        [zone],
      ),
    );
    expect(counts.rows[0]).toEqual({ outbox: '1', ledger: '2', feed: '1' });
  });
});
