import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { leafHash } from '../domain/chain.js';
import { canonicalEntry } from '../domain/entry.js';
import { checkpointKey, logVerifierKey } from '../domain/log-key.js';
import { signCheckpoint } from '../domain/log/checkpoint.js';
import {
  exportLine,
  personalLine,
  signManifest,
  type ExportedRow,
  type Manifest,
} from '../domain/log/export-manifest.js';
import { parseVerifierKeys } from '../domain/log/log-keys.js';
import { commitmentOf } from '../domain/personal-payload.js';
import { EntriesFile } from '../exports/entries-file.js';
import { faultLine, reportOf } from './report.js';
import { directorySource, type Source } from './sources.js';
import { verifyExport } from './verify-export.js';

const origin = 'log.example/log/acme';
const key = checkpointKey(Buffer.alloc(32, 3));
const verifiers = parseVerifierKeys([logVerifierKey(origin, key)]);
const SIZE = 600;
const EXPORTED = 520;
const START = Date.UTC(2026, 0, 1);

/** RFC 6962 §2.1 read aloud. */
const sha = (...parts: Uint8Array[]) => parts.reduce((h, part) => h.update(part), createHash('sha256')).digest();
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length <= 1) return leaves[0] ?? sha();
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return sha(Buffer.from([1]), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}
function proof(leaves: readonly Buffer[], m: number, whole = true): Buffer[] {
  if (m === leaves.length) return whole ? [] : [mth(leaves)];
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return m <= k
    ? [...proof(leaves.slice(0, k), m, whole), mth(leaves.slice(k))]
    : [...proof(leaves.slice(k), m - k, false), mth(leaves.slice(0, k))];
}
function leftOf(leaves: readonly Buffer[], from: number): Buffer[] {
  const roots: Buffer[] = [];
  for (let at = 0; at < from;) {
    let width = 1;
    while (width * 2 <= from - at) width *= 2;
    roots.push(mth(leaves.slice(at, at + width)));
    at += width;
  }
  return roots;
}

function row(index: number, more: { text?: string; at?: number } = {}): ExportedRow {
  const at = more.at ?? START + index;
  const id = `${at
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${index.toString(16).padStart(12, '0')}`;
  const draft = {
    type: 'exchange',
    zone: 'acme',
    occurredAt: at,
    actor: { kind: 'system' as const },
    detail: { text: more.text ?? 'é' },
  };
  const entry = canonicalEntry(draft, id);
  return { index, ingestedAt: at, leaf: leafHash(entry), kid: 'lh-1', mac: sha(Buffer.from(`mac ${index}`)), entry };
}

const ROWS = Array.from({ length: SIZE }, (_, index) => row(index));
const LEAVES = ROWS.map(({ leaf }) => leaf);
const base64 = (hash: Buffer): string => hash.toString('base64');
const checkpointOf = (size: number): string => signCheckpoint({ origin, size, root: mth(LEAVES.slice(0, size)) }, key);

function manifestOf(
  rows: readonly ExportedRow[],
  { from, to, head = SIZE }: { from: number; to: number; head?: number },
): Manifest {
  const sizes = [7, 8, 100, 256, 300, 519, 520].filter((size) => size > from && size <= to);
  return {
    v: 1,
    zone: 'acme',
    origin,
    from,
    to,
    root: base64(mth(LEAVES.slice(0, to))),
    checkpoint: checkpointOf(head),
    checkpoints: sizes.map(checkpointOf),
    proof: { consistency: proof(LEAVES.slice(0, head), to).map(base64), left: leftOf(LEAVES, from).map(base64) },
    entries_sha256: sha(Buffer.from(rows.map(exportLine).join(''))).toString('hex'),
  };
}

const source = (entries: string, manifest: string, personal?: string): Source => ({
  bytes: async (path) => (path === 'manifest.json' ? Buffer.from(manifest) : undefined),
  stream: async (path) => {
    const text = path === 'entries.jsonl' ? entries : personal;
    return text === undefined ? undefined : chunks(Buffer.from(text));
  },
});

