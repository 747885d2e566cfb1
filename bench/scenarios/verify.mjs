/** The verify program over an export of a real ledger's size, beside SHA-256 over the same bytes. No server is needed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../measure.mjs';

const DIST = new URL('../../dist/audit/', import.meta.url);
const PROGRAM = fileURLToPath(new URL('verify/main.js', DIST));
const ENTRIES = 300_000;
const FLUSH = 10_000;
const START = Date.UTC(2026, 0, 1);
const origin = 'bench.example/log/bench';

const part = (name) => import(new URL(name, DIST).href);

async function makeExport(directory) {
  const [{ canonicalEntry }, { leafHash }, logKey, { CompactTree }, { signCheckpoint }, { exportLine, signManifest }] =
    await Promise.all(
      ['domain/entry.js', 'domain/chain.js', 'domain/log-key.js', 'domain/log/compact-tree.js']
        .map(part)
        .concat(['domain/log/checkpoint.js', 'domain/log/export-manifest.js'].map(part)),
    );
  const key = logKey.checkpointKey(Buffer.alloc(32, 1));
  const [tree, hash, file] = [
    new CompactTree(),
    createHash('sha256'),
    await open(path.join(directory, 'entries.jsonl'), 'w'),
  ];
  let lines = '';
  for (let index = 0; index < ENTRIES; index += 1) {
    const at = START + index;
    const time = at.toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, '0')}`;
    const entry = canonicalEntry(draft(at, index), id);
    const leaf = leafHash(entry);
    tree.append(leaf);
    lines += exportLine({ index, ingestedAt: at, leaf, kid: 'lh-000000000000', mac: leaf, entry });
    if ((index + 1) % FLUSH === 0) {
      hash.update(lines);
      await file.write(lines);
      lines = '';
    }
  }
  await file.close();
  const root = tree.root();
  const manifest = {
    v: 1,
    zone: 'bench',
    origin,
    from: 0,
    to: ENTRIES,
    root: root.toString('base64'),
    checkpoint: signCheckpoint({ origin, size: ENTRIES, root }, key),
    checkpoints: [],
    proof: { consistency: [], left: [] },
    entries_sha256: hash.digest('hex'),
  };
  await writeFile(path.join(directory, 'manifest.json'), JSON.stringify(signManifest(manifest, key)));
  return logKey.logVerifierKey(origin, key);
}

const draft = (at, n) => ({
  type: 'gateway.request',
  zone: 'bench',
  occurredAt: at,
  requestId: `bench-${n}`,
  txn: '018f2b6e-7c1a-7000-8000-000000000002',
  actor: { kind: 'agent', id: 'ses_018f2b6e-7c1a-7000-8000-000000000001' },
  application: 'app_018f2b6e-7c1a-7000-8000-000000000001',
  session: 'ses_018f2b6e-7c1a-7000-8000-000000000001',
  resource: 'https://api.bench.example/',
  operation: { method: 'GET', path: '/1k', template: '/1k' },
  scopes: ['api:read'],
  decision: 'allow',
  client: { address: '127.0.0.1' },
});

export async function verify(env, { rounds }) {
  const directory = path.join(env.dataDir, '..', 'bench-export');
  await mkdir(directory, { recursive: true });
  try {
    const vkey = await makeExport(directory);
    const seen = { verify: [], sha256: [] };
    for (let round = 0; round < rounds; round += 1) {
      seen.verify.push(perSecond(() => runProgram(directory, vkey)));
      const bytes = await readFile(path.join(directory, 'entries.jsonl'));
      seen.sha256.push(perSecond(() => createHash('sha256').update(bytes).digest()));
    }
    const [value, rulerValue] = [median(seen.verify), median(seen.sha256)];
    return {
      title: 'verify an export',
      value,
      unit: '/s',
      ruler: 'SHA-256 of the same bytes',
      rulerValue,
      ratio: value / rulerValue,
      goal: { ratio: 0.25, atLeast: 200_000 },
      note: `${ENTRIES} entries, start of the program included`,
      rounds: seen,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function runProgram(directory, vkey) {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, directory, '--key', vkey], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the export of the benchmark does not verify: ${stdout}`);
}

function perSecond(run) {
  const started = performance.now();
  run();
  return ENTRIES / ((performance.now() - started) / 1_000);
}
