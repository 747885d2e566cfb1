import type pg from 'pg';
import { DatabaseClient } from './database-client.js';
import { clientOptions, parseEndpoint, parseLogin } from './endpoint.js';
import { LOGIN_ROLES, OWNER_ROLE, roleLogin, type LoginRole } from './roles.js';
import { faultCode } from './database-errors.js';

const DUPLICATE_OBJECT = '42710';
const DUPLICATE_SCHEMA = '42P06';
const UNIQUE_VIOLATION = '23505';
const CONCURRENT_UPDATE = 'XX000';
const ALREADY_THERE = new Set([DUPLICATE_OBJECT, DUPLICATE_SCHEMA, UNIQUE_VIOLATION]);

/**
 * Makes the owner, the login roles and the schemas, as the migrating user (CREATEROLE is enough).
 * Safe to repeat and to run from several replicas at once; passwords follow `databasePassword`.
 */
export async function provision(migrateDsn: string, databasePassword: string): Promise<void> {
  const client = new DatabaseClient(clientOptions(parseEndpoint(migrateDsn), parseLogin(migrateDsn)));
  await client.connect();
  try {
    await tolerate(client, `CREATE ROLE ${OWNER_ROLE} NOLOGIN`);
    await tolerate(client, `GRANT ${OWNER_ROLE} TO CURRENT_USER WITH SET TRUE`);
    for (const role of LOGIN_ROLES) await ensureLogin(client, role, { dsn: migrateDsn, databasePassword });
    for (const schema of ['caracal', 'caracal_ledger', 'bullmq']) {
      await tolerate(client, `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${OWNER_ROLE}`);
    }
  } finally {
    await client.end();
  }
}

/** Whether Caracal has ever migrated this database: only an empty one may be given freshly made secrets. */
export async function isEmptyDatabase(migrateDsn: string): Promise<boolean> {
  const client = new DatabaseClient(clientOptions(parseEndpoint(migrateDsn), parseLogin(migrateDsn)));
  await client.connect();
  try {
    const { rows } = await client.query<{ there: boolean }>(
      `SELECT to_regclass('caracal.secret_fingerprints') IS NOT NULL AS there`,
    );
    return rows[0]?.there !== true;
  } finally {
    await client.end();
  }
}

async function ensureLogin(
  client: pg.Client,
  role: LoginRole,
  how: { dsn: string; databasePassword: string },
): Promise<void> {
  const login = roleLogin(role, how.databasePassword);
  const password = client.escapeLiteral(login.password);
  await tolerate(
    client,
    `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD ${password}`,
  );
  if (await canLogIn(how.dsn, login)) return;
  await tolerate(client, `ALTER ROLE ${role} PASSWORD ${password}`);
}

async function canLogIn(dsn: string, login: { user: string; password: string }): Promise<boolean> {
  const probe = new DatabaseClient(clientOptions(parseEndpoint(dsn), login));
  try {
    await probe.connect();
    return true;
  } catch {
    return false;
  } finally {
    await probe.end().catch(() => undefined);
  }
}

/** Two replicas (or two databases of one cluster) may do this at the same moment; either one's result is the same. */
async function tolerate(client: pg.Client, sql: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await client.query(sql);
      return;
    } catch (error) {
      const code = faultCode(error) ?? '';
      if (ALREADY_THERE.has(code)) return;
      if (code !== CONCURRENT_UPDATE || attempt >= 10) throw error;
      await new Promise((done) => setTimeout(done, 20 * (attempt + 1)));
    }
  }
}
