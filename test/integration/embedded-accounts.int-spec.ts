import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EmbeddedFixture, query } from '../support/embedded-fixture.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534 };

// Each test makes a database, some several, and starts processes that compile their sources.
jest.setTimeout(120_000);

let fixture: EmbeddedFixture;
beforeEach(() => {
  fixture = new EmbeddedFixture();
});
afterEach(() => fixture.cleanUp());

function home(mode: number): string {
  const path = join(fixture.root, 'home');
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

if (isRoot) {
  describe('the embedded database of root', () => {
    it('runs as another OS user and opens only its own directory for it', async () => {
      const embedded = await fixture.start(join(home(0o755), 'data'));
      expect(embedded.cluster).toBe(join(fixture.root, 'home', 'data', 'postgres'));
      expect(statSync(embedded.cluster).uid).not.toBe(0);
      expect([
        modeOf(join(fixture.root, 'home')),
        modeOf(join(fixture.root, 'home', 'data')),
        modeOf(embedded.cluster),
      ]).toEqual([0o755, 0o711, 0o700]);
    });

    it('leaves the mode of a directory alone that holds other things', async () => {
      const shared = home(0o755);
      mkdirSync(join(shared, 'theirs'));
      await fixture.start(shared);
      expect(modeOf(shared)).toBe(0o755);
    });

    it('goes elsewhere from a 0700 home, with the binaries, and says so', async () => {
      const closed = home(0o700);
      const dataDir = join(closed, 'data');
      const embedded = await fixture.start(dataDir);
      expect(embedded.cluster).toMatch(/^\/var\/lib\/caracal\/[0-9a-f]{16}\/postgres$/);
      expect(readlinkSync(join(dataDir, 'postgres'))).toBe(embedded.cluster);
      expect(readdirSync(dirname(embedded.cluster))).toEqual([
        expect.stringMatching(/^native-18\./),
        'owner',
        'postgres',
      ]);
      expect([modeOf(closed), modeOf(dirname(embedded.cluster)), modeOf(embedded.cluster)]).toEqual([
        0o700, 0o711, 0o700,
      ]);
      expect(fixture.log).toContain(
        `cannot reach DATA_DIR or the binaries, so both are in ${dirname(embedded.cluster)}`,
      );
      expect(
        await query(readFileSync(join(dataDir, 'secrets', 'operator_dsn'), 'utf8').trim(), 'SELECT 1 AS one'),
      ).toEqual([{ one: 1 }]);
    });

    it('keeps its rows over a restart from such a home, also when the directory was opened or moved meanwhile', async () => {
      const closed = home(0o700);
      const first = await fixture.start(join(closed, 'data'));
      await query(first.superuserDsn, 'CREATE TABLE kept AS SELECT 1 AS n');
      await fixture.stop(first);
      chmodSync(closed, 0o755);
      const second = await fixture.start(join(closed, 'data'));
      expect(await query(second.superuserDsn, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
      await fixture.stop(second);
      renameSync(join(closed, 'data'), join(closed, 'moved'));
      const third = await fixture.start(join(closed, 'moved'));
      expect(third.cluster).toBe(first.cluster);
      expect(await query(third.superuserDsn, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
    });

    it('sets aside, and does not take over, what a removed data directory left elsewhere', async () => {
      const dataDir = join(home(0o700), 'data');
      const first = await fixture.start(dataDir);
      await query(first.superuserDsn, 'CREATE TABLE kept AS SELECT 1 AS n');
      await fixture.stop(first);
      rmSync(dataDir, { recursive: true });
      const second = await fixture.start(dataDir);
      expect(await query(second.superuserDsn, `SELECT to_regclass('kept') AS kept`)).toEqual([{ kept: null }]);
      expect(readdirSync(dirname(second.cluster))).toContainEqual(expect.stringMatching(/^postgres\.abandoned-/));
      expect(fixture.log).toContain('was set aside');
    });

    it('refuses a place elsewhere that the removed directory’s server still holds', async () => {
      const dataDir = join(home(0o700), 'data');
      const first = await fixture.start(dataDir);
      rmSync(dataDir, { recursive: true });
      await expect(fixture.start(dataDir)).rejects.toThrow(
        `${dirname(first.cluster)} is in use by process ${process.pid}`,
      );
    });

    it('does not begin anew when a cluster that exists can no longer be reached', async () => {
      const opened = home(0o755);
      await fixture.stop(await fixture.start(join(opened, 'data')));
      chmodSync(opened, 0o700);
      await expect(fixture.start(join(opened, 'data'))).rejects.toThrow(/can no longer be reached by its OS user/);
      expect(lstatSync(join(opened, 'data', 'postgres')).isDirectory()).toBe(true);
      expect(modeOf(opened)).toBe(0o700);
    });

    it('runs a cluster that another user made as that user', async () => {
      const opened = home(0o755);
      const dataDir = join(opened, 'data');
      mkdirSync(dataDir);
      chownSync(dataDir, NOBODY.uid, NOBODY.gid);
      const owner = fixture.own(dataDir, NOBODY);
      const { dsn } = await owner.facts();
      await query(dsn, 'CREATE TABLE kept AS SELECT 1 AS n');
      expect(await owner.end()).toBe(0);
      const embedded = await fixture.start(dataDir);
      expect(await query(embedded.superuserDsn, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
      expect(statSync(embedded.cluster).uid).toBe(NOBODY.uid);
    });
  });

  describe('the embedded database of a user without privileges', () => {
    it('runs as that user, private to it, and ends what a killed owner left', async () => {
      const dataDir = join(home(0o755), 'data');
      chownSync(join(fixture.root, 'home'), NOBODY.uid, NOBODY.gid);
      const killed = fixture.own(dataDir, NOBODY);
      const { dsn, cluster } = await killed.facts();
      await query(dsn, 'CREATE TABLE kept AS SELECT 1 AS n');
      expect([statSync(cluster).uid, modeOf(cluster), modeOf(join(dataDir, 'secrets'))]).toEqual([
        NOBODY.uid,
        0o700,
        0o700,
      ]);
      await killed.killUnwatched();
      const next = fixture.own(dataDir, NOBODY);
      expect(await query((await next.facts()).dsn, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
      expect(next.log).toContain('a database without owner still runs here');
      expect(await next.end()).toBe(0);
    });

    it('refuses a cluster of another user in words', async () => {
      const dataDir = join(home(0o755), 'data');
      await fixture.stop(await fixture.start(dataDir));
      for (const path of [
        '',
        'owner',
        'secrets',
        ...readdirSync(join(dataDir, 'secrets')).map((name) => join('secrets', name)),
      ]) {
        chownSync(join(dataDir, path), NOBODY.uid, NOBODY.gid);
      }
      const owner = fixture.own(dataDir, NOBODY);
      expect(await owner.ended).toBe(1);
      expect(owner.log).toMatch(/belongs to another OS user \(uid \d+\); start as that user or as root/);
    });
  });
} else {
  describe('the embedded database of a user without privileges', () => {
    it('runs as that user', async () => {
      const embedded = await fixture.start(join(fixture.root, 'data'));
      expect(statSync(embedded.cluster).uid).toBe(process.getuid?.());
    });
  });
}
