import { loadConfig, takeEnvironment, type AppConfig } from './platform/config/index.js';
import { hasCluster, startEmbedded } from './platform/embedded/index.js';
import { Shutdown, startFaults } from './platform/lifecycle/index.js';
import { createLogger, type AppLogger } from './platform/logging/index.js';
import { loadSecrets, type Secrets } from './platform/secrets/index.js';

const shutdown = new Shutdown();

async function main(): Promise<void> {
  const config = loadConfig(takeEnvironment());
  const log = createLogger(config);
  shutdown.listen(log);
  // Loading the application takes as long as starting the database, so they go side by side.
  const [server, { startApp }] = await Promise.all([openDatabase(config, log), import('./create-app.js')]);
  const app = await startApp({ config, log, ...server });
  await shutdown.add(() => app.close());
  process.stdout.write(`listening on ${app.url}\n`);
}

interface OpenedDatabase {
  readonly secrets: Secrets;
  readonly databaseUrl: string;
  readonly migrateUrl?: string | undefined;
}

function openDatabase(config: AppConfig, log: AppLogger): Promise<OpenedDatabase> {
  const { url } = config.database;
  return url === undefined ? openEmbedded(config, log) : openExternal(config, url);
}

/** Secrets are made only where there is nothing yet that others protect. */
async function openEmbedded(config: AppConfig, log: AppLogger): Promise<OpenedDatabase> {
  const secrets = await loadSecrets(config, { mayGenerate: !hasCluster(config) });
  const embedded = await startEmbedded(config, secrets, log);
  await shutdown.add(() => embedded.stop());
  return { secrets, databaseUrl: embedded.databaseUrl, migrateUrl: embedded.superuserDsn };
}

async function openExternal(config: AppConfig, databaseUrl: string): Promise<OpenedDatabase> {
  const { migrateUrl } = config.database;
  const { isEmptyDatabase } = await import('./platform/database/index.js');
  const mayGenerate = migrateUrl !== undefined && (await isEmptyDatabase(migrateUrl));
  return { secrets: await loadSecrets(config, { mayGenerate }), databaseUrl, migrateUrl };
}

main().catch(async (error: unknown) => {
  startFaults(error).forEach((line) => process.stderr.write(`${line}\n`));
  await shutdown.end(1);
});
