import { readdir, readFile } from 'node:fs/promises';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { DatabaseClient } from './database-client.js';
import { clientOptions, parseEndpoint, parseLogin } from './endpoint.js';
import { CONNECTING } from './patience.js';
import { OWNER_ROLE } from './roles.js';

/** `pg_advisory_lock` key under which one process at a time migrates. */
const MIGRATION_LOCK = 7_205_419_022;
const MIGRATIONS_DIR = new URL('../../../migrations/', import.meta.url);

/**
 * Applies every pending migration as the owner, each in a transaction of its own, one process at a time.
 * `also` runs under the same lock (the queue's own migrations).
 */
export async function migrate(migrateDsn: string, also: () => Promise<void> = async () => undefined): Promise<void> {
  const guard = new DatabaseClient(clientOptions(parseEndpoint(migrateDsn), parseLogin(migrateDsn)));
  await guard.connect();
  try {
    await guard.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await applyAll(migrateDsn);
    await also();
  } finally {
    await guard.end();
  }
}

/** Names of the migrations that are checked in, oldest first: `<name><13-digit time>`, as TypeORM wants them. */
export async function knownMigrations(): Promise<string[]> {
  return (await readMigrations()).map((migration) => migration.name);
}

async function applyAll(migrateDsn: string): Promise<void> {
  const { user, ssl, ...rest } = clientOptions(parseEndpoint(migrateDsn), parseLogin(migrateDsn));
  const source = new DataSource({
    ...rest,
    type: 'postgres',
    username: user,
    ssl,
    schema: 'caracal',
    migrationsTableName: 'migrations',
    migrations: (await readMigrations()).map(migrationClass),
    installExtensions: false,
    poolSize: 2,
    extra: {
      ...CONNECTING,
      Client: DatabaseClient,
      options: `-c role=${OWNER_ROLE} -c search_path=caracal,pg_catalog`,
    },
  });
  await source.initialize();
  try {
    await source.runMigrations({ transaction: 'each' });
    await source.query('GRANT SELECT ON caracal.migrations TO caracal_system');
  } finally {
    await source.destroy();
  }
}

interface SqlMigration {
  readonly name: string;
  readonly sql: string;
}

async function readMigrations(): Promise<SqlMigration[]> {
  const files = (await readdir(MIGRATIONS_DIR)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const [, time, title] = /^(\d{13})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
      if (!time || !title) throw new Error(`migrations/${file}: the name must be <13-digit time>-<title>.sql`);
      return {
        name: `${title.replaceAll('-', '_')}${time}`,
        sql: await readFile(new URL(file, MIGRATIONS_DIR), 'utf8'),
      };
    }),
  );
}

function migrationClass({ name, sql }: SqlMigration): new () => MigrationInterface {
  return class implements MigrationInterface {
    readonly name = name;

    async up(runner: QueryRunner): Promise<void> {
      await runner.query(sql);
    }

    async down(): Promise<void> {
      throw new Error('migrations go forward only: expand, then contract');
    }
  };
}
