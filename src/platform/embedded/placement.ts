import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StartError } from '../../kernel/start-error.js';
import type { OsAccount } from './domain/permissions.js';
import { canUse, copyBinaries, findBinaries, type NativeBinaries } from './native-binaries.js';
import { canEnter, databaseAccount } from './os-account.js';

/** Where clusters go that the database's OS user could not reach below `DATA_DIR`. */
const ELSEWHERE = '/var/lib/caracal';
const CLUSTER = 'postgres';
const TRAVERSABLE = 0o711;
/** What this server puts into `DATA_DIR`; a directory that holds anything else was somebody's before. */
const OWN_ENTRIES = /^(?:postgres(?:\..*)?|secrets|owner|anchors)$/;

/** Where a cluster and its programs are, and who runs them. */
export interface Placement {
  /** The cluster itself; may not exist yet. */
  readonly cluster: string;
  readonly binaries: NativeBinaries;
  /** Only when started as root. */
  readonly account?: OsAccount;
  /** Holds the cluster when that is not `DATA_DIR`; has to be locked as well. */
  readonly elsewhere?: string;
}

/**
 * Decides where the cluster of a data directory is. As root, `DATA_DIR` is opened for passing through (0711); when the database's OS user
 * still cannot reach it, or the installed binaries, the cluster and a copy of the binaries go below `/var/lib/caracal`, and
 * `DATA_DIR/postgres` becomes a link to it. A cluster that exists stays where it is. No directory above `DATA_DIR` is changed.
 */
export function placeCluster(dataDir: string): Placement {
  const binaries = findBinaries();
  const here = join(realpathSync(dataDir), CLUSTER);
  if (process.getuid?.() !== 0) return { cluster: own(here), binaries };
  openForPassing(dataDir);
  const account = ownerOf(here) ?? databaseAccount();
  const link = linkTarget(here);
  const inPlace = link === undefined && (isCluster(here) || (canEnter(dataDir, account) && canUse(binaries, account)));
  if (inPlace)
    return { cluster: reachable(here, account), binaries: usableBinaries(binaries, account, dataDir), account };
  const elsewhere = link === undefined ? homeFor(dataDir) : dirname(link);
  return {
    cluster: join(elsewhere, CLUSTER),
    binaries: usableBinaries(binaries, account, dataDir, elsewhere),
    account,
    elsewhere,
  };
}

/** Called when the place is locked: links `DATA_DIR` to it, and sets aside what a data directory of this path that is gone left there. */
export function occupyElsewhere(dataDir: string, elsewhere: string): string | undefined {
  const here = join(realpathSync(dataDir), CLUSTER);
  if (linkTarget(here) !== undefined) return undefined;
  const cluster = join(elsewhere, CLUSTER);
  const leftover = existsSync(cluster)
    ? `${cluster}.abandoned-${new Date().toISOString().replace(/[:.]/g, '-')}`
    : undefined;
  if (leftover !== undefined) renameSync(cluster, leftover);
  symlinkSync(cluster, here);
  return leftover;
}

/** True when a whole cluster is there: it gets its name only when it is whole. */
export function isCluster(path: string): boolean {
  return existsSync(join(path, 'PG_VERSION'));
}

function openForPassing(dataDir: string): void {
  if ((statSync(dataDir).mode & 0o777) === TRAVERSABLE) return;
  if (readdirSync(dataDir).every((name) => OWN_ENTRIES.test(name))) chmodSync(dataDir, TRAVERSABLE);
}

function own(cluster: string): string {
  const stats = statSync(cluster, { throwIfNoEntry: false });
  if (!stats || stats.uid === process.getuid?.()) return cluster;
  throw new StartError([
    `the database in ${cluster} belongs to another OS user (uid ${stats.uid}); start as that user or as root`,
  ]);
}

/** As root, a cluster made by another user is run as that user. */
function ownerOf(cluster: string): OsAccount | undefined {
  const stats = statSync(cluster, { throwIfNoEntry: false });
  return stats && stats.uid !== 0 ? { uid: stats.uid, gid: stats.gid } : undefined;
}

function linkTarget(path: string): string | undefined {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const target = readlinkSync(path);
  if (target.startsWith(`${ELSEWHERE}/`) && target === join(dirname(target), CLUSTER)) return target;
  throw new StartError([
    `${path} is a symbolic link that this server did not make; remove it or set DATA_DIR to another directory`,
  ]);
}

function reachable(cluster: string, account: OsAccount): string {
  if (canEnter(dirname(cluster), account)) return cluster;
  throw new StartError([
    `the database in ${cluster} can no longer be reached by its OS user (uid ${account.uid}); open the directories above it for passing (mode 0711)`,
  ]);
}

function usableBinaries(
  binaries: NativeBinaries,
  account: OsAccount,
  dataDir: string,
  elsewhere?: string,
): NativeBinaries {
  if (elsewhere === undefined && canUse(binaries, account)) return binaries;
  return copyBinaries(binaries, elsewhere ?? homeFor(dataDir));
}

function homeFor(dataDir: string): string {
  const hash = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
  const home = join(ELSEWHERE, hash);
  try {
    for (const directory of [ELSEWHERE, home]) {
      mkdirSync(directory, { recursive: true });
      chmodSync(directory, TRAVERSABLE);
    }
    return home;
  } catch (cause) {
    throw new StartError(
      [
        `the database's OS user cannot reach ${dataDir}, and ${home} cannot be made; set DATA_DIR to a directory it can reach`,
      ],
      { cause },
    );
  }
}
