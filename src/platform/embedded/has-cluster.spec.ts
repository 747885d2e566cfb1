import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, expect } from '@jest/globals';
import { hasCluster } from './index.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'caracal-has-cluster-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

describe('a data directory', () => {
  it.each<[string, boolean, () => void]>([
    ['nothing', false, () => undefined],
    ['secrets only', false, () => mkdirSync(join(dataDir, 'secrets'))],
    ['an empty directory for it', false, () => mkdirSync(join(dataDir, 'postgres'))],
    ['a draft of one', false, () => mkdirSync(join(dataDir, 'postgres.draft-1'))],
    [
      'one',
      true,
      () => {
        mkdirSync(join(dataDir, 'postgres'));
        writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '18');
      },
    ],
    ['a link to one, be it gone', true, () => symlinkSync('/nowhere/postgres', join(dataDir, 'postgres'))],
    ['something else in its place', true, () => writeFileSync(join(dataDir, 'postgres'), '')],
  ])('with %s: has a database is %p', (_name, expected, arrange) => {
    arrange();
    expect(hasCluster({ dataDir })).toBe(expected);
  });

  it('that is not there has none', () => {
    expect(hasCluster({ dataDir: join(dataDir, 'none') })).toBe(false);
  });
});
