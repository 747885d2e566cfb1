import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { dirname, sep } from 'node:path';

const MAX_BYTES = 64 * 1024;
const READ_BY_OTHERS = 0o004;
const WRITTEN_BY_OTHERS = 0o002;

/** Why a file is not taken as a secret. The message names no content. */
export class SecretFileFault extends Error {
  override readonly name = 'SecretFileFault';
}

/**
 * The text of a secret's file, without one trailing line break. Refuses what is not a regular file, is over 64 KiB, empty, open to every
 * user of the machine, or a symbolic link that leaves its directory (orchestrators mount secrets as links inside one directory).
 * The checks are made on the opened file, so a swap between check and reading changes nothing.
 */
export function readSecretFile(path: string): string {
  const target = followInsideMount(path);
  const fd = open(target);
  try {
    assertAcceptable(fstatSync(fd));
    const text = readFileSync(fd, 'utf8').replace(/\r?\n$/, '');
    if (text === '') throw new SecretFileFault('the file is empty');
    return text;
  } finally {
    closeSync(fd);
  }
}

function followInsideMount(path: string): string {
  try {
    if (!lstatSync(path).isSymbolicLink()) return path;
    const mount = realpathSync(dirname(path));
    const target = realpathSync(path);
    if (!target.startsWith(mount + sep))
      throw new SecretFileFault('the file is a symbolic link that leaves its directory');
    return target;
  } catch (error) {
    throw asFault(error);
  }
}

function open(path: string): number {
  try {
    // Without O_NONBLOCK a named pipe would keep the start waiting for ever.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw asFault(error);
  }
}

function assertAcceptable(stats: Stats): void {
  if (!stats.isFile()) throw new SecretFileFault('it is not a regular file');
  if (stats.size > MAX_BYTES) throw new SecretFileFault('the file is larger than 64 KiB');
  if (stats.mode & READ_BY_OTHERS)
    throw new SecretFileFault('the file is readable by every user; set its mode to 0600');
  if (stats.mode & WRITTEN_BY_OTHERS)
    throw new SecretFileFault('the file is writable by every user; set its mode to 0600');
}

function asFault(error: unknown): SecretFileFault {
  if (error instanceof SecretFileFault) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return new SecretFileFault('there is no such file');
  if (code === 'EACCES' || code === 'EPERM') return new SecretFileFault('the file may not be read by this user');
  return new SecretFileFault(`the file cannot be opened (${code ?? 'unknown error'})`);
}
