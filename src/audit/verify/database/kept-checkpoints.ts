import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, parseCheckpointText, type SignedCheckpoint } from '../../domain/log/checkpoint.js';
import type { LogVerifiers } from '../../domain/log/log-keys.js';
import { parseNote } from '../../domain/log/signed-note.js';

/** What a data directory remembers of the checkpoints of each log: the last one seen, and the anchors. */
export class KeptCheckpoints {
  constructor(
    private readonly dataDir: string,
    /** The keys of the data directory, for a log of this origin. */
    readonly verifiers: (origin: string) => LogVerifiers,
  ) {}

  /** Those of a zone, whatever log they are of. Throws NoteError when one is signed with none of the keys. */
  async of(zone: string): Promise<SignedCheckpoint[]> {
    const seen = await textOf(join(this.dataDir, 'checkpoints', zone));
    const anchors = await textOf(join(this.dataDir, 'anchors', `${zone}.log`));
    // A record that a crash cut off has no separator behind it.
    const notes = [...(seen === '' ? [] : [seen]), ...anchors.split(/^---\n/m).slice(0, -1)];
    return notes.map((note) => this.open(note));
  }

  /** The checkpoint in a note, by the keys of the data directory. Throws NoteError. */
  open(note: string): SignedCheckpoint {
    const { origin } = parseCheckpointText(parseNote(note).text);
    return openCheckpoint(note, this.verifiers(origin));
  }
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
