import { CompactTree } from '../domain/log/compact-tree.js';
import { openCheckpoint, type Checkpoint } from '../domain/log/checkpoint.js';
import { EXPORT_VERSION, manifestText, type Manifest, type SignedManifest } from '../domain/log/export-manifest.js';
import { SignedTree, type Mismatch } from '../domain/log/signed-tree.js';
import { decodeBase64, NoteError, openNote, type NoteVerifier } from '../domain/log/signed-note.js';
import { verifyConsistency } from '../domain/log/tree-proofs.js';
import { EntryLines } from './lines/entry-lines.js';
import { checksHere, type LineChecks } from './lines/line-checks.js';
import { fault } from './report.js';
import { textOf, type Source } from './sources.js';

const ENTRIES = 'entries.jsonl';
const MANIFEST = 'manifest.json';

/**
 * Verifies an export with the log's public key alone: the manifest's and every checkpoint's signature, each line, the tree from its left
 * subtrees to the signed root, and the bytes of the file. Answers a summary; throws the first fault.
 */
export async function verifyExport(
  source: Source,
  verifier: NoteVerifier,
  checks: LineChecks = checksHere,
): Promise<string> {
  const manifest = readManifest(await textOf(source, MANIFEST), verifier);
  const signed = openSigned(manifest.checkpoint, verifier);
  const heads = manifest.checkpoints.map((note) => openSigned(note, verifier));
  const { zone, from, to } = manifest;
  const bytes = await source.stream(ENTRIES);
  if (!bytes) throw fault(undefined, `${ENTRIES} is missing`);
  const lines = new EntryLines(manifest, checks);
  const left = hashesOf(manifest.proof.left);
  const tree = new SignedTree(
    orFault(() => new CompactTree(from, left)),
    heads,
  );
  const { sha256, whole } = await lines.read(bytes, (leaf) => refuse(tree.append(leaf)));
  if (tree.unpassed) throw fault(undefined, 'a checkpoint on the way is not of a size on the way');
  refuse(tree.compare({ size: to, root: hashOf(manifest.root) }));
  if (!verifyConsistency({ size: to, root: tree.root() }, signed, hashesOf(manifest.proof.consistency)))
    throw fault(undefined, `the checkpoint of ${signed.size} entries does not cover these`);
  if (!whole || sha256 !== manifest.entries_sha256)
    throw fault(undefined, `${ENTRIES} is not the file that was signed`);
  const beside = await lines.personal.check(source);
  return `${zone}: entries ${from} to ${to - 1} verified under the checkpoint of ${signed.size} entries of ${signed.origin}${beside}`;
}

function refuse(mismatch: Mismatch | undefined): void {
  if (mismatch) throw fault(mismatch.index, mismatch.reason);
}

function readManifest(text: string, verifier: NoteVerifier): Manifest {
  let signed: SignedManifest;
  try {
    signed = JSON.parse(text) as SignedManifest;
  } catch {
    throw fault(undefined, `${MANIFEST} is not JSON`);
  }
  if (!isManifest(signed)) throw fault(undefined, `${MANIFEST} is not the manifest of an export`);
  const { signature, ...manifest } = signed;
  if (manifest.origin !== verifier.name) throw fault(undefined, `the export is of the log ${manifest.origin}`);
  const body = orFault(() => manifestText(manifest));
  orFault(() => openNote(`${body}\n${signature}\n`, verifier));
  return manifest;
}

function isManifest(value: SignedManifest | null): value is SignedManifest {
  if (value === null || typeof value !== 'object' || value.v !== EXPORT_VERSION) return false;
  const { zone, origin, root, checkpoint, entries_sha256: sha256, signature } = value;
  const texts = [zone, origin, root, checkpoint, sha256, signature].every((member) => typeof member === 'string');
  return texts && isRange(value) && [value.checkpoints, value.proof?.left, value.proof?.consistency].every(areTexts);
}

function isRange({ from, to }: SignedManifest): boolean {
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to;
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function openSigned(note: string, verifier: NoteVerifier): Checkpoint {
  return orFault(() => openCheckpoint(note, verifier));
}

function hashesOf(texts: readonly string[]): Buffer[] {
  return texts.map(hashOf);
}

function hashOf(text: string): Buffer {
  const hash = decodeBase64(text);
  if (hash?.length !== 32) throw fault(undefined, `${MANIFEST} holds something that is no hash`);
  return hash;
}

/** What a malformed or unsigned note says is what is wrong with the head. */
export function orFault<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NoteError || error instanceof TypeError || error instanceof RangeError)
      throw fault(undefined, error.message);
    throw error;
  }
}
