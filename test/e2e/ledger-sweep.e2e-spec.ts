import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startTestApp, type TestApp } from '../support/app.js';
import { OAuthScene, ok } from '../support/oauth-scene.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

interface Sweep {
  readonly status: string;
  readonly findings: readonly { readonly index: number | null; readonly kind: string; readonly reason: string }[];
}

/** A zone with some entries, all of them under a signed checkpoint. */
async function filled(): Promise<OAuthScene> {
  const scene = await OAuthScene.open(app);
  for (let n = 0; n < 4; n += 1) await scene.admin('POST', '/applications', { name: `App ${n}` });
  ok(await scene.admin('GET', '/audit/proofs/4'));
  return scene;
}

async function sweep(scene: OAuthScene): Promise<Sweep> {
  const started = await scene.admin('POST', '/audit/verify');
  expect(started.status).toBe(202);
  for (let turn = 0; turn < 400; turn += 1) {
    const found = ok(await scene.admin('GET', `/audit/verify/${started.body.id}`)) as Sweep;
    if (found.status !== 'running') return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the sweep did not end');
}

/** What readiness says once it answers this status: it looks at most twice a second. */
async function readiness(status: number): Promise<unknown> {
  for (let turn = 0; turn < 100; turn += 1) {
    const ready = await app.admin('GET', '/health/ready');
    if (ready.status === status) return ready.body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`readiness never answered ${status}`);
}

/** How many findings of the kind the metric counts. */
async function counted(kind: string): Promise<number> {
  const answer = await fetch(`${app.url}/metrics`);
  const line = new RegExp(`^caracal_ledger_findings_total\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(await answer.text());
  return Number(line?.[1] ?? 0);
}

/** Changes the ledger as somebody with full rights over the database. */
async function tamper(statements: readonly string[], zone: string): Promise<void> {
  const client = new pg.Client({ connectionString: app.dsn });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SET LOCAL session_replication_role = replica');
    const { rows } = await client.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass`,
    );
    const tables = [...rows.map((row) => row.name), 'caracal.ledger'];
    for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    for (const statement of statements) await client.query(statement, statement.includes('$1') ? [zone] : []);
    for (const table of tables) {
      await client.query(`ALTER TABLE ${table} ENABLE TRIGGER ALL`);
      await client.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ledger_no_change`);
      await client.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ledger_no_truncate`);
    }
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

describe('sweeps of the ledger', () => {
  it('[T6] find nothing in a ledger that nobody touched', async () => {
    expect(await sweep(await filled())).toMatchObject({ status: 'done', findings: [] });
    expect((await app.admin('GET', '/health/ready')).status).toBe(200);
  });

  it.each<[string, string, number, string]>([
    [
      'an edited entry',
      `UPDATE caracal.ledger SET entry = replace(entry, '"system"', '"human"') || ' ' WHERE zone = $1 AND index = 2`,
      2,
      'chain',
    ],
    ['a deleted entry', `DELETE FROM caracal.ledger WHERE zone = $1 AND index = 1`, 1, 'chain'],
    [
      'a back-dated entry',
      `UPDATE caracal.ledger SET ingested_at = ingested_at - interval '1 second' WHERE zone = $1 AND index = 3`,
      3,
      'chain',
    ],
    [
      'a changed personal payload',
      `UPDATE caracal.ledger_personal SET payload = '{}' WHERE zone = $1 AND index = 2`,
      2,
      'personal',
    ],
  ])(
    '[T6] report %s: by index, in the ledger, to readiness, in the log and in the metric',
    async (_, statement, index, kind) => {
      const scene = await filled();
      const before = await counted(kind);
      await tamper([statement], scene.zone);
      const first = await sweep(scene);
      expect(first.findings).toMatchObject([{ index, kind, reason: expect.any(String) }]);
      expect(await readiness(503)).toEqual({ status: 'unready', reasons: ['ledger_tampered'] });
      expect(app.logs()).toContain('the ledger is not as it was written');
      const [entry, ...others] = await scene.entries('type=ledger.finding');
      expect(others).toEqual([]);
      expect(entry?.entry).toMatchObject({ actor: { kind: 'system' }, detail: { index, kind } });
      expect(await counted(kind)).toBe(before + 1);
      expect((await sweep(scene)).findings).toEqual(first.findings);
      expect(await counted(kind)).toBe(before + 1);
      expect(await scene.entries('type=ledger.finding')).toHaveLength(1);
      // What is told here must not unsettle what is told next.
      await tamper([`UPDATE caracal.ledger_sweeps SET findings = '[]' WHERE zone = $1`], scene.zone);
    },
  );

  it('[T6] report a partition whose guards were taken away', async () => {
    const scene = await filled();
    const client = new pg.Client({ connectionString: app.dsn });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass ORDER BY 1 LIMIT 1`,
    );
    const [partition] = rows;
    await client.query(`ALTER TABLE ${partition?.name} DISABLE TRIGGER ledger_no_truncate`);
    expect((await sweep(scene)).findings).toMatchObject([{ index: null, kind: 'schema' }]);
    await client.query(`ALTER TABLE ${partition?.name} ENABLE ALWAYS TRIGGER ledger_no_truncate`);
    await client.end();
    expect((await sweep(scene)).findings).toEqual([]);
  });

  it('an unknown sweep is not found, and only audit may ask', async () => {
    const scene = await filled();
    expect((await scene.admin('GET', '/audit/verify/job_nope')).status).toBe(404);
  });

  it('look at the system’s own ledger, too', async () => {
    const started = await app.admin('POST', '/v1/zones/_system/audit/verify');
    expect(started.status).toBe(202);
  });
});
