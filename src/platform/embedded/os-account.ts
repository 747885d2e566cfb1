import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartError } from '../../kernel/start-error.js';
import { findAccount, permits, SEARCH, type OsAccount } from './domain/permissions.js';

const ACCOUNT_NAME = 'postgres';

/** How the account is made, on systems with the shadow tools and with busybox. */
const CREATIONS: readonly (readonly string[])[] = [
  [
    'useradd',
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    ACCOUNT_NAME,
  ],
  ['adduser', '-S', '-D', '-H', '-h', '/nonexistent', '-s', '/sbin/nologin', ACCOUNT_NAME],
];

/** PostgreSQL refuses to run as root; this is who it then runs as. Creates the account when the system has none. */
export function databaseAccount(): OsAccount {
  const present = lookUp();
  if (present) return present;
  for (const [command = '', ...args] of CREATIONS) {
    spawnSync(command, args, { stdio: 'ignore' });
    const created = lookUp();
    if (created) return created;
  }
  throw new StartError([
    `PostgreSQL does not run as root, and there is no OS user ${ACCOUNT_NAME} and none can be created; run as another user, create it, or set DATABASE_URL`,
  ]);
}

function lookUp(): OsAccount | undefined {
  return findAccount(readFileSync('/etc/passwd', 'utf8'), ACCOUNT_NAME);
}

/** Whether the account can pass through every directory from the root down to this one. The path must exist. */
export function canEnter(directory: string, account: OsAccount): boolean {
  for (let path = realpathSync(directory); ; path = dirname(path)) {
    if (!permits(statSync(path), account, SEARCH)) return false;
    if (path === dirname(path)) return true;
  }
}
