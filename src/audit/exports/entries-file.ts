import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exportLine, type ExportedRow } from '../domain/log/export-manifest.js';
import { syncFolder } from '../log/whole-file.js';

/** No line is longer: an entry of 64 KiB with every character escaped. */
const LONGEST_LINE = 1024 * 1024;

export interface WrittenFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** A file of entries that is written in one go or in several: what a process that died has written whole is kept. */
export class EntriesFile {
  constructor(private readonly path: string) {}

  /** The hash of a file; undefined when there is none. */
  static async sha256(path: string): Promise<string | undefined> {
    const hash = createHash('sha256');
    try {
      await hashFile(path, hash);
      return hash.digest('hex');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes the lines of `rowsFrom(index)`, where index is the first that the file lacks; the file has its name only when it is complete. */
  async write(first: number, rowsFrom: (index: number) => AsyncIterable<readonly ExportedRow[]>): Promise<WrittenFile> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const part = `${this.path}.part`;
    const file = await open(part, 'a+', 0o600);
    try {
      const kept = await keepWholeLines(file);
      const hash = createHash('sha256');
      if (kept.bytes > 0) await hashFile(part, hash);
      let bytes = kept.bytes;
      for await (const rows of rowsFrom(kept.lastIndex === undefined ? first : kept.lastIndex + 1)) {
        const lines = Buffer.from(rows.map(exportLine).join(''), 'utf8');
        await file.appendFile(lines);
        hash.update(lines);
        bytes += lines.length;
      }
      await file.sync();
      await rename(part, this.path);
      await syncFolder(dirname(this.path));
      return { bytes, sha256: hash.digest('hex') };
    } finally {
      await file.close();
    }
  }
}

/** Cuts off a line that was not finished; answers what is left and the index of its last line. */
async function keepWholeLines(file: FileHandle): Promise<{ bytes: number; lastIndex?: number }> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, 2 * LONGEST_LINE));
  await file.read(tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf(0x0a) + 1;
  const bytes = end === 0 ? 0 : size - tail.length + end;
  await file.truncate(bytes);
  if (bytes === 0) return { bytes };
  const last = tail.subarray(tail.lastIndexOf(0x0a, end - 2) + 1, end).toString('utf8');
  return { bytes, lastIndex: (JSON.parse(last) as { index: number }).index };
}

async function hashFile(path: string, hash: Hash): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
}
