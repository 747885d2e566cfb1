/** A process that owns the embedded database of DATA_DIR until it is told to stop: what the tests of its life and death start and kill. */
import { loadConfig } from '../../src/platform/config/index.js';
import { startEmbedded } from '../../src/platform/embedded/index.js';
import { createLogger } from '../../src/platform/logging/index.js';
import { loadSecrets } from '../../src/platform/secrets/index.js';

async function own(): Promise<void> {
  const config = loadConfig({ DATA_DIR: process.env['DATA_DIR'], LOG_LEVEL: process.env['LOG_LEVEL'] });
  const secrets = await loadSecrets(config, { mayGenerate: true });
  const began = performance.now();
  const embedded = await startEmbedded(config, secrets, createLogger(config, process.stderr));
  const took = Math.round(performance.now() - began);
  process.once('SIGTERM', () => {
    void embedded.stop().then(() => process.exit(0));
  });
  process.stdout.write(`${JSON.stringify({ dsn: embedded.superuserDsn, cluster: embedded.cluster, took })}\n`);
  embedded.onExit((exit) => process.stdout.write(`${JSON.stringify({ exit })}\n`));
}

own().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
