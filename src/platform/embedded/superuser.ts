import pg from 'pg';
import { StartError } from '../../kernel/start-error.js';
import { deriveKey, type Secrets } from '../secrets/index.js';
import { DATABASE_NAME, hostAndPort, SUPERUSER, type Listening } from './domain/server-settings.js';

const PASSWORD_BYTES = 32;
const INVALID_PASSWORD = '28P01';

/** The superuser's password: it follows from `database_password`, so there is nothing more to keep or to lose. */
export function superuserPassword(secrets: Pick<Secrets, 'databasePassword'>): string {
  return deriveKey(secrets.databasePassword, 'caracal postgres superuser', PASSWORD_BYTES).toString('base64url');
}

/** Makes the database unless it is there; a password that the cluster was not made with is told as the secret's fault. */
export async function ensureDatabase(listening: Listening, password: string): Promise<void> {
  // Not DatabaseClient: its module loads what is loaded beside the start of the database.
  // eslint-disable-next-line no-restricted-syntax -- it is listened to below
  const client = new pg.Client({
    ...hostAndPort(listening),
    user: SUPERUSER,
    password,
    database: 'postgres',
    ssl: false,
  });
  // A connection that breaks while no query runs would otherwise end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE_NAME]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE_NAME}`);
  } catch (error) {
    if ((error as { code?: string }).code !== INVALID_PASSWORD) throw error;
    throw new StartError('secret database_password is not the one this data directory was made with; restore it', {
      cause: error,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}
