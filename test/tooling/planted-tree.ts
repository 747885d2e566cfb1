import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const COPIED = ['src', 'package.json', 'tsconfig.json', 'tsconfig.test.json', '.dependency-cruiser.mjs'].concat([
  'eslint.config.mjs',
  'governance',
]);

/** A throw-away copy of the sources and of the tools' settings in which mistakes can be planted. */
export class PlantedTree {
  readonly root: string;

  constructor(more: readonly string[] = []) {
    this.root = realpathSync(mkdtempSync(path.join(tmpdir(), 'caracal-planted-')));
    for (const name of [...COPIED, ...more]) {
      cpSync(path.join(REPOSITORY, name), path.join(this.root, name), { recursive: true });
    }
    symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(this.root, 'node_modules'));
  }

  plant(file: string, text: string): void {
    const target = path.join(this.root, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
