import { openCheckpoint, type SignedCheckpoint } from '../domain/log/checkpoint.js';
import { EXPORT_VERSION, manifestText, type Manifest, type SignedManifest } from '../domain/log/export-manifest.js';
import { ageOf, followHandovers, signedOutOfTurn, withRetired, type LogVerifiers } from '../domain/log/log-keys.js';
import { openNote } from '../domain/log/signed-note.js';
import { outOfTurn } from './compare-heads.js';
import { fault, orFault } from './report.js';

export const MANIFEST = 'manifest.json';

/** A manifest that is signed, the checkpoint that covers its entries, and those on the way. */
export interface SoundManifest {
  readonly manifest: Manifest;
  readonly signed: SignedCheckpoint;
  readonly heads: readonly SignedCheckpoint[];
}

/**
 * Reads a manifest that is signed with a trusted key, or with one that a trusted key has named as its successor; it vouches for the keys that the log had
 * before, and they for the checkpoints of their time. Throws the first fault.
 */
export function readManifest(text: string, trusted: LogVerifiers): SoundManifest {
  const { signature, ...manifest } = parse(text);
  if (manifest.origin !== trusted[0].name) throw fault(undefined, `the export is of the log ${manifest.origin}`);
  const retired = manifest.retired_keys ?? [];
  return orFault(() => {
    const known = followHandovers(trusted, retired);
    const { signer } = openNote(`${manifestText(manifest)}\n${signature}\n`, known);
    const keys = withRetired(known, retired);
    const signed = openCheckpoint(manifest.checkpoint, keys);
    const heads = manifest.checkpoints.map((note) => openCheckpoint(note, keys));
    const late = signedOutOfTurn([...heads, signed], keys);
    if (late) throw outOfTurn(late);
    if (ageOf(signer, keys) > ageOf(signed.signer, keys))
      throw fault(undefined, `${MANIFEST} is signed with a key that was replaced before its checkpoint was`);
    return { manifest, signed, heads };
  });
}

function parse(text: string): SignedManifest {
  let signed: SignedManifest;
  try {
    signed = JSON.parse(text) as SignedManifest;
  } catch {
    throw fault(undefined, `${MANIFEST} is not JSON`);
  }
  if (!isManifest(signed)) throw fault(undefined, `${MANIFEST} is not the manifest of an export`);
  return signed;
}

function isManifest(value: SignedManifest | null): value is SignedManifest {
  if (value === null || typeof value !== 'object' || value.v !== EXPORT_VERSION) return false;
  const { zone, origin, root, checkpoint, entries_sha256: sha256, signature } = value;
  const texts = [zone, origin, root, checkpoint, sha256, signature].every(isText);
  const lists = [value.checkpoints, value.proof?.left, value.proof?.consistency].every(areTexts);
  return texts && isRange(value) && lists && areKeys(value.retired_keys ?? []);
}

function isRange({ from, to }: SignedManifest): boolean {
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to;
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function areKeys(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((key: { vkey?: unknown; handover?: unknown } | null) => isText(key?.vkey) && isText(key?.handover))
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