/** In pieces that end in the middle of lines and of characters. */
async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 997) yield bytes.subarray(at, at + 997);
}

async function verdict(entries: string, manifest: object): Promise<string> {
  const report = await reportOf(() => verifyExport(source(entries, JSON.stringify(manifest)), verifiers));
  return 'summary' in report ? report.summary : faultLine(report.fault);
}

const WHOLE = ROWS.slice(0, EXPORTED);
const TEXT = WHOLE.map(exportLine).join('');
const SIGNED = signManifest(manifestOf(WHOLE, { from: 0, to: EXPORTED }), key);
const lines = (rows: readonly ExportedRow[]): string => rows.map(exportLine).join('');
const without = (...gone: number[]) => WHOLE.filter(({ index }) => !gone.includes(index));
const replaced = (at: number, by: Partial<ExportedRow>) =>
  WHOLE.map((one) => (one.index === at ? { ...one, ...by } : one));
const renumbered = (rows: readonly ExportedRow[]) => rows.map((one, index) => ({ ...one, index }));

describe('an export', () => {
  it.each([
    [0, 520, 520],
    [0, 520, 600],
    [0, 1, 600],
    [1, 2, 2],
    [255, 257, 600],
    [256, 512, 513],
    [519, 600, 600],
    [0, 600, 600],
  ])('[T6] that nobody touched is sound: entries %i to %i under a checkpoint of %i', async (from, to, head) => {
    const rows = ROWS.slice(from, to);
    expect(await verdict(lines(rows), signManifest(manifestOf(rows, { from, to, head }), key))).toBe(
      `acme: entries ${from} to ${to - 1} verified under the checkpoint of ${head} entries of ${origin}`,
    );
  });

  const forged = row(42, { text: 'forged' });
  const TAMPERED: [string, readonly ExportedRow[] | string, RegExp][] = [
    ['an entry is edited', replaced(42, { entry: forged.entry }), /^index 42: entry bytes do not match/],
    ['an entry and its leaf are edited', replaced(42, forged), /^index 8: the entries 8 to 99 are not those/],
    [
      'an entry next to two checkpoints and its leaf are edited',
      replaced(7, row(7, { text: 'x' })),
      /^index 7: entry is not the one/,
    ],
    ['the leaf is edited', replaced(3, { leaf: LEAVES[4] as Buffer }), /^index 3: entry bytes do not match/],
    ['the first entry is deleted', without(0), /^index 0: entry is missing/],
    ['a middle entry is deleted', without(300), /^index 300: entry is missing/],
    ['the last entry is deleted', without(519), /^index 519: entries 519 to 519 are missing/],
    ['the tail is deleted', WHOLE.slice(0, 100), /^index 100: entries 100 to 519 are missing/],
    ['everything is deleted', [], /^index 0: entries 0 to 519 are missing/],
    ['an entry is inserted', [...WHOLE.slice(0, 9), forged, ...WHOLE.slice(9)], /^index 9: entry is missing/],
    [
      'an entry is inserted and the rest renumbered',
      renumbered([...WHOLE.slice(0, 9), forged, ...WHOLE.slice(9, -1)]),
      /^index 10: entry is back-dated/,
    ],
    [
      'an entry is deleted and the rest renumbered',
      renumbered([...without(5), ROWS[520] as ExportedRow]),
      /^index 0: the entries 0 to 6 are not those/,
    ],
    [
      'two entries change places',
      [...WHOLE.slice(0, 50), WHOLE[51], WHOLE[50], ...WHOLE.slice(52)] as ExportedRow[],
      /^index 50: entry is missing/,
    ],
    [
      'two entries change places and indices',
      renumbered([...WHOLE.slice(0, 50), WHOLE[51], WHOLE[50], ...WHOLE.slice(52)] as ExportedRow[]),
      /^index 51: entry is back-dated/,
    ],
    ['an entry is renumbered', replaced(60, { index: 61 }), /^index 60: entry is missing/],
    [
      'an index is there twice',
      [...WHOLE.slice(0, 10), WHOLE[9], ...WHOLE.slice(10)] as ExportedRow[],
      /^index 9: index is duplicated/,
    ],
    [
      'an event is there twice',
      [...WHOLE.slice(0, -1), { ...(WHOLE[4] as ExportedRow), index: 519, ingestedAt: START + 600 }],
      /^index 519: entry is there twice/,
    ],
    ['an entry is back-dated', replaced(200, { ingestedAt: START }), /^index 200: entry is back-dated/],
    ['the first entry is back-dated', replaced(0, { ingestedAt: START - 86_400_000 }), /^index 0: entry is back-dated/],
    [
      'an ingestion time is moved a little',
      replaced(519, { ingestedAt: START + 5_000 }),
      /^head: entries.jsonl is not the file/,
    ],
    ['a MAC is exchanged', replaced(3, { mac: Buffer.alloc(32) }), /^head: entries.jsonl is not the file/],
    ['an entry is added at the end', [...WHOLE, ROWS[520]] as ExportedRow[], /^index 520: entry is beyond the range/],
    [
      'an entry of another zone is put in',
      replaced(8, {
        ...row(8),
        entry: row(8).entry.replace('acme', 'evil'),
        leaf: leafHash(row(8).entry.replace('acme', 'evil')),
      }),
      /^index 8: entry belongs to another zone or version/,
    ],
    ['a line is cut', TEXT.slice(0, -20), /^index 519: entries 519 to 519 are missing/],
    ['the last newline is cut', TEXT.slice(0, -1), /^index 519: entries 519 to 519 are missing/],
    ['a line is garbage', TEXT.replace('{"index":77,', '{"index":77;'), /^index 77: line is not JSON/],
    ['a line is no entry', TEXT.replace('{"index":77,', '{"at":77,'), /^index 77: line is not an entry/],
    [
      'a line does not end',
      TEXT.replace('"index":77,', `"index":77,"x":"${'x'.repeat(1_100_000)}`),
      /^index 77: line is longer than any entry/,
    ],
    ['a line says null', `null\n${TEXT}`, /^index 0: line is not an entry/],
    [
      'a member is added',
      TEXT.replace('{"index":77,', '{"note":1,"index":77,'),
      /^head: entries.jsonl is not the file/,
    ],
  ];
  it.each(TAMPERED)('[T6] is reported when %s', async (_, rows, found) => {
    expect(await verdict(typeof rows === 'string' ? rows : lines(rows), SIGNED)).toMatch(found);
  });

  const other = checkpointKey(Buffer.alloc(32, 4));
  const plain = manifestOf(WHOLE, { from: 0, to: EXPORTED });
  const fork = [...LEAVES.slice(0, 30), leafHash('fork'), ...LEAVES.slice(31)];
  const forkedNote = signCheckpoint({ origin, size: SIZE, root: mth(fork) }, key);
  it.each<[string, object, RegExp]>([
    ['the range is edited', { ...SIGNED, to: 519 }, /^head: the signature of .* is wrong/],
    ['the root is edited', { ...SIGNED, root: base64(Buffer.alloc(32)) }, /^head: the signature of .* is wrong/],
    [
      'the hash of the file is edited',
      { ...SIGNED, entries_sha256: '00'.repeat(32) },
      /^head: the signature of .* is wrong/,
    ],
    ['the manifest is signed by another key', signManifest(plain, other), /^head: the note is not signed by/],
    [
      'the checkpoint is signed by another key',
      signManifest({ ...plain, checkpoint: signCheckpoint({ origin, size: SIZE, root: mth(LEAVES) }, other) }, key),
      /^head: the note is not signed by/,
    ],
    [
      'the checkpoint is edited',
      signManifest({ ...plain, checkpoint: checkpointOf(SIZE).replace('\n600\n', '\n599\n') }, key),
      /^head: the signature of .* is wrong/,
    ],
    [
      'the checkpoint is of a fork',
      signManifest({ ...plain, checkpoint: forkedNote }, key),
      /^head: the checkpoint of 600 entries does not cover these/,
    ],
    [
      'the checkpoint is smaller',
      signManifest({ ...plain, checkpoint: checkpointOf(300), proof: { ...plain.proof, consistency: [] } }, key),
      /^head: the checkpoint of 300 entries does not cover these/,
    ],
    [
      'the root is another one, signed',
      signManifest({ ...plain, checkpoints: [], root: base64(mth(fork.slice(0, EXPORTED))) }, key),
      /^index 0: the entries 0 to 519 are not those/,
    ],
    [
      'a checkpoint on the way is of a fork',
      signManifest(
        { ...plain, checkpoints: [signCheckpoint({ origin, size: 31, root: mth(fork.slice(0, 31)) }, key)] },
        key,
      ),
      /^index 0: the entries 0 to 30 are not those/,
    ],
    [
      'a checkpoint on the way is beyond the end',
      signManifest({ ...plain, checkpoints: [checkpointOf(SIZE)] }, key),
      /^head: a checkpoint on the way is not of a size on the way/,
    ],
    [
      'it is of another log',
      signManifest({ ...plain, origin: 'other.example' }, key),
      /^head: the export is of the log other.example/,
    ],
    [
      'a hash is none',
      signManifest({ ...plain, proof: { ...plain.proof, consistency: ['AAAA'] } }, key),
      /^head: manifest.json holds something that is no hash/,
    ],
    ['there is no signature', plain, /^head: manifest.json is not the manifest/],
    ['the version is unknown', { ...SIGNED, v: 2 }, /^head: manifest.json is not the manifest/],
    ['it is nothing', [], /^head: manifest.json is not the manifest/],
  ])('[T6] is reported when in its manifest %s', async (_, manifest, found) => {
    expect(await verdict(TEXT, manifest)).toMatch(found);
  });

  it('[T6] of a later range is reported when what stands left of it is exchanged', async () => {
    const rows = ROWS.slice(100, 200);
    const manifest = manifestOf(rows, { from: 100, to: 200 });
    const left = [...manifest.proof.left.slice(1), manifest.proof.left[0] as string];
    const changed = signManifest({ ...manifest, checkpoints: [], proof: { ...manifest.proof, left } }, key);
    expect(await verdict(lines(rows), changed)).toMatch(/^index 100: the entries 100 to 199 are not those/);
  });
});

