import { type ChainPosition, ChainVerifier, type StoredLink } from '../domain/verify-chain.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { type ReadLinks, SignedRoots } from './signed-roots.js';
import type { SweepReading } from './sweep-reading.js';
import type { Finding } from './sweep-rows.js';

/** Entries that are read at once, unless it is said otherwise. */
const BATCH = 5_000;
/** Progress is remembered so often; a sweep that another replica takes over repeats at most this. */
const SAVE_EVERY = 10;

export interface CheckParts {
  readonly zone: string;
  readonly keys: LedgerKeys;
  readonly reading: SweepReading;
  readonly from: ChainPosition;
  readonly save: (position: ChainPosition) => Promise<void>;
  readonly batch?: number | undefined;
}

/**
 * Reads every entry of a zone once: bytes, leaf, chain, density and order, the head after the last entry, the tiles of their hashes, the root of every
 * checkpoint that was signed over them, and the guards of the tables. Answers what is not as it was written, in order.
 */
export async function checkLedger(parts: CheckParts): Promise<readonly Finding[]> {
  const { zone, reading } = parts;
  const partitions = await reading.unguardedPartitions(zone);
  const guards = partitions.map((name): Finding => ({
    kind: 'schema',
    reason: `the partition ${name} is not guarded`,
  }));
  const chain = await checkChain(parts);
  return [...guards, ...chain];
}

async function checkChain(parts: CheckParts): Promise<Finding[]> {
  const { zone, keys, reading, batch = BATCH } = parts;
  // What is appended while this runs is for the next sweep; nothing is signed that was not appended before.
  const log = await reading.log(zone);
  const signed = await reading.checkpoints(zone);
  const head = await reading.head(zone);
  if (!head) return [{ kind: 'head', reason: 'the zone has no ledger head' }];
  const { start, tree } = await reading.start(zone);
  // What was dropped since the sweep stopped is not missing.
  const from = parts.from.next < start.next ? start : parts.from;
  const verifier = new ChainVerifier(zone, (kid) => keys.key(kid), from);
  const roots = new SignedRoots({
    signed: signed.filter(({ size }) => size >= start.next),
    tree,
    stored: (tiles) => reading.tiles(zone, tiles),
    size: log.size,
  });
  const read = (after: number, limit: number) => reading.links(zone, after, Math.min(batch, limit));
  const finding =
    (await roots.replay(read, from.next)) ??
    (await checkEntries(parts, { verifier, roots, read, to: head.nextIndex })) ??
    (await checkEnd(parts, verifier, head)) ??
    (await checkBeyond(parts, head, signed.at(-1))) ??
    missingCheckpoint(log, signed) ??
    roots.changedTile;
  return finding ? [finding] : [];
}

/** Nothing may be behind the head, nor have been signed of what is not there: a ledger that was cut off or set back, its head with it. */
async function checkBeyond(
  { zone, reading }: CheckParts,
  head: { readonly nextIndex: number },
  last: { readonly size: number } | undefined,
): Promise<Finding | undefined> {
  const stray = await reading.firstBeyondHead(zone);
  if (stray !== undefined) return { index: stray, kind: 'head', reason: 'the entry is behind the end of the ledger' };
  if (!last || last.size <= head.nextIndex) return undefined;
  return { index: last.size - 1, kind: 'checkpoint', reason: 'the entry was signed, and the ledger ends before it' };
}

/** The last checkpoint of a log is never thinned out. */
function missingCheckpoint(
  { signed: last }: { readonly signed: number | undefined },
  signed: readonly { readonly size: number }[],
): Finding | undefined {
  if (last === undefined || signed.some(({ size }) => size === last)) return undefined;
  return { kind: 'checkpoint', reason: `the last checkpoint, of ${last} entries, is missing` };
}

interface Walk {
  readonly verifier: ChainVerifier;
  readonly roots: SignedRoots;
  readonly read: ReadLinks;
  readonly to: number;
}

async function checkEntries(parts: CheckParts, { verifier, roots, read, to }: Walk): Promise<Finding | undefined> {
  for (let batch = 1; verifier.size < to; batch += 1) {
    const links = await read(verifier.size - 1, to - verifier.size);
    if (links.length === 0) break;
    const within = links.filter((link) => link.index < to);
    const finding =
      followChain(verifier, within) ?? (await personalFinding(parts, within)) ?? (await roots.add(within));
    if (finding) return finding;
    if (batch % SAVE_EVERY === 0) await parts.save(verifier.position);
  }
  return undefined;
}

async function checkEnd(
  { zone, reading }: CheckParts,
  verifier: ChainVerifier,
  head: { readonly nextIndex: number; readonly chainMac: Buffer },
): Promise<Finding | undefined> {
  const fault = verifier.checkHead(head);
  if (fault) return { ...named(fault.index), kind: 'head', reason: fault.reason };
  const silent = await reading.personalFault(zone);
  return silent && { ...silent, kind: 'personal' };
}

function followChain(verifier: ChainVerifier, links: readonly StoredLink[]): Finding | undefined {
  for (const link of links) {
    const fault = verifier.check(link);
    if (fault) return { ...named(fault.index), kind: 'chain', reason: fault.reason };
  }
  return undefined;
}

/** What is kept beside these entries must be what they committed to. */
async function personalFinding(
  { zone, reading }: CheckParts,
  links: readonly StoredLink[],
): Promise<Finding | undefined> {
  const [first, last] = [links.at(0), links.at(-1)];
  if (!first || !last) return undefined;
  const fault = await reading.personalFault(zone, { from: first.index, to: last.index + 1 });
  return fault && { ...fault, kind: 'personal' };
}

function named(index: number | undefined): { readonly index?: number } {
  return index === undefined ? {} : { index };
}
