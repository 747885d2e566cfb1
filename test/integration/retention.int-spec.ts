import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { LedgerPartitions } from '../../src/audit/jobs/partitions.js';
import { Retention } from '../../src/platform/retention/index.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  await makeZone(database, 'acme');
});
afterAll(() => test.drop());

describe('retention as the shipped role', () => {
  it('removes what is due, keeps what is not, and counts it', async () => {
    await test.superuser((client) =>
      client.query(`
        INSERT INTO caracal.claims (zone, kind, key, expires_at) SELECT 'acme', 'jti', sha256(n::text::bytea), now() - interval '1 s' FROM generate_series(1, 6000) n;
        INSERT INTO caracal.claims (zone, kind, key, expires_at) VALUES ('acme', 'jti', 'live', now() + interval '1 h');
        INSERT INTO caracal.change_log (zone, seq, kind, id, at) VALUES ('acme', 1, 'zone', 'acme', now() - interval '2 h'), ('acme', 2, 'zone', 'acme', now());
        INSERT INTO caracal.outbox (id, zone, aggregate, queue, name, body, done_at) VALUES
          (gen_random_uuid(), 'acme', 'a', 'lifecycle', 'x', '{}', now() - interval '2 days'), (gen_random_uuid(), 'acme', 'a', 'lifecycle', 'x', '{}', NULL);
        INSERT INTO caracal.inbox (queue, id, at) VALUES ('audit', gen_random_uuid(), now() - interval '9 days'), ('audit', gen_random_uuid(), now() - interval '7 days');`),
    );
    const registry = new Registry();
    const counts = await new Retention(database, registry).run();
    expect(counts).toMatchObject({
      claims: 6000,
      change_log: 1,
      outbox: 1,
      inbox: 1,
      revocations: 0,
      idempotency_keys: 0,
      replicas: 0,
    });
    expect(await registry.metrics()).toContain('caracal_retention_rows_total{table="claims"} 6000');
    const { rows } = await test.superuser((client) =>
      client.query<{ n: string }>('SELECT count(*) AS n FROM caracal.claims'),
    );
    expect(rows[0]?.n).toBe('1');
  });

  it('goes by the database’s clock, and a table that cannot be cleaned keeps none of the others', async () => {
    await test.superuser((client) =>
      client.query(`
        INSERT INTO caracal.inbox (queue, id, at) VALUES ('audit', gen_random_uuid(), now() - interval '9 days');
        REVOKE DELETE ON caracal.change_log FROM caracal_janitor;
        INSERT INTO caracal.change_log (zone, seq, kind, id, at) VALUES ('acme', 3, 'zone', 'acme', now() - interval '2 h');`),
    );
    const registry = new Registry();
    const retention = new Retention(database, registry);
    await expect(retention.run()).rejects.toThrow('not every table could be cleaned');
    expect(await registry.metrics()).toContain('caracal_retention_rows_total{table="inbox"} 1');
    await test.superuser((client) => client.query('GRANT DELETE ON caracal.change_log TO caracal_janitor'));
    const wall = Date.now;
    Date.now = () => wall() + 3_600_000;
    try {
      expect(await retention.run()).toMatchObject({ change_log: 1, claims: 0 });
    } finally {
      Date.now = wall;
    }
  });

  it('[T6] the janitor makes partitions ahead, and none far away in time', async () => {
    const partitions = new LedgerPartitions(database);
    await Promise.all([partitions.makeAhead(), partitions.makeAhead()]);
    const { rows } = await test.superuser((client) =>
      client.query<{ n: string }>(`SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass`),
    );
    expect(Number(rows[0]?.n)).toBeGreaterThanOrEqual(3);
    await expect(
      database.asJanitor((tx) => tx.query(`SELECT caracal.ledger_make_partition('2124-01-01')`)),
    ).rejects.toThrow(/out of the window/);
  });

  it('forgets what ran thirty days ago, trees leaf by leaf, and nothing that something else names', async () => {
    const session = (id: string, path: string, days: number | null) => {
      const parent = path.split('/').at(-2);
      const ended = days === null ? 'NULL' : `now() - interval '${days} days'`;
      return `INSERT INTO caracal.sessions (zone, id, application, parent, root, path, depth, lifecycle, status, subject, subject_type, authority, epochs, txn, started_at, ended_at)
        VALUES ('acme', '${id}', 'app_1', ${parent ? `'${parent}'` : 'NULL'}, 'r', '${path}', 0, 'task', '${days === null ? 'active' : 'terminated'}', 's', 'application', 'inherit', '{}', 't', now(), ${ended});`;
    };
    const edge = (id: string, ends: [string, string], path: string[]) =>
      `INSERT INTO caracal.delegations (zone, id, source, target, source_application, target_application, parent, path, resources, hops_remaining, status, created_at, expires_at, ended_at)
        VALUES ('acme', '${id}', '${ends[0]}', '${ends[1]}', 'a', 'a', ${path[0] === id ? 'NULL' : `'${path[0]}'`}, '{${path.join(',')}}', '[]', 0, 'revoked', now(), now(), now() - interval '40 days');`;
    await test.superuser((client) =>
      client.query(
        `INSERT INTO caracal.applications (zone, id, slug, name) VALUES ('acme', 'app_1', 'one', 'One');` +
          session('r', 'r', 40) +
          session('c', 'r/c', 40) +
          session('g', 'r/c/g', 40) +
          session('young', 'young', 20) +
          session('top', 'top', 40) +
          session('live', 'top/live', null) +
          session('busy', 'busy', 40) +
          edge('e1', ['r', 'c'], ['e1']) +
          edge('e2', ['c', 'g'], ['e1', 'e2']) +
          `INSERT INTO caracal.invocations (zone, id, source, target, source_application, target_application, txn, max_attempts, deadline_at, available_at, created_at)
           VALUES ('acme', 'i', 'busy', 'live', 'a', 'a', 't', 1, now(), now(), now());
           INSERT INTO caracal.budgets (zone, kind, key, expires_at)
           SELECT 'acme', 'calls', sha256(convert_to(id, 'UTF8')), '9999-01-01' FROM unnest(ARRAY['g', 'live']) AS id;`,
      ),
    );
    const counts = await new Retention(database, new Registry()).run();
    expect(counts).toMatchObject({ sessions: 3, delegations: 2 });
    const { rows } = await test.superuser((client) =>
      client.query<{ id: string }>('SELECT id FROM caracal.sessions ORDER BY id'),
    );
    expect(rows.map((row) => row.id)).toEqual(['busy', 'live', 'top', 'young']);
    const budgets = await test.superuser((client) => client.query('SELECT key FROM caracal.budgets'));
    expect(budgets.rows).toEqual([{ key: createHash('sha256').update('live').digest() }]);
    const forget = database.asJanitor((tx) => tx.query(`SELECT caracal.runtime_forget('acme', now(), 10)`));
    await expect(forget).rejects.toThrow(/too young/);
  });

  it('[T12] the janitor can read or delete nothing that is still live', async () => {
    await expect(database.asJanitor((tx) => tx.query('DELETE FROM caracal.sessions'))).rejects.toMatchObject({
      code: '42501',
    });
    await expect(database.asJanitor((tx) => tx.query('DELETE FROM caracal.ledger'))).rejects.toMatchObject({
      code: '42501',
    });
    expect(await database.asJanitor((tx) => tx.query(`SELECT * FROM caracal.claims WHERE key = 'live'`))).toEqual([]);
  });
});