describe('personal payload beside an export', () => {
  const kept = (index: number, payload: string) => ({
    index,
    payload: { salt: sha(Buffer.from(`salt ${index}`)), payload },
    erasedAt: undefined,
  });
  const beside = [kept(0, '{"reason":"a"}'), kept(1, '{"reason":"b"}'), kept(2, '{"reason":"c"}')];
  const rows = beside.map(({ index, payload }) => {
    const id = `0${START.toString(16)}-`.replace(/^(.{8})(.{4})-/, '$1-$2-') + `7000-8000-00000000000${index}`;
    const draft = { type: 'exchange', zone: 'acme', occurredAt: START + index, actor: { kind: 'system' as const } };
    const entry = canonicalEntry(draft, id, commitmentOf(payload));
    return { ...(ROWS[index] as ExportedRow), entry, leaf: leafHash(entry) };
  });
  const root = mth(rows.map(({ leaf }) => leaf));
  const manifest = signManifest(
    {
      ...manifestOf(rows, { from: 0, to: 3, head: 3 }),
      root: base64(root),
      checkpoint: signCheckpoint({ origin, size: 3, root }, key),
      checkpoints: [],
    },
    key,
  );
  const check = async (personal?: string): Promise<string> => {
    const at = source(lines(rows), JSON.stringify(manifest), personal);
    const report = await reportOf(() => verifyExport(at, verifiers));
    return 'summary' in report ? report.summary : faultLine(report.fault);
  };
  const [first, second, third] = beside.map(personalLine) as [string, string, string];
  const erased = personalLine({ index: 1, payload: undefined, erasedAt: new Date(START) });

  it.each<[string, string | undefined, RegExp]>([
    ['all of it', first + second + third, /personal payload: 3 verified, 0 erased, 0 not at hand$/],
    ['some of it erased', first + erased + third, /personal payload: 2 verified, 1 erased, 0 not at hand$/],
    ['some of it only', third, /personal payload: 1 verified, 0 erased, 2 not at hand$/],
    ['none', undefined, /personal payload: 0 verified, 0 erased, 3 not at hand$/],
  ])('[T6] is verified against the entries: %s', async (_name, personal, said) => {
    expect(await check(personal)).toMatch(said);
  });

  it.each<[string, string, string]>([
    [
      'changed',
      first + second.replace('reason', 'season'),
      'index 1: personal payload is not what the entry committed to',
    ],
    [
      'of another entry',
      first.replace('"index":0', '"index":2'),
      'index 2: personal payload is not what the entry committed to',
    ],
    ['of no entry', first.replace('"index":0', '"index":7'), 'index 7: personal payload of an entry that has none'],
    ['there twice', first + first, 'index 0: personal payload is there twice or out of order'],
    ['cut off', first.slice(0, -1), 'head: personal.jsonl ends in the middle of a line'],
    ['no JSON', 'x\n', 'head: personal.jsonl holds a line that is none of an export'],
    ['not erased, nor there', '{"index":0}\n', 'head: personal.jsonl holds a line that is none of an export'],
  ])('[T6] is reported when it is %s', async (_name, personal, said) => {
    expect(await check(personal)).toBe(said);
  });

  it('[T5] cannot be told from its commitment: the same words twice have two', () => {
    const [one, other] = [kept(0, '{"reason":"a"}'), kept(1, '{"reason":"a"}')];
    expect(commitmentOf(one.payload)).not.toBe(commitmentOf(other.payload));
  });
});

