/**
 * Runs one PostgreSQL server for the tests and outlives nobody: it stops the server and removes its directory when its
 * standard input closes, which also happens when the process that started it is killed.
 * It prints one line, `{"dsn": …}`, when the server accepts connections.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { freshDirectory, reachableBinaries, serverIdentity } from './postgres-files.mjs';

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '400',
  shared_buffers: '64MB',
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '512MB',
  timezone: 'UTC',
  log_min_messages: 'log',
};
const START_ATTEMPTS = 5;

function initialise({ binaries, directory, identity, password }) {
  const data = path.join(directory, 'data');
  const passwordFile = path.join(directory, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (identity.uid !== undefined) chownSync(passwordFile, identity.uid, identity.gid);
  const flags = ['--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync'];
  const done = spawnSync(path.join(binaries, 'bin', 'initdb'), ['-D', data, `--pwfile=${passwordFile}`, ...flags], {
    ...identity,
    cwd: directory,
    encoding: 'utf8',
  });
  rmSync(passwordFile, { force: true });
  if (done.status !== 0) throw new Error(`initdb failed: ${done.stderr || done.error}`);
  return data;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function launch({ binaries, directory, identity, data }, port) {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // Its own process group: an interrupt at the terminal must reach the tests first and the server through the keeper.
  return spawn(path.join(binaries, 'bin', 'postgres'), ['-D', data, '-p', String(port), ...settings], {
    ...identity,
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** True when the server accepts connections, false when it ended before that (its port was taken meanwhile). */
function ready(server) {
  return new Promise((resolve) => {
    let log = '';
    server.stderr.on('data', (chunk) => {
      log = (log + chunk).slice(-4_000);
      if (log.includes('ready to accept connections')) resolve(true);
    });
    server.once('exit', () => {
      process.stderr.write(`test database ended:\n${log}\n`);
      resolve(false);
    });
  });
}

/** The port that the server listens on; `onLaunch` sees every server before it is known to be ready. */
async function start(place, onLaunch) {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const port = await freePort();
    const server = launch(place, port);
    onLaunch(server);
    if (await ready(server)) return port;
  }
  throw new Error('the test database did not start');
}

function stop(server) {
  if (server.exitCode !== null || server.signalCode !== null) return undefined;
  server.removeAllListeners('exit');
  const gone = new Promise((resolve) => server.once('exit', resolve));
  const forced = setTimeout(() => server.kill('SIGKILL'), 5_000);
  // "Immediate" shutdown: nothing in this directory is worth a checkpoint.
  server.kill('SIGQUIT');
  return gone.then(() => clearTimeout(forced));
}

async function keep() {
  const identity = serverIdentity();
  const directory = freshDirectory(identity);
  let running;
  const finish = async () => {
    if (running) await stop(running);
    rmSync(directory, { recursive: true, force: true });
    process.exit();
  };
  process.stdin.resume().once('end', finish).once('error', finish);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, finish);
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

  const password = randomBytes(16).toString('hex');
  const binaries = reachableBinaries(directory, identity);
  const data = initialise({ binaries, directory, identity, password });
  const port = await start({ binaries, directory, identity, data }, (server) => (running = server));
  process.stdout.write(`${JSON.stringify({ dsn: `postgres://postgres:${password}@127.0.0.1:${port}/postgres` })}\n`);
}

await keep();
