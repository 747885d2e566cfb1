/** A second replica on the first one's database and secrets. */
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServer } from '../../examples/demo/server.mjs';
import { measureKills } from './kill.mjs';

const SECRETS = ['kek', 'pepper', 'ledger_hmac', 'checkpoint_key', 'queue_hmac', 'database_password', 'admin_token'];

export async function killOnOtherReplica(env, options) {
  const dataDir = `${env.dataDir}-replica`;
  await mkdir(path.join(dataDir, 'secrets'), { recursive: true, mode: 0o700 });
  for (const name of SECRETS) await cp(path.join(env.dataDir, 'secrets', name), path.join(dataDir, 'secrets', name));
  const replica = await startServer(dataDir, { DATABASE_URL: env.dsn, PUBLIC_URL: env.server.base, LOG_LEVEL: 'warn' });
  try {
    const atReplica = (url) => url.replace(env.server.base, replica.base);
    return await measureKills(env, options, { title: 'kill switch, other replica', goalMs: 250, atReplica });
  } finally {
    await replica.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}