describe('the files of an export', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'caracal-export-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function* pages(from: number): AsyncGenerator<ExportedRow[]> {
    for (let at = from; at < EXPORTED; at += 70) yield WHOLE.slice(at, Math.min(at + 70, EXPORTED));
  }

  it.each([
    ['nothing', ''],
    ['half a line', TEXT.slice(0, 100)],
    ['whole lines', lines(WHOLE.slice(0, 33))],
    ['lines and half a line', TEXT.slice(0, 50_000)],
    ['everything but its name', TEXT],
  ])('[T8] are the same after a process died that had written %s', async (name, part) => {
    const path = join(dir, name, 'entries.jsonl');
    const file = new EntriesFile(path);
    await file.write(EXPORTED, pages);
    await writeFile(`${path}.part`, part);
    const written = await file.write(0, pages);
    expect(written).toEqual({ bytes: Buffer.byteLength(TEXT), sha256: SIGNED.entries_sha256 });
    expect(await readFile(path, 'utf8')).toBe(TEXT);
  });

  it('are verified from a directory; what is missing is said', async () => {
    const path = join(dir, 'nothing');
    const check = async () => reportOf(async () => verifyExport(await directorySource(path), verifiers));
    expect(await check()).toEqual({ fault: { reason: 'manifest.json is missing' } });
    await writeFile(join(path, 'manifest.json'), JSON.stringify(SIGNED));
    expect(await check()).toHaveProperty('summary');
    await appendFile(join(path, 'entries.jsonl'), 'x');
    expect(await check()).toEqual({ fault: { reason: 'entries.jsonl is not the file that was signed' } });
    await rm(join(path, 'entries.jsonl'));
    expect(await check()).toEqual({ fault: { reason: 'entries.jsonl is missing' } });
    await expect(directorySource(join(dir, 'nowhere'))).rejects.toThrow();
  });
});
