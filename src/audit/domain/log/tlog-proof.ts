import { HASH_BYTES } from './merkle.js';
import { decodeBase64, NoteError } from './signed-note.js';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** That an entry is in a log, checkable offline with the log's public key (C2SP tlog-proof). */
export interface TlogProof {
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Buffer[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
}

export function formatTlogProof({ index, hashes, checkpoint }: TlogProof): string {
  const lines = [HEADER, `index ${index}`, ...hashes.map((hash) => hash.toString('base64'))];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Reads a proof; extra data is skipped, since nothing authenticates it. Throws {@link NoteError}. */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf('\n\n');
  const [header, ...rest] = text.slice(0, Math.max(0, split)).split('\n');
  if (rest[0]?.startsWith('extra ')) rest.shift();
  const [, index] = /^index (0|[1-9]\d{0,15})$/.exec(rest.shift() ?? '') ?? [];
  const hashes = rest.map(decodeBase64);
  if (header !== HEADER || index === undefined || !hashes.every(isHash)) throw new NoteError('malformed proof');
  return { index: Number(index), hashes, checkpoint: text.slice(split + 2) };
}

function isHash(bytes: Buffer | undefined): bytes is Buffer {
  return bytes?.length === HASH_BYTES;
}
