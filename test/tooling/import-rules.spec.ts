import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { PlantedTree, REPOSITORY } from './planted-tree.js';

interface Planted {
  readonly rule: string;
  readonly file: string;
  readonly text: string;
}

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
  readonly cycle?: readonly { readonly name: string }[];
}

const imports = (target: string): string => `import { anything } from '${target}';\nexport const used = anything;\n`;

const plant = (rule: string, folder: string, target: string): Planted => ({
  rule,
  file: `src/${folder}/planted-${rule}.ts`,
  text: imports(target),
});

/** Doors that every planted import can aim at, whether the real module has one yet or not. */
const DOORS = ['audit', 'auth', 'policy', 'control', 'coordinator', 'sts', 'gateway', 'sdk'].map(
  (name) => `src/${name}`,
);
const PARTS = ['src/platform/planted', 'src/platform/planted-other'];

const PLANTED: readonly Planted[] = [
  plant('order-kernel', 'kernel', '../platform/planted/index.js'),
  plant('order-platform', 'platform/planted', '../../audit/index.js'),
  plant('order-audit', 'audit', '../auth/index.js'),
  plant('order-auth', 'auth', '../policy/index.js'),
  plant('order-policy', 'policy', '../control/index.js'),
  plant('order-control', 'control', '../coordinator/index.js'),
  plant('order-coordinator', 'coordinator', '../sts/index.js'),
  plant('order-sts', 'sts', '../gateway/index.js'),
  plant('order-gateway', 'gateway', '../planted-root.js'),
  plant('order-sdk', 'sdk', '../audit/index.js'),
  plant('module-door', 'gateway', '../policy/planted-inside.js'),
  plant('platform-door', 'audit', '../platform/planted/inside.js'),
  plant('platform-part-door', 'platform/planted', '../planted-other/inside.js'),
  plant('pure-no-framework', 'sts/domain', '@nestjs/common'),
  plant('pure-no-storage', 'policy/domain', 'typeorm'),
  plant('pure-no-io', 'kernel', 'node:fs'),
  plant('pure-no-platform', 'gateway/domain', '../../platform/planted/index.js'),
  plant('pure-no-shell', 'control/domain', '../persistence/planted-inside.js'),
  plant('typeorm-in-persistence', 'control/http', 'typeorm'),
  plant('drivers-in-platform', 'gateway', 'pg'),
  plant('outbound-through-egress', 'gateway', 'undici'),
  plant('verifier-alone', 'audit/verify', '../index.js'),
  plant('no-child-process', 'control', 'node:child_process'),
  plant('no-circular', 'sts', './planted-circle.js'),
  plant('no-unresolvable', 'sts', './planted-nowhere.js'),
  plant('no-dev-dependency', 'sts', 'fast-check'),
  plant('no-test-code', 'sts', './planted.spec.js'),
];

function plantAll(tree: PlantedTree): void {
  const target = 'export const anything = 1;\n';
  for (const folder of DOORS) tree.plant(`${folder}/index.ts`, target);
  for (const folder of PARTS) {
    tree.plant(`${folder}/index.ts`, target);
    tree.plant(`${folder}/inside.ts`, target);
  }
  for (const file of ['policy/planted-inside.ts', 'control/persistence/planted-inside.ts', 'sts/planted.spec.ts']) {
    tree.plant(`src/${file}`, target);
  }
  tree.plant('src/planted-root.ts', target);
  tree.plant('src/sts/planted-circle.ts', imports('./planted-no-circular.js'));
  for (const { file, text } of PLANTED) tree.plant(file, text);
}

function cruise(root: string): readonly Violation[] {
  const program = path.join(REPOSITORY, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const flags = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'];
  const { stdout, stderr } = spawnSync(process.execPath, [program, ...flags], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (!stdout) throw new Error(stderr);
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
}

function ruleNames(): readonly string[] {
  const print = `const { default: c } = await import('./.dependency-cruiser.mjs');
    console.log(JSON.stringify(c.forbidden.map((rule) => rule.name)));`;
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', print], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  return JSON.parse(text) as string[];
}

describe('the import rules', () => {
  const tree = new PlantedTree();
  let violations: readonly Violation[] = [];

  beforeAll(() => {
    plantAll(tree);
    violations = cruise(tree.root);
  });

  afterAll(() => tree.remove());

  it.each(PLANTED)('[T11] catch a planted violation of $rule', ({ rule, file }) => {
    const about = ({ from, cycle = [] }: Violation): boolean => [from, ...cycle.map(({ name }) => name)].includes(file);
    const caught = violations.filter(about).map((violation) => violation.rule.name);
    expect(caught).toContain(rule);
  });

  it('[T11] have a planted violation each', () => {
    expect(PLANTED.map(({ rule }) => rule).toSorted()).toEqual(ruleNames().toSorted());
  });

  it('[T11] allow a door, a kernel file and a type of the platform', () => {
    const allowed = new PlantedTree();
    const file = 'src/gateway/domain/planted-allowed.ts';
    const type = "import type { Inside } from '../../platform/planted/index.js';\nexport type Used = Inside;\n";
    allowed.plant('src/platform/planted/index.ts', 'export interface Inside {}\n');
    allowed.plant('src/policy/index.ts', 'export const anything = 1;\n');
    allowed.plant(file, `${imports('../../policy/index.js')}export { at } from '../../kernel/planted-at.js';\n${type}`);
    allowed.plant('src/kernel/planted-at.ts', 'export const at = 0;\n');
    const caught = cruise(allowed.root).filter(({ from }) => from === file);
    allowed.remove();
    expect(caught).toEqual([]);
  });
});
