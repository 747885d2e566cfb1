import type { KeyObject } from 'node:crypto';
import { HASH_BYTES } from './merkle.js';
import { decodeBase64, NoteError, openNote, signNote, type NoteVerifier } from './signed-note.js';

/** A tree's head: which log, how many entries, and their Merkle root (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** Origin, size, root, then extension lines, none of them empty. */
const TEXT = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([^\n]+)\n(?:[^\n]+\n)*$/;

/** The note text of a checkpoint; no extension lines. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Reads a checkpoint's note text; extension lines are allowed and ignored. Throws {@link NoteError}. */
export function parseCheckpointText(text: string): Checkpoint {
  const [, origin = '', digits = '', encoded = ''] = TEXT.exec(text) ?? [];
  const root = decodeBase64(encoded);
  const size = Number(digits);
  if (origin === '' || !Number.isSafeInteger(size) || root?.length !== HASH_BYTES)
    throw new NoteError('malformed checkpoint');
  return { origin, size, root };
}

/** The signed checkpoint; the key's name is the log's origin. */
export function signCheckpoint(checkpoint: Checkpoint, key: KeyObject): string {
  return signNote(checkpointText(checkpoint), { name: checkpoint.origin, key });
}

/** A checkpoint, and which key of the log has signed it. */
export interface SignedCheckpoint extends Checkpoint {
  readonly signer: NoteVerifier;
}

/** The checkpoint in a note that a key of the log itself has signed, for the log of that name. Throws {@link NoteError}. */
export function openCheckpoint(note: string, verifiers: readonly NoteVerifier[]): SignedCheckpoint {
  const { text, signer } = openNote(note, verifiers);
  const checkpoint = parseCheckpointText(text);
  if (checkpoint.origin !== signer.name) throw new NoteError(`the checkpoint is of the log ${checkpoint.origin}`);
  return { ...checkpoint, signer };
}
