import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { leafHash } from '../../src/audit/domain/chain.js';
import { canonicalEntry } from '../../src/audit/domain/entry.js';
import { checkpointKey, logVerifierKey } from '../../src/audit/domain/log-key.js';
import { signCheckpoint } from '../../src/audit/domain/log/checkpoint.js';
import { CompactTree } from '../../src/audit/domain/log/compact-tree.js';
import { exportLine, signManifest, type ExportedRow } from '../../src/audit/domain/log/export-manifest.js';
import { runVerify } from '../support/verify-program.js';

const origin = 'log.example/log/acme';
const key = checkpointKey(Buffer.alloc(32, 3));
const START = Date.UTC(2026, 0, 1);
/** Some 9 MB: more than the program checks without threads of its own. */
const SIZE = 16_000;

function row(index: number, text = 'x'.repeat(200)): ExportedRow {
  const at = START + index;
  const time = at.toString(16).padStart(12, '0');
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, '0')}`;
  const draft = {
    type: 'exchange',
    zone: 'acme',
    occurredAt: at,
    actor: { kind: 'system' as const },
    detail: { text },
  };
  const entry = canonicalEntry(draft, id);
  const leaf = leafHash(entry);
  return { index, ingestedAt: at, leaf, kid: 'lh-1', mac: leaf, entry };
}

/** An export that is large enough to be checked by several threads at once is checked like a small one. */
describe('the verify program over a large export', () => {
  let dir: string;
  let entries: string;
  const rows = Array.from({ length: SIZE }, (_, index) => row(index));
  const lines = rows.map(exportLine);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'caracal-large-'));
    entries = join(dir, 'entries.jsonl');
    const tree = new CompactTree();
    for (const { leaf } of rows) tree.append(leaf);
    const root = tree.root();
    const manifest = {
      v: 1 as const,
      zone: 'acme',
      origin,
      from: 0,
      to: SIZE,
      root: root.toString('base64'),
      checkpoint: signCheckpoint({ origin, size: SIZE, root }, key),
      checkpoints: [],
      proof: { consistency: [], left: [] },
      entries_sha256: createHash('sha256').update(lines.join('')).digest('hex'),
    };
    await writeFile(join(dir, 'manifest.json'), JSON.stringify(signManifest(manifest, key)));
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  const verdict = async (tampered: readonly string[]): Promise<string> => {
    await writeFile(entries, tampered.join(''));
    const { code, out, err } = await runVerify(dir, '--key', logVerifierKey(origin, key));
    return `${code}: ${out}${err}`;
  };
  const replaced = (at: number, by: Partial<ExportedRow>) =>
    lines.map((line, index) => (index === at ? exportLine({ ...(rows[at] as ExportedRow), ...by }) : line));

  it('[T6] finds it sound', async () => {
    expect(await verdict(lines)).toBe(
      `0: acme: entries 0 to ${SIZE - 1} verified under the checkpoint of ${SIZE} entries of ${origin}`,
    );
  });

  it.each<[string, () => string[], string]>([
    [
      'early and late: the first is named',
      () => replaced(15_000, row(15_000, 'y')).with(9_000, 'x\n'),
      '1: index 9000: line is not JSON',
    ],
    ['in the last lines', () => lines.with(SIZE - 1, 'x\n'), `1: index ${SIZE - 1}: line is not JSON`],
    [
      'in an entry',
      () => replaced(12_345, { entry: row(12_345, 'y').entry }),
      '1: index 12345: entry bytes do not match',
    ],
    ['by taking one out', () => lines.toSpliced(8_000, 1), '1: index 8000: entry is missing'],
    [
      'by cutting the tail off',
      () => lines.slice(0, 15_500),
      `1: index 15500: entries 15500 to ${SIZE - 1} are missing`,
    ],
    ['in a time', () => replaced(10_000, { ingestedAt: START + 5 }), '1: index 10000: entry is back-dated'],
    [
      'by telling an event twice, far apart',
      () => replaced(14_000, { ...(rows[20] as ExportedRow), index: 14_000, ingestedAt: START + 14_000 }),
      '1: index 14000: entry is there twice',
    ],
    [
      'in an entry and its leaf',
      () => replaced(11_000, row(11_000, 'y')),
      `1: index 0: the entries 0 to ${SIZE - 1} are not`,
    ],
    [
      'in what only the whole file shows',
      () => replaced(15_999, { kid: 'lh-2' }),
      '1: head: entries.jsonl is not the file',
    ],
  ])('[T6] reports what was changed %s', async (_, tampered, found) => {
    expect((await verdict(tampered())).slice(0, found.length)).toBe(found);
  });
});
