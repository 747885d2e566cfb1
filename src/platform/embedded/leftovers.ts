import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from '../../kernel/start-error.js';
import type { AppLogger } from '../logging/index.js';

const POLL_MS = 20;
const MODES: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 20_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];
/** Children without their server have nothing to flush. */
const ORPHANS_PATIENCE_MS = 2_000;
const STALE_FILES = ['postmaster.pid', '.s.PGSQL.5432.lock', '.s.PGSQL.5432'];

/**
 * Ends what still runs on a cluster after its owner was killed: the server as a clean shutdown, else its orphaned children. Only for who
 * holds the cluster's lock: whatever runs then is nobody's. Afterwards no process is left and a new server can start.
 */
export async function stopLeftovers(path: string, log: AppLogger): Promise<void> {
  const cluster = realpathSync(path);
  const left = clusterProcesses(cluster);
  if (left.length > 0) {
    log.warn({ pids: left, cluster }, 'a database without owner still runs here; stopping it');
    await stop(cluster);
  }
  // PostgreSQL takes the number in these files for a live server whenever any process of its user has that number today.
  if (process.platform === 'linux') STALE_FILES.forEach((name) => rmSync(join(cluster, name), { force: true }));
}

async function stop(cluster: string): Promise<void> {
  for (const [signal, patience] of MODES) {
    signalCluster(cluster, signal);
    const most = serverOf(cluster) === undefined ? ORPHANS_PATIENCE_MS : patience;
    for (let waited = 0; waited < most; waited += POLL_MS) {
      if (clusterProcesses(cluster).length === 0) return;
      await delay(POLL_MS);
    }
  }
  throw new StartError([
    `processes ${clusterProcesses(cluster).join(', ')} still use the database in ${cluster} and cannot be stopped`,
  ]);
}

/** The server itself passes a shutdown on to its children; without it each child is told to end. */
function signalCluster(cluster: string, signal: NodeJS.Signals): void {
  const server = serverOf(cluster);
  if (server !== undefined && signal !== 'SIGKILL') kill(server, signal);
  else clusterProcesses(cluster).forEach((pid) => kill(pid, signal === 'SIGINT' ? 'SIGTERM' : signal));
}

function serverOf(cluster: string): number | undefined {
  const server = recordedServer(cluster);
  return server !== undefined && clusterProcesses(cluster).includes(server) ? server : undefined;
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Every process of the cluster: each works in its directory. Without `/proc` only the server itself is seen. */
function clusterProcesses(cluster: string): number[] {
  if (process.platform === 'linux')
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && worksIn(pid, cluster));
  const server = recordedServer(cluster);
  return server !== undefined && runsOn(server, cluster) ? [server] : [];
}

function worksIn(pid: number, cluster: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === cluster && basename(readlinkSync(`/proc/${pid}/exe`)).startsWith('postgres')
    );
  } catch {
    return false;
  }
}

function runsOn(pid: number, cluster: string): boolean {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(cluster);
  } catch {
    return false;
  }
}

function recordedServer(cluster: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
