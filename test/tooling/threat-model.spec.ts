import { afterAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PlantedTree, REPOSITORY } from './planted-tree.js';

const MODEL = 'governance/threats.yaml';
const model = readFileSync(path.join(REPOSITORY, MODEL), 'utf8');

/** Put together here, so that what is planted does not count as a test of ours. */
const tag = (id: number): string => `[T${id}]`;

/** Puts a mistake into the entry of one threat. */
function inThreat(id: string, from: RegExp, to: string): string {
  const start = model.indexOf(`  - id: ${id}\n`);
  const end = model.indexOf('\n  - id: ', start + 1);
  const entry = model.slice(start, end < 0 ? undefined : end);
  const changed = entry.replace(from, to);
  if (changed === entry) throw new Error(`nothing to plant in ${id}`);
  return model.slice(0, start) + changed + (end < 0 ? '' : model.slice(end));
}

const MISTAKES: readonly (readonly [string, string, RegExp])[] = [
  ['a threat without an owner', inThreat('T5', /owner: .*/, "owner: ''"), /T5: no owner/],
  ['a threat that is missing', inThreat('T5', /id: T5/, 'id: T6'), /T5: not listed exactly once/],
  [
    'a control that does not exist',
    inThreat('T5', /src\/kernel\/secret\.ts/, 'src/kernel/gone.ts'),
    /T5: control src\/kernel\/gone\.ts/,
  ],
  ['a threat without controls', inThreat('T5', /controls:\n(?: {6}- .*\n)+/, 'controls: []\n'), /T5: no control/],
  [
    'a verification that no test meets',
    inThreat('T5', /- redaction at the sink/, '- nothing like it'),
    /T5: no test .*nothing like it/,
  ],
  [
    'a threat without verification',
    inThreat('T5', /verification:\n(?: {6}- .*\n?)+/, 'verification: []\n'),
    /T5: no verification/,
  ],
  [
    'an open part of a threat that calls itself active',
    inThreat('T10', /status: partial/, 'status: active'),
    /T10: "active" does not agree/,
  ],
  [
    'a document that was not rendered anew',
    inThreat('T5', /title: .*/, 'title: Another'),
    /THREAT_MODEL\.md is not what the model renders/,
  ],
];

describe('the verifier of the threat model', () => {
  const tree = new PlantedTree(['test', 'migrations', 'docker', 'Dockerfile', 'package-lock.json', '.ci']);
  const verify = (...args: readonly string[]): { readonly ok: boolean; readonly text: string } => {
    const done = spawnSync(process.execPath, ['governance/verify.mjs', ...args], { cwd: tree.root, encoding: 'utf8' });
    return { ok: done.status === 0, text: done.stdout + done.stderr };
  };
  const verifyRun = (tests: readonly { fullName: string; status: string }[]): ReturnType<typeof verify> => {
    tree.plant(MODEL, model);
    mkdirSync(path.join(tree.root, 'results'), { recursive: true });
    tree.plant('results/run.json', JSON.stringify({ testResults: [{ assertionResults: tests }] }));
    return verify('--results', 'results');
  };

  afterAll(() => tree.remove());

  it.each(MISTAKES)('[T11] finds %s', (_, planted, fault) => {
    tree.plant(MODEL, planted);
    const { ok, text } = verify();
    expect(text).toMatch(fault);
    expect(ok).toBe(false);
  });

  it('[T11] finds a test that carries the id of a threat that is not listed', () => {
    tree.plant(MODEL, model);
    const stray = 'src/kernel/planted.spec.ts';
    tree.plant(stray, `it('${tag(13)} proves nothing', () => undefined);\n`);
    expect(verify().text).toMatch(/\[T13\], which is not listed/);
    tree.plant(stray, '');
  });

  it('[T11] finds a threat whose tests did not run, and one whose test failed', () => {
    const { ok, text } = verifyRun([{ fullName: `a group ${tag(5)} leaks`, status: 'failed' }]);
    expect(text).toMatch(/failed: a group \[T5\] leaks/);
    expect(text).toMatch(/T7: no test .* among the tests that passed/);
    expect(ok).toBe(false);
  });

  it('lists what is open instead of passing it over', () => {
    expect(verifyRun([]).text).toMatch(/^T10 open: .*provenance/m);
  });
});
