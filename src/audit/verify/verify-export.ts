import { CompactTree } from '../domain/log/compact-tree.js';
import type { LogVerifiers } from '../domain/log/log-keys.js';
import { SignedTree, type Mismatch } from '../domain/log/signed-tree.js';
import { decodeBase64 } from '../domain/log/signed-note.js';
import { verifyConsistency } from '../domain/log/tree-proofs.js';
import { EntryLines } from './lines/entry-lines.js';
import { checksHere, type LineChecks } from './lines/line-checks.js';
import { MANIFEST, readManifest } from './manifest.js';
import { fault, orFault } from './report.js';
import { textOf, type Source } from './sources.js';

const ENTRIES = 'entries.jsonl';

/**
 * Verifies an export with the log's public key alone, or one that it had before: the manifest's and every checkpoint's signature, each line, the
 * tree from its left subtrees to the signed root, and the bytes of the file. Answers a summary; throws the first fault.
 */
export async function verifyExport(
  source: Source,
  verifiers: LogVerifiers,
  checks: LineChecks = checksHere,
): Promise<string> {
  const { manifest, signed, heads } = readManifest(await textOf(source, MANIFEST), verifiers);
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

function hashesOf(texts: readonly string[]): Buffer[] {
  return texts.map(hashOf);
}

function hashOf(text: string): Buffer {
  const hash = decodeBase64(text);
  if (hash?.length !== 32) throw fault(undefined, `${MANIFEST} holds something that is no hash`);
  return hash;
}
