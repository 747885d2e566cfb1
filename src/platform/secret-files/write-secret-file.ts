import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { SecretFileFault } from './read-secret-file.js';

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/** Makes the directory with mode 0700, or gives it that mode; refuses a symbolic link in its place. Parents get the usual mode. */
export function ensurePrivateDirectory(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  makeDirectory(path);
  const stats = lstatSync(path);
  if (!stats.isDirectory()) throw new SecretFileFault(`${path} is not a directory`);
  if ((stats.mode & 0o777) !== PRIVATE_DIRECTORY) chmodSync(path, PRIVATE_DIRECTORY);
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, PRIVATE_DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Writes a file of mode 0600 that is either absent or whole, also after a power failure. Returns false, and writes nothing, when the file
 * is there already: of several processes that create the same file one wins, and the others then read what it wrote.
 */
export function createSecretFile(path: string, text: string): boolean {
  return place(path, text, (draft) => {
    try {
      linkSync(draft, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

/** The same, but takes the place of a file that is there. */
export function replaceSecretFile(path: string, text: string): void {
  place(path, text, (draft) => {
    renameSync(draft, path);
    return true;
  });
}

function place(path: string, text: string, publish: (draft: string) => boolean): boolean {
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  try {
    writeDurably(draft, `${text}\n`);
    const placed = publish(draft);
    syncDirectory(dirname(path));
    return placed;
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeDurably(path: string, text: string): void {
  const fd = openSync(path, 'wx', PRIVATE_FILE);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
