import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { StartError } from '../../kernel/start-error.js';
import { initArguments } from './domain/server-settings.js';
import { program } from './native-binaries.js';
import { isCluster, type Placement } from './placement.js';

const run = promisify(execFile);

/** What the programs see of the environment: nothing of ours. */
export const PROGRAM_ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const;

/** Makes the cluster unless there is one. It appears under its name whole, so a start that was cut off leaves only a draft to remove. */
export async function ensureCluster(placement: Placement, password: string): Promise<void> {
  removeDrafts(placement.cluster);
  if (isCluster(placement.cluster)) return assertSameMajor(placement);
  const draft = draftName(placement.cluster);
  const passwordFile = draftName(placement.cluster);
  try {
    mkdirSync(draft, 0o700);
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
    if (placement.account) [draft, passwordFile].forEach((path) => chownTo(path, placement));
    await initialise(placement, initArguments(draft, passwordFile));
    renameSync(draft, placement.cluster);
    syncDirectory(dirname(placement.cluster));
  } finally {
    removeDrafts(placement.cluster);
  }
}

async function initialise(placement: Placement, args: string[]): Promise<void> {
  try {
    await run(program(placement.binaries, 'initdb'), args, {
      ...placement.account,
      cwd: '/',
      env: PROGRAM_ENVIRONMENT,
    });
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr?.trim();
    throw new StartError(
      [`the embedded database cannot be made in ${placement.cluster}: ${output ? output : (cause as Error).message}`],
      { cause },
    );
  }
}

function assertSameMajor(placement: Placement): void {
  const made = readFileSync(join(placement.cluster, 'PG_VERSION'), 'utf8').trim();
  const major = placement.binaries.version.split('.')[0];
  if (made === major) return;
  throw new StartError([
    `the database in ${placement.cluster} was made by PostgreSQL ${made}, this server brings PostgreSQL ${major}; dump and restore it`,
  ]);
}

function draftName(cluster: string): string {
  return `${cluster}.draft-${randomBytes(6).toString('hex')}`;
}

function removeDrafts(cluster: string): void {
  const directory = dirname(cluster);
  for (const name of readdirSync(directory)) {
    if (name.startsWith(`${basename(cluster)}.draft-`)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function chownTo(path: string, { account }: Placement): void {
  if (account) chownSync(path, account.uid, account.gid);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
