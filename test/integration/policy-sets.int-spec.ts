import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditedChanges } from '../../src/audit/audited-changes.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import type { Clock } from '../../src/kernel/clock.js';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import { POLICY_ENTITIES } from '../../src/policy/persistence/policy-store.js';
import { PolicySets } from '../../src/policy/policy-sets.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
const keys = new LedgerKeys(randomBytes(32));
const INPUT = {
  principal: { type: 'Application', id: 'app_1' },
  action: 'read',
  resource: 'res_1',
  context: {
    subject: { type: 'application', sub: 'app:app_1' },
    depth: 0,
    chain: ['app_1'],
    approved: false,
    time: { hour: 1, weekday: 1 },
  },
};

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function replica() {
  const database = await test.open(POLICY_ENTITIES);
  const feed = new ChangeFeed({ database, clock, maxStalenessMs: 2_000, onFault: () => undefined });
  return {
    database,
    feed,
    sets: new PolicySets(database, feed),
    changes: new AuditedChanges({ database, feed, keys, clock }),
  };
}
type Replica = Awaited<ReturnType<typeof replica>>;

async function activate({ changes }: Replica, zone: string, version: number, cedar: string): Promise<void> {
  await changes.run(zone, async (tx) => {
    await tx.query(
      `INSERT INTO policies (zone, id, name, version, cedar, created_by) VALUES ($1, $2, 'p', $3, $4, 'adm_1')`,
      [zone, `pol_${version}`, version, cedar],
    );
    await tx.query(`UPDATE policy_sets SET status = 'superseded' WHERE zone = $1 AND status = 'active'`, [zone]);
    await tx.query(
      `INSERT INTO policy_sets (zone, version, status, policies, created_by) VALUES ($1, $2, 'active', $3, 'adm_1')`,
      [zone, version, [`pol_${version}`]],
    );
    tx.changed('policy', String(version));
  });
}

describe('active policy set', () => {
  it('[T2] denies until the zone is ready, then permits what grants allow', async () => {
    const one = await replica();
    await makeZone(one.database, 'fresh');
    expect(one.sets.active('fresh').evaluate(INPUT).effect).toBe('deny');
    await one.feed.load('fresh');
    await one.sets.ready('fresh');
    expect(one.sets.active('fresh')).toMatchObject({ version: 0 });
    expect(one.sets.active('fresh').evaluate(INPUT).effect).toBe('permit');
  });

  it('is replaced on the activating replica before the call resolves, and on the others by the feed', async () => {
    const [one, two] = [await replica(), await replica()];
    await makeZone(one.database, 'two');
    for (const each of [one, two]) {
      await each.feed.load('two');
      await each.sets.ready('two');
    }
    await activate(one, 'two', 1, 'permit(principal, action == Action::"write", resource);');
    expect(one.sets.active('two').version).toBe(1);
    expect(one.sets.active('two').evaluate(INPUT)).toMatchObject({ effect: 'deny', reasons: ['no_permit'] });
    await two.feed.poll();
    expect(two.sets.active('two').version).toBe(1);
    for (const each of [one, two])
      expect(each.sets.active('two').evaluate({ ...INPUT, action: 'write' }).effect).toBe('permit');
    await activate(one, 'two', 2, 'permit(principal, action == Action::"read", resource);');
    expect(one.sets.active('two').evaluate(INPUT).effect).toBe('permit');
  });

  it('[T2] a set that cannot be compiled denies everything', async () => {
    const one = await replica();
    await makeZone(one.database, 'broken');
    await one.feed.load('broken');
    await one.sets.ready('broken');
    await activate(one, 'broken', 1, 'this is no policy');
    expect(one.sets.active('broken').version).toBe(1);
    expect(one.sets.active('broken').evaluate(INPUT)).toMatchObject({ effect: 'deny', reasons: ['policy_error'] });
  });
});
