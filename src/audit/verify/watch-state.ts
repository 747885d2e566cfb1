import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openCheckpoint, type SignedCheckpoint } from '../domain/log/checkpoint.js';
import type { LogVerifiers } from '../domain/log/log-keys.js';
import { NoteError } from '../domain/log/signed-note.js';

/** A head, and the note that it was in. */
export interface Head extends SignedCheckpoint {
  readonly note: string;
}

/** What a watch remembers from one run to the next: the signed head that it came to last. Without a path it remembers nothing. */
export class WatchState {
  constructor(private readonly path: string | undefined) {}

  /** The head that an earlier run came to; undefined when there was none. Throws when the file holds anything but a head of this log. */
  async read(verifiers: LogVerifiers): Promise<Head | undefined> {
    const note = this.path === undefined ? undefined : await textIn(this.path);
    if (note === undefined) return undefined;
    try {
      return { ...openCheckpoint(note, verifiers), note };
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      throw new Error(`${this.path} holds no head of ${verifiers[0].name}: ${error.message}`, { cause: error });
    }
  }

  /** Durable when it resolves; the file is whole, old or new, whatever ends the program. */
  async keep({ note }: Head): Promise<void> {
    if (this.path !== undefined) await replaceFile(this.path, note);
  }

  /** Keeps beside the last head one that contradicts it: with both, whoever signed them is shown to have done so. */
  async keepContradiction({ note }: Head): Promise<void> {
    if (this.path !== undefined) await replaceFile(`${this.path}.contradiction`, note);
  }
}

async function textIn(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
