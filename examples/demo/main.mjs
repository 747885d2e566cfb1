/**
 * `npm run demo`: the product's main job from end to end, against two upstreams that are not ours. With CARACAL_URL and
 * CARACAL_ADMIN_TOKEN (and CARACAL_DATA_DIR for the ledger's verification) it uses a running server, which must allow loopback upstreams;
 * otherwise it starts one of its own. Exit 0: everything was as it must be.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Difference, say, step } from './narrator.mjs';
import { stopAll } from './processes.mjs';
import { build, findOrStartServer } from './server.mjs';
import { tell } from './story.mjs';
import { startMcpServer, startRegistry } from './upstreams.mjs';

const LIMIT_MS = 60_000;

async function main(directory) {
  const [registry, mcp] = await step('Two upstreams start', () =>
    Promise.all([startRegistry(path.join(directory, 'registry')), startMcpServer()]),
  );
  say(`verdaccio ${registry.url}, server-everything ${mcp.url}`);
  const server = await step('Caracal', () => findOrStartServer(directory));
  say(`${server.own ? 'a server of its own' : 'the running server'} at ${server.base}`);
  await tell({ server, registry, mcp });
}

async function run() {
  const directory = await mkdtemp(path.join(tmpdir(), 'caracal-demo-'));
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Difference(`not finished after ${LIMIT_MS / 1_000} s`)), LIMIT_MS);
  });
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.once(signal, () => reject(new Difference(`stopped by ${signal}`)));
  });
  try {
    await Promise.race([main(directory), late, interrupted]);
    process.stdout.write('\nEverything was as it must be.\n');
    return 0;
  } catch (error) {
    process.stdout.write(
      `\n    NOT as it must be: ${error instanceof Difference ? error.message : (error?.stack ?? String(error))}\n`,
    );
    return 1;
  } finally {
    clearTimeout(timer);
    await stopAll();
    await rm(directory, { recursive: true, force: true });
  }
}

// Not a part of what is shown, and not of its time: a fresh clone is built by npm ci already.
if (process.env.CARACAL_URL === undefined) build();
process.exit(await run());
