import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { PlantedTree, REPOSITORY } from './planted-tree.js';

interface Planted {
  readonly mistake: string;
  readonly file: string;
  readonly rule: string;
  readonly text: string;
}

interface LintedFile {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null }[];
}

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `  total += ${i};`).join('\n');
const functionOf = (count: number): string =>
  `export function f(total: number): number {\n${lines(count)}\n  return total;\n}\n`;
const branches = Array.from({ length: 10 }, (_, i) => `  if (n === ${i}) return ${i};`).join('\n');
const nested = 'if (n > 1) { if (n > 2) { if (n > 3) { if (n > 4) { n = 0; } } } }';
const parameters = (count: number): string =>
  Array.from({ length: count }, (_, i) => `readonly p${i}: string`).join(', ');

const plant = (mistake: string, file: string, rule: string, text: string): Planted => ({
  mistake,
  file: `src/${file}`,
  rule,
  text,
});

const SYNTAX = 'no-restricted-syntax';
const PLANTED: readonly Planted[] = [
  plant('a default export', 'sts/planted-default.ts', SYNTAX, 'export default 1;\n'),
  plant('process.env', 'sts/planted-env.ts', SYNTAX, 'export const home = process.env.HOME;\n'),
  plant('a destructured env', 'sts/planted-env-2.ts', SYNTAX, 'export const { env } = process;\n'),
  plant(
    'an imported env',
    'sts/planted-env-3.ts',
    SYNTAX,
    "import { env } from 'node:process';\nexport const e = env;\n",
  ),
  plant('Date.now in the kernel', 'kernel/planted-now.ts', SYNTAX, 'export const now = Date.now();\n'),
  plant('new Date() in domain/', 'sts/domain/planted-date.ts', SYNTAX, 'export const now = new Date();\n'),
  plant('Math.random in domain/', 'sts/domain/planted-random.ts', SYNTAX, 'export const chance = Math.random();\n'),
  plant('fetch', 'gateway/planted-fetch.ts', 'no-restricted-globals', "export const a = (): unknown => fetch('x');\n"),
  plant('console', 'gateway/planted-console.ts', 'no-console', "console.log('x');\n"),
  plant(
    'a file of 301 lines',
    'sts/planted-long.ts',
    'max-lines',
    'export const a = {\n' + '  a: 1,\n'.repeat(300) + '};\n',
  ),
  plant('a function of 51 lines', 'sts/planted-function.ts', 'max-lines-per-function', functionOf(48)),
  plant(
    '11 branches',
    'sts/planted-branches.ts',
    'complexity',
    `export function f(n: number): number {\n${branches}\n  return n;\n}\n`,
  ),
  plant(
    'depth 4',
    'sts/planted-depth.ts',
    'max-depth',
    `export function f(n: number): number {\n  ${nested}\n  return n;\n}\n`,
  ),
  plant(
    '5 parameters',
    'sts/planted-params.ts',
    'caracal/max-params',
    `export type F = string;\nexport function f(${parameters(5).replaceAll('readonly ', '')}): void {}\n`,
  ),
  plant(
    '7 dependencies',
    'sts/planted-constructor.ts',
    'caracal/max-params',
    `export class C {\n  constructor(${parameters(7)}) {}\n}\n`,
  ),
  plant('any', 'sts/planted-any.ts', '@typescript-eslint/no-explicit-any', 'export const a: any = 1;\n'),
  plant(
    'a floating promise',
    'sts/planted-floating.ts',
    '@typescript-eslint/no-floating-promises',
    'Promise.resolve();\n',
  ),
  plant(
    'a switch that forgets a case',
    'sts/planted-switch.ts',
    '@typescript-eslint/switch-exhaustiveness-check',
    "export function f(a: 'x' | 'y'): number {\n  switch (a) {\n    case 'x':\n      return 1;\n  }\n  return 2;\n}\n",
  ),
  plant(
    'a disable comment without a reason',
    'sts/planted-disable.ts',
    'caracal/disable-needs-reason',
    '/* eslint-disable */\nexport const a = process.env;\n',
  ),
  plant(
    'a disable comment without need',
    'sts/planted-unused.ts',
    'unused-directive',
    '// eslint-disable-next-line no-console -- no need\nexport const a = 1;\n',
  ),
];

const ALLOWED: readonly Planted[] = [
  plant(
    'a Date made of a value',
    'sts/domain/planted-ok-date.ts',
    '',
    'export const at = (ms: number): Date => new Date(ms);\n',
  ),
  plant(
    'process.env in the configuration',
    'platform/config/planted-ok-env.ts',
    '',
    'export const home = process.env.HOME;\n',
  ),
  plant(
    'six dependencies',
    'sts/planted-ok-constructor.ts',
    '',
    `export class C {\n  constructor(${parameters(6)}) {}\n}\n`,
  ),
  plant(
    'a reasoned disable',
    'sts/planted-ok-disable.ts',
    '',
    '// eslint-disable-next-line no-console -- the one line that is printed\nconsole.log(1);\n',
  ),
];

function lint(root: string): readonly LintedFile[] {
  const program = path.join(REPOSITORY, 'node_modules/eslint/bin/eslint.js');
  const files = [...PLANTED, ...ALLOWED].map(({ file }) => file);
  const { stdout, stderr } = spawnSync(process.execPath, [program, '--format', 'json', ...files], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as LintedFile[];
}

describe('the lint rules', () => {
  const tree = new PlantedTree();
  let linted: readonly LintedFile[] = [];
  const rulesFor = (file: string): readonly string[] =>
    linted
      .filter(({ filePath }) => filePath === path.join(tree.root, file))
      .flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId ?? 'unused-directive'));

  beforeAll(() => {
    for (const { file, text } of [...PLANTED, ...ALLOWED]) tree.plant(file, text);
    linted = lint(tree.root);
  });

  afterAll(() => tree.remove());

  it.each(PLANTED)('catch $mistake', ({ file, rule }) => {
    expect(rulesFor(file)).toContain(rule);
  });

  it.each(ALLOWED)('allow $mistake', ({ file }) => {
    expect(rulesFor(file)).toEqual([]);
  });
});
