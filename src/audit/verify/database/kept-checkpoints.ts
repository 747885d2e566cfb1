import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logVerifierKey } from '../../domain/log-key.js';
import { openCheckpoint, parseCheckpointText, type Checkpoint } from '../../domain/log/checkpoint.js';
import { parseNote, parseVerifierKey } from '../../domain/log/signed-note.js';

/** What a data directory remembers of the checkpoints of each log: the last one seen, and the anchors. */
export class KeptCheckpoints {
  constructor(
    private readonly dataDir: string,
    private readonly key: KeyObject,
  ) {}

  /** Those of a zone, whatever log they are of. Throws NoteError when one is not signed with the key. */
  async of(zone: string): Promise<Checkpoint[]> {
    const seen = await textOf(join(this.dataDir, 'checkpoints', zone));
    const anchors = await textOf(join(this.dataDir, 'anchors', `${zone}.log`));
    // A record that a crash cut off has no separator behind it.
    const notes = [...(seen === '' ? [] : [seen]), ...anchors.split(/^---\n/m).slice(0, -1)];
    return notes.map((note) => this.open(note));
  }

  /** The checkpoint in a note, by the key of the data directory. Throws NoteError. */
  open(note: string): Checkpoint {
    const { origin } = parseCheckpointText(parseNote(note).text);
    return openCheckpoint(note, parseVerifierKey(logVerifierKey(origin, this.key)));
  }
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
