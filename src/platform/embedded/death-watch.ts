import { spawn } from 'node:child_process';
import type { OsAccount } from './domain/permissions.js';
import { PROGRAM_ENVIRONMENT } from './init-cluster.js';

/** Waits for a line or for the end of its input, which the kernel closes when we die in whatever way. */
const SCRIPT = 'read -r _ || kill -INT "$0"';

/**
 * Lets a server of ours end soon after this process died without a chance to stop it. Returns what calls the watch off, for when the server
 * has ended. It runs as the server's user and in a session of its own. Nothing relies on it: the next owner ends whatever it missed.
 */
export function watchOverDeath(pid: number, account: OsAccount | undefined): () => void {
  const watch = spawn('/bin/sh', ['-c', SCRIPT, String(pid)], {
    ...account,
    cwd: '/',
    env: PROGRAM_ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watch.on('error', () => undefined);
  watch.stdin.on('error', () => undefined);
  watch.unref();
  return () => watch.stdin.end('ended\n');
}
