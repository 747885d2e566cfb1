import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ENTITIES } from '../../src/entities.js';
import type { Database } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** What `information_schema` calls the types our entities name. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  text: 'text',
  integer: 'integer',
  int: 'integer',
  bigint: 'bigint',
  boolean: 'boolean',
  bytea: 'bytea',
  jsonb: 'jsonb',
  uuid: 'uuid',
  timestamptz: 'timestamp with time zone',
  'timestamp with time zone': 'timestamp with time zone',
};

interface Column {
  readonly table_name: string;
  readonly column_name: string;
  readonly data_type: string;
  readonly is_nullable: 'YES' | 'NO';
}

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open(ENTITIES);
});
afterAll(() => test.drop());

describe('schema', () => {
  it('is what the entities say, column by column', async () => {
    const { rows } = await test.superuser((client) =>
      client.query<Column>(
        `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'caracal'`,
      ),
    );
    const columns = new Map(rows.map((row) => [`${row.table_name}.${row.column_name}`, row]));
    const faults: string[] = [];
    for (const metadata of database.entityMetadatas()) {
      for (const column of metadata.columns) {
        const path = `${metadata.tableName}.${column.databaseName}`;
        const actual = columns.get(path);
        const expected = column.isArray ? 'ARRAY' : (TYPE_NAMES[String(column.type)] ?? String(column.type));
        if (!actual) faults.push(`${path} does not exist`);
        else if (actual.data_type !== expected)
          faults.push(`${path} is ${actual.data_type}, the entity says ${expected}`);
        else if ((actual.is_nullable === 'YES') !== column.isNullable)
          faults.push(`${path} and its entity disagree on NULL`);
        columns.delete(path);
      }
      for (const path of columns.keys())
        if (path.startsWith(`${metadata.tableName}.`)) faults.push(`${path} is in no entity`);
    }
    expect(faults).toEqual([]);
    expect(database.entityMetadatas().length).toBeGreaterThan(8);
  });

  it('[T1] forces row-level security on every table that has a zone, but for the named exceptions', async () => {
    const { rows } = await test.superuser((client) =>
      client.query<{ name: string }>(
        `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('caracal', 'caracal_ledger') AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
      ),
    );
    const open = rows.map((row) => row.name).sort();
    expect(open).toEqual([
      'admin_tokens',
      'change_log',
      'dead_letter',
      'feed_head',
      'inbox',
      'ledger_accounts',
      'migrations',
      'outbox',
      'replicas',
      'secret_fingerprints',
      'zones',
    ]);
  });

  it('[T1] shows caracal_app no zone row while no zone is set', async () => {
    const { rows } = await test.superuser((client) =>
      client.query<{ name: string }>(
        `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'caracal'::regnamespace AND c.relkind = 'r' AND c.relforcerowsecurity
           AND has_table_privilege('caracal_app', c.oid, 'SELECT')`,
      ),
    );
    expect(rows.length).toBeGreaterThan(8);
    await test.superuser((client) => client.query(`INSERT INTO caracal.graph_lock (zone) VALUES ('_system')`));
    for (const { name } of rows) {
      const seen = await database.withZone('', (tx) => tx.query(`SELECT * FROM caracal.${name}`));
      expect({ name, seen }).toEqual({ name, seen: [] });
    }
  });

  it('[T12] no login role is superuser, owner, or may bypass row-level security', async () => {
    const { rows } = await test.superuser((client) =>
      client.query<{ rolname: string }>(
        `SELECT rolname FROM pg_roles r WHERE rolname LIKE 'caracal\\_%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
           OR (rolname <> 'caracal_owner' AND pg_has_role(rolname, 'caracal_owner', 'MEMBER')) OR (rolname = 'caracal_owner' AND rolcanlogin))`,
      ),
    );
    expect(rows).toEqual([]);
  });

  it('[T1] definer functions pin their search path and are not for PUBLIC', async () => {
    const { rows } = await test.superuser((client) =>
      client.query<{ proname: string }>(
        `SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'caracal'::regnamespace
           AND (has_function_privilege('public', p.oid, 'EXECUTE') OR NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%'))`,
      ),
    );
    expect(rows).toEqual([]);
  });
});
