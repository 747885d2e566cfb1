/** The Caracal server of the demonstration: the one that is running, or one of its own. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from './processes.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `verify` answers the exit status and output of the verify program, or undefined when the server's data directory is not known. */
export async function findOrStartServer(directory) {
  const { CARACAL_URL: url, CARACAL_ADMIN_TOKEN: adminToken, CARACAL_DATA_DIR: dataDir } = process.env;
  if (url !== undefined && adminToken !== undefined) {
    return {
      base: url.replace(/\/$/, ''),
      adminToken,
      own: false,
      verify: dataDir === undefined ? undefined : verifier(dataDir),
    };
  }
  if (url !== undefined) throw new Error('CARACAL_URL is set: set CARACAL_ADMIN_TOKEN too');
  return startServer(path.join(directory, 'caracal'));
}

/** Starts a built server on a data directory; `env` adds to its environment. */
export async function startServer(dataDir, env = {}, nodeArgs = []) {
  const { answer, pid, stop } = await start('caracal', {
    // As `npm start` does.
    args: ['--max-semi-space-size=64', ...nodeArgs, path.join(ROOT, 'dist/main.js')],
    cwd: ROOT,
    env: {
      ...quiet(),
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      EGRESS_ALLOW_LOOPBACK: 'true',
      NODE_ENV: 'development',
      ...env,
    },
    ready: (text) => /listening on (http:\/\/[^\s"]+)/.exec(text)?.[1],
  });
  const adminToken = (await readFile(path.join(dataDir, 'secrets/admin_token'), 'utf8')).trim();
  return { base: answer, adminToken, own: true, pid, stop, verify: verifier(dataDir) };
}

/** What is set in the surrounding shell for some other server must not decide over this one. */
function quiet() {
  const names = [
    'ADMIN_PORT',
    'PUBLIC_URL',
    'DATABASE_URL',
    'DATABASE_MIGRATE_URL',
    'REDIS_URL',
    'TRUST_PROXY',
    'CONTROL_ENABLED',
  ];
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/** `npm start` builds when something is newer than the build; so does this. */
export function build() {
  const script =
    'if [ ! -f dist/main.js ] || [ -n "$(find src tsconfig.json package.json -newer dist/main.js -print -quit)" ]; then npm run --silent build; fi';
  const done = spawnSync('sh', ['-c', script], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status === 0) return;
  process.stderr.write('the server could not be built\n');
  process.exit(1);
}

function verifier(dataDir) {
  return (zone) => {
    const args = [path.join(ROOT, 'dist/audit/verify/main.js'), '--data-dir', dataDir, '--zone', zone];
    const done = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
    return { status: done.status, text: `${done.stdout}${done.stderr}`.trim() };
  };
}
