import { runMigrations } from 'bullmq';
import type pg from 'pg';
import { clientOptions, DatabaseClient, OWNER_ROLE, parseEndpoint, parseLogin } from '../database/index.js';
import { QUEUE_SCHEMA } from './backend/postgres-backend.js';

const QUEUE_ROLE = 'caracal_queue';

/** What `caracal_queue` may do, and nobody else: the rows of BullMQ's tables, no table of ours, no definition of anything. */
const GRANTS = `
  REVOKE ALL ON SCHEMA ${QUEUE_SCHEMA} FROM PUBLIC;
  REVOKE ALL ON ALL TABLES IN SCHEMA ${QUEUE_SCHEMA} FROM PUBLIC;
  REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${QUEUE_SCHEMA} FROM PUBLIC;
  REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${QUEUE_SCHEMA} FROM PUBLIC;
  GRANT USAGE ON SCHEMA ${QUEUE_SCHEMA} TO ${QUEUE_ROLE};
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${QUEUE_SCHEMA} TO ${QUEUE_ROLE};
  REVOKE INSERT, UPDATE, DELETE ON ${QUEUE_SCHEMA}.migration FROM ${QUEUE_ROLE};
  GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${QUEUE_SCHEMA} TO ${QUEUE_ROLE};
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${QUEUE_SCHEMA} TO ${QUEUE_ROLE};
`;

/**
 * Brings BullMQ's tables in schema `bullmq` up to date as the owner and gives `caracal_queue` its rights on them. Safe to repeat and to
 * run from several replicas at once. Run it in the migration phase: at run time nothing migrates.
 */
export async function migrateQueues(migrateDsn: string): Promise<void> {
  const client = new DatabaseClient({
    ...clientOptions(parseEndpoint(migrateDsn), parseLogin(migrateDsn)),
    options: `-c role=${OWNER_ROLE}`,
  });
  await client.connect();
  try {
    await runMigrations(withoutCreateSchema(client), QUEUE_SCHEMA);
    await client.query(GRANTS);
  } finally {
    await client.end();
  }
}

type Migrating = Parameters<typeof runMigrations>[0];

/** Provisioning has made the schema, and the owner has no right to make schemas in the database. */
function withoutCreateSchema(client: pg.Client): Migrating {
  const query = async (text: string, params?: readonly unknown[]) =>
    text.startsWith('CREATE SCHEMA') ? { rows: [] } : client.query(text, params && [...params]);
  return { query: query as Migrating['query'] };
}
