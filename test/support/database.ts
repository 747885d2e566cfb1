import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { EntityTarget } from 'typeorm';
import {
  Database,
  DatabaseClient,
  clientOptions,
  migrate,
  parseEndpoint,
  parseLogin,
  provision,
} from '../../src/platform/database/index.js';

/** Login roles belong to the cluster, so every test database shares the one secret their passwords are derived from. */
export const TEST_DATABASE_PASSWORD = 'test-database-password-7Qm3vX9tLk2Rw8Zp';

/** A database of its own on the shared test server, migrated; dropped by `drop`. */
export interface TestDatabase {
  readonly name: string;
  /** Superuser DSN: for tampering and inspection only; the server under test logs in as the shipped roles. */
  readonly dsn: string;
  open(entities?: readonly EntityTarget<object>[]): Promise<Database>;
  superuser<T>(fn: (client: pg.Client) => Promise<T>): Promise<T>;
  drop(): Promise<void>;
}

/** The shared server's superuser DSN, from the global set-up. */
export function serverDsn(): string {
  const dsn = process.env['TEST_POSTGRES_DSN'];
  if (!dsn) throw new Error('TEST_POSTGRES_DSN is not set: run through jest.config.mjs');
  return dsn;
}

export function withDatabase(dsn: string, name: string): string {
  const url = new URL(dsn);
  url.pathname = `/${name}`;
  return url.toString();
}

export async function asSuperuser<T>(dsn: string, fn: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new DatabaseClient(clientOptions(parseEndpoint(dsn), parseLogin(dsn)));
  await client.connect();
  try {
    return await fn(client);
  } finally {
    await client.end();
  }
}

/** Makes an empty database without migrating it. */
export async function createEmptyDatabase(): Promise<{ name: string; dsn: string; drop(): Promise<void> }> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  await asSuperuser(serverDsn(), (client) => client.query(`CREATE DATABASE ${name}`));
  return {
    name,
    dsn: withDatabase(serverDsn(), name),
    drop: async () => {
      await asSuperuser(serverDsn(), (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const empty = await createEmptyDatabase();
  await provision(empty.dsn, TEST_DATABASE_PASSWORD);
  await migrate(empty.dsn);
  const opened: Database[] = [];
  return {
    name: empty.name,
    dsn: empty.dsn,
    open: async (entities = []) => {
      const database = new Database({
        endpoint: parseEndpoint(empty.dsn),
        databasePassword: TEST_DATABASE_PASSWORD,
        entities,
        patienceMs: 60_000,
      });
      await database.open();
      opened.push(database);
      return database;
    },
    superuser: (fn) => asSuperuser(empty.dsn, fn),
    drop: async () => {
      await Promise.all(opened.map((database) => database.close()));
      await empty.drop();
    },
  };
}
