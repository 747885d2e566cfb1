import { openCheckpoint, type Checkpoint, type SignedCheckpoint } from '../domain/log/checkpoint.js';
import { signedOutOfTurn, type LogVerifiers } from '../domain/log/log-keys.js';
import { decodeBase64 } from '../domain/log/signed-note.js';
import { verifyConsistency } from '../domain/log/tree-proofs.js';
import { fault, orFault } from './report.js';
import { rootAt } from './verify-tiles.js';
import type { Source } from './sources.js';

/** With what two checkpoints are compared: the log's tiles, or a consistency proof as the server answers it. */
export interface Comparison {
  readonly log?: Source | undefined;
  readonly proof?: string | undefined;
}

/** Thrown when two sound checkpoints of different sizes are given, and nothing to compare them by. */
export class IncomparableError extends Error {
  override readonly name = 'IncomparableError';
}

/** Compares two checkpoints of one log: the later tree must begin with the earlier one. Their order does not matter. */
export async function compareHeads(
  notes: readonly [string, string],
  verifiers: LogVerifiers,
  by: Comparison,
): Promise<string> {
  const heads = notes.map((note) => orFault(() => openCheckpoint(note, verifiers))).toSorted((a, b) => a.size - b.size);
  const late = signedOutOfTurn(heads, verifiers);
  if (late) throw outOfTurn(late);
  const [earlier, later] = heads as [SignedCheckpoint, SignedCheckpoint];
  if (earlier.size === later.size) {
    if (!earlier.root.equals(later.root)) throw fork(earlier);
    return `${later.origin}: both are the tree of ${later.size} entries`;
  }
  if (!(await goesOn(earlier, later, by))) throw fork(earlier);
  return `${later.origin}: the tree of ${later.size} entries begins with the one of ${earlier.size}`;
}

async function goesOn(earlier: Checkpoint, later: Checkpoint, { log, proof }: Comparison): Promise<boolean> {
  if (log) {
    const [before, after] = [await rootAt(log, later.size, earlier.size), await rootAt(log, later.size, later.size)];
    return before.equals(earlier.root) && after.equals(later.root);
  }
  if (proof === undefined)
    throw new IncomparableError('the sizes differ: give --log <URL> or --consistency <file> to compare them by');
  return verifyConsistency(earlier, later, hashesOf(proof, earlier, later));
}

function hashesOf(text: string, earlier: Checkpoint, later: Checkpoint): Buffer[] {
  const { from, to, hashes } = JSON.parse(text) as { from?: unknown; to?: unknown; hashes?: unknown };
  const read = Array.isArray(hashes) ? hashes.map((hash) => decodeBase64(String(hash))) : [undefined];
  if (from !== earlier.size || to !== later.size || !read.every((hash) => hash !== undefined))
    throw fault(undefined, 'the consistency proof is not one between these checkpoints');
  return read;
}

/** A key that another had replaced signs again: whoever took it, not the log. */
export function outOfTurn({ size }: Checkpoint) {
  return fault(undefined, `the checkpoint of ${size} entries is signed with a key that was replaced before`);
}

/** The first entry that cannot be the same in both. */
export function fork({ size }: Checkpoint) {
  return fault(undefined, `fork: the log was signed with other entries before ${size}`);
}
