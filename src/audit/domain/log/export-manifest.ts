import type { KeyObject } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import { formatTime } from '../../../kernel/times.js';
import type { PersonalPayload } from '../personal-payload.js';
import type { RetiredKey } from './log-keys.js';
import { signatureLine } from './signed-note.js';

/** The version of the export's form. A reader refuses versions it does not know. */
export const EXPORT_VERSION = 1;

/** Checkpoints on the way that an export carries. */
export const MOST_CHECKPOINTS = 256;

/** A row of the ledger as it is exported. */
export interface ExportedRow {
  readonly index: number;
  /** Milliseconds. */
  readonly ingestedAt: number;
  readonly leaf: Buffer;
  readonly kid: string;
  readonly mac: Buffer;
  readonly entry: string;
}

/** What is kept beside an entry: its payload, or when it was erased. */
export interface ExportedPersonal {
  readonly index: number;
  readonly payload: PersonalPayload | undefined;
  readonly erasedAt: Date | undefined;
}

/** What an export says of itself: which entries of which log, their tree, and where a signed checkpoint covers it. */
export type Manifest = {
  readonly v: typeof EXPORT_VERSION;
  readonly zone: string;
  readonly origin: string;
  /** The first index. */
  readonly from: number;
  /** The index after the last. */
  readonly to: number;
  /** Root of the tree of the first `to` entries, base64. */
  readonly root: string;
  /** The first signed checkpoint of a size of at least `to`. */
  readonly checkpoint: string;
  /** Checkpoints that were signed on the way from `from` to `to`, at most {@link MOST_CHECKPOINTS}: they tell where entries differ. */
  readonly checkpoints: readonly string[];
  /** `consistency`: from the tree of `to` entries to the checkpoint's. `left`: the perfect subtrees of the first `from` entries, largest first. Base64. */
  readonly proof: { readonly consistency: readonly string[]; readonly left: readonly string[] };
  /** Of the bytes of entries.jsonl, hexadecimal. */
  readonly entries_sha256: string;
  /** Keys that the log was signed with before, when there are such, in the order in which they were put away. */
  readonly retired_keys?: readonly RetiredKey[];
};

/** A manifest and the line with which the log's key has signed it. */
export type SignedManifest = Manifest & { readonly signature: string };

/** One line of entries.jsonl, with its newline: the same row gives the same bytes. */
export function exportLine({ index, ingestedAt, leaf, kid, mac, entry }: ExportedRow): string {
  const line = {
    index,
    ingested_at: formatTime(ingestedAt),
    leaf: leaf.toString('hex'),
    kid,
    mac: mac.toString('hex'),
    entry,
  };
  return `${JSON.stringify(line)}\n`;
}

/** One line of personal.jsonl, with its newline. */
export function personalLine({ index, payload, erasedAt }: ExportedPersonal): string {
  const kept = payload && { salt: payload.salt.toString('hex'), payload: payload.payload };
  return `${JSON.stringify({ index, ...(kept ?? { erased_at: erasedAt?.toISOString() }) })}\n`;
}

/** The note text that is signed; two lines, so that it can never be taken for a checkpoint, which has three. */
export function manifestText(manifest: Manifest): string {
  return `caracal-export/v${EXPORT_VERSION}\n${canonicalize(manifest)}\n`;
}

export function signManifest(manifest: Manifest, key: KeyObject): SignedManifest {
  return { ...manifest, signature: signatureLine(manifestText(manifest), { name: manifest.origin, key }) };
}
