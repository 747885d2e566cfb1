import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from './planted-tree.js';

const MODULES = ['kernel', 'platform', 'audit', 'auth', 'policy', 'control', 'coordinator', 'sts', 'gateway', 'sdk'];
const MOST_FILES = 15;
const MOST_EXPORTS = 15;
/** Words that say nothing about what a file is for. */
const EMPTY_WORDS = ['manager', 'helper', 'helpers', 'util', 'utils', 'info', 'misc', 'data', 'common', 'shared'];

const source = path.join(REPOSITORY, 'src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .toSorted();
const shipped = files.filter((file) => !file.endsWith('.spec.ts'));

function filesPerFolder(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const folder of shipped.map((file) => path.dirname(file))) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  return counts;
}

/** Values that an index.ts hands on; the types come along with them. `export *` hides how many and is over any limit. */
function exportsOf(file: string): number {
  const text = readFileSync(path.join(source, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  if (/export \*/.test(text)) return Infinity;
  const lists = [...text.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names = '']) => names.split(','));
  const declared = text.match(/^export (?:abstract |async )*(?:class|const|function|enum) \w/gm) ?? [];
  return lists.filter((name) => /^\s*(?!type )\w/.test(name)).length + declared.length;
}

describe('src/', () => {
  it('[T11] holds the modules of the map and no other', () => {
    const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).toSorted()).toEqual(MODULES.toSorted());
  });

  it(`has at most ${MOST_FILES} files in a folder, specs aside`, () => {
    const full = [...filesPerFolder()].filter(([, count]) => count > MOST_FILES);
    expect(full.map(([folder, count]) => `${folder}: ${count}`)).toEqual([]);
  });

  it(`exports at most ${MOST_EXPORTS} values through a module’s door`, () => {
    const doors = MODULES.map((name) => path.join(name, 'index.ts')).filter((file) => files.includes(file));
    const wide = doors.filter((file) => exportsOf(file) > MOST_EXPORTS);
    expect(wide.map((file) => `${file}: ${exportsOf(file)}`)).toEqual([]);
  });

  it('[T4] has nothing that could stop a change at one of its steps: only tests watch them', () => {
    const watching = shipped.filter((file) => /\.onStep\(/.test(readFileSync(path.join(source, file), 'utf8')));
    expect(watching).toEqual([]);
  });

  it('names files in kebab case after what they hold', () => {
    const name = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*\.ts$/;
    const odd = files.filter((file) => !name.test(path.basename(file)));
    const empty = files.filter((file) =>
      path
        .basename(file, '.ts')
        .split(/[-.]/)
        .some((word) => EMPTY_WORDS.includes(word)),
    );
    expect([...odd, ...empty]).toEqual([]);
  });
});

describe('the specs', () => {
  const specs = [...files, ...readdirSync(path.join(REPOSITORY, 'test'), { recursive: true, encoding: 'utf8' })]
    .filter((file) => /spec\.ts$/.test(file))
    .map((file) => (files.includes(file) ? path.join('src', file) : path.join('test', file)));

  it('skip nothing, focus nothing and mock no module', () => {
    const idle = new RegExp(
      ['(it|test|describe)\\.(skip|only|todo|failing)(\\.each)?\\(', '\\bx(it|describe)\\(', 'jest\\.mock\\('].join(
        '|',
      ),
    );
    expect(specs.filter((file) => idle.test(readFileSync(path.join(REPOSITORY, file), 'utf8')))).toEqual([]);
  });
});
