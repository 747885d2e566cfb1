import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { leafHash } from '../domain/chain.js';
import { checkpointKey, logVerifierKey } from '../domain/log-key.js';
import { signCheckpoint } from '../domain/log/checkpoint.js';
import { HASH_BYTES } from '../domain/log/merkle.js';
import { parseVerifierKeys } from '../domain/log/log-keys.js';
import { TILE_WIDTH, tilePath, TileTree } from '../domain/log/tiles.js';
import { compareHeads, IncomparableError } from './compare-heads.js';
import { faultLine, reportOf } from './report.js';
import type { Source } from './sources.js';
import { verifyTiles } from './verify-tiles.js';
import { watchLog } from './watch-log.js';

const origin = 'log.example/log/acme';
const key = checkpointKey(Buffer.alloc(32, 3));
const verifiers = parseVerifierKeys([logVerifierKey(origin, key)]);

/** A log's files at a size; one that forked has another entry at `forkedAt`. */
function logOf(size: number, { forkedAt = -1, signedBy = key } = {}): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const tree = new TileTree();
  const leaves = Array.from({ length: size }, (_, at) => leafHash(at === forkedAt ? `forked ${at}` : `entry ${at}`));
  for (const { level, index, hashes } of tree.append(Buffer.concat(leaves))) {
    const width = hashes.length / HASH_BYTES;
    files.set(width < TILE_WIDTH ? tilePath({ level, index }, width) : tilePath({ level, index }), hashes);
  }
  return files.set('checkpoint', Buffer.from(signCheckpoint({ origin, size, root: tree.root() }, signedBy)));
}

const note = (files: Map<string, Buffer>): string => (files.get('checkpoint') as Buffer).toString('utf8');
const sourceOf = (files: Map<string, Buffer>): Source => ({
  bytes: async (path) => files.get(path),
  stream: async () => undefined,
});

async function verdict(verify: () => Promise<string>): Promise<string> {
  const report = await reportOf(verify);
  return 'summary' in report ? report.summary : faultLine(report.fault);
}

describe('two checkpoints of one log', () => {
  const diff = (one: Map<string, Buffer>, other: Map<string, Buffer>, log?: Map<string, Buffer>) =>
    verdict(() => compareHeads([note(one), note(other)], verifiers, { log: log && sourceOf(log) }));

  it('[T6] of the same tree, or of one that goes on, agree, in whichever order they are given', async () => {
    expect(await diff(logOf(300), logOf(300))).toBe(`${origin}: both are the tree of 300 entries`);
    for (const [one, other] of [
      [logOf(300), logOf(700)],
      [logOf(700), logOf(300)],
    ] as const)
      expect(await diff(one, other, logOf(700))).toBe(`${origin}: the tree of 700 entries begins with the one of 300`);
  });

  it.each([0, 255, 256, 299])('[T6] of a log that forked at entry %i are told apart', async (forkedAt) => {
    const fork = 'head: fork: the log was signed with other entries before 300';
    expect(await diff(logOf(300), logOf(300, { forkedAt }))).toBe(fork);
    expect(await diff(logOf(300, { forkedAt }), logOf(700), logOf(700))).toBe(fork);
  });

  it('[T6] of different sizes cannot be compared by nothing', async () => {
    await expect(diff(logOf(300), logOf(700))).rejects.toThrow(IncomparableError);
  });
});

describe('a log that is watched', () => {
  type Round = Map<string, Buffer> | Error;
  const watch = (...rounds: Round[]) => watchBy(verifiers, rounds);
  const watchBy = async (keys: typeof verifiers, rounds: readonly Round[], stateFile?: string) => {
    const printed: string[] = [];
    let round = -1;
    const source: Source = {
      bytes: async (path) => {
        if (path === 'checkpoint') round += 1;
        const now = rounds[Math.min(round, rounds.length - 1)];
        if (now instanceof Error) throw now;
        return now?.get(path);
      },
      stream: async () => undefined,
    };
    const print = (line: string) => printed.push(line);
    const said = await verdict(() =>
      watchLog(source, keys, { everySeconds: 0.001, staleSeconds: 1e-6, rounds: rounds.length, stateFile, print }),
    );
    return { said, printed };
  };

  it('[T6] is followed while it grows', async () => {
    const { said, printed } = await watch(logOf(10), logOf(255), logOf(256), logOf(700));
    expect(said).toBe(`${origin}: followed to 700 entries`);
    expect(printed).toEqual([10, 255, 256, 700].map((size) => `${origin}: ${size} entries`));
  });

  it.each<[string, Map<string, Buffer>, string]>([
    [
      'forks without growing',
      logOf(300, { forkedAt: 7 }),
      'head: fork: the log was signed with other entries before 300',
    ],
    ['forks and grows', logOf(700, { forkedAt: 299 }), 'head: fork: the log was signed with other entries before 300'],
    ['shrinks', logOf(299), 'index 299: the log shrank from 300 to 299 entries'],
    [
      'is signed by another key',
      logOf(700, { signedBy: checkpointKey(Buffer.alloc(32, 4)) }),
      `head: the note is not signed by ${origin}`,
    ],
    [
      'serves tiles that are not those it signed',
      new Map([...logOf(700, { forkedAt: 650 }), ['checkpoint', logOf(700).get('checkpoint') as Buffer]]),
      'head: the tiles do not hash to the root of the checkpoint',
    ],
  ])('[T6] ends the watch when it %s', async (_, next, found) => {
    const { said, printed } = await watch(logOf(300), next);
    expect(said.slice(0, found.length)).toBe(found);
    expect(printed).toEqual([`${origin}: 300 entries`]);
  });

  it('[T6] is followed over a rotation of its key by whoever knows both keys, and not back', async () => {
    const [before, now] = [checkpointKey(Buffer.alloc(32, 5)), checkpointKey(Buffer.alloc(32, 6))];
    const both = parseVerifierKeys([now, before].map((one) => logVerifierKey(origin, one)));
    const rounds = [logOf(10, { signedBy: before }), logOf(20, { signedBy: now }), logOf(30, { signedBy: before })];
    const { said, printed } = await watchBy(both, rounds);
    expect(said).toBe('head: the checkpoint of 30 entries is signed with a key that was replaced before');
    expect(printed).toEqual([10, 20].map((size) => `${origin}: ${size} entries`));
    const late = compareHeads([note(rounds[2] as never), note(rounds[1] as never)], both, {});
    expect(await verdict(() => late)).toMatch(/^head: the checkpoint of 30 entries is signed with a key/);
  });

  it('[T6] raises an alarm when its head is stale or it does not answer, once, and is followed again', async () => {
    const down = new Error('refused');
    const { said, printed } = await watch(logOf(300), logOf(300), logOf(300), down, logOf(301), logOf(301));
    expect(said).toBe(`${origin}: followed to 301 entries`);
    expect(printed).toEqual([
      `${origin}: 300 entries`,
      expect.stringMatching(/^alarm: no new checkpoint for/),
      'alarm: the log cannot be read: refused',
      `${origin}: 301 entries`,
      expect.stringMatching(/^alarm: no new checkpoint for/),
    ]);
  });

  it('[T6] is asked again when its head is there and its tiles are not answered', async () => {
    const [files, printed]: [Map<string, Buffer>, string[]] = [logOf(700), []];
    let refused = 2;
    const source: Source = {
      bytes: async (path) => {
        if (path === 'checkpoint') return (printed.length === 0 ? logOf(300) : files).get(path);
        if ((refused -= 1) >= 0) throw new Error('reset');
        return files.get(path);
      },
      stream: async () => undefined,
    };
    const watch = { everySeconds: 0.001, staleSeconds: 60, rounds: 4, print: (line: string) => printed.push(line) };
    expect(await watchLog(source, verifiers, watch)).toBe(`${origin}: followed to 700 entries`);
    const away = 'alarm: the log cannot be read: reset';
    expect(printed).toEqual([`${origin}: 300 entries`, away, away, `${origin}: 700 entries`]);
  });
});

describe('a watch that is started again', () => {
  let dir: string;
  let state: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'caracal-watch-'));
    state = join(dir, 'head');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const run = async (files: Map<string, Buffer>, keys = verifiers) => {
    const printed: string[] = [];
    const watch = {
      everySeconds: 1,
      staleSeconds: 60,
      rounds: 1,
      stateFile: state,
      print: (line: string) => printed.push(line),
    };
    const said = await verdict(() => watchLog(sourceOf(files), keys, watch));
    return { said, printed };
  };
  const kept = (suffix = '') => readFile(`${state}${suffix}`, 'utf8');

  it('[T6] goes on from the head that it came to', async () => {
    expect((await run(logOf(300))).printed).toEqual([`${origin}: 300 entries`]);
    expect(await kept()).toBe(note(logOf(300)));
    const { said, printed } = await run(logOf(700));
    expect([said, printed]).toEqual([
      `${origin}: followed to 700 entries`,
      [`${origin}: goes on from 300 entries`, `${origin}: 700 entries`],
    ]);
    expect(await kept()).toBe(note(logOf(700)));
    expect((await run(logOf(700))).printed).toEqual([`${origin}: goes on from 700 entries`]);
  });

  it.each<[string, Map<string, Buffer>, string]>([
    ['forked', logOf(300, { forkedAt: 7 }), 'head: fork: the log was signed with other entries before 300'],
    ['forked and grown', logOf(700, { forkedAt: 7 }), 'head: fork: the log was signed with other entries before 300'],
    ['shrunk', logOf(299), 'index 299: the log shrank from 300 to 299 entries'],
  ])('[T6] ends when the log has %s meanwhile, each time, and keeps both heads', async (_, files, found) => {
    await run(logOf(300));
    for (let twice = 0; twice < 2; twice += 1) expect((await run(files)).said).toBe(found);
    expect([await kept(), await kept('.contradiction')]).toEqual([note(logOf(300)), note(files)]);
  });

  it('[T6] is not told that an older key is good again', async () => {
    const [before, now] = [checkpointKey(Buffer.alloc(32, 5)), checkpointKey(Buffer.alloc(32, 6))];
    const both = parseVerifierKeys([now, before].map((one) => logVerifierKey(origin, one)));
    for (const signedBy of [before, now]) await run(logOf(20, { signedBy }), both);
    expect((await run(logOf(30, { signedBy: before }), both)).said).toMatch(/signed with a key that was replaced/);
  });

  it.each([
    ['nothing', ''],
    ['half a head', note(logOf(300)).slice(0, 60)],
    ['a head of another size', note(logOf(300)).replace('\n300\n', '\n30\n')],
    ['a head by another key', note(logOf(300, { signedBy: checkpointKey(Buffer.alloc(32, 4)) }))],
  ])('[T6] does not begin anew when its state is %s', async (_, text) => {
    await writeFile(state, text);
    await expect(run(logOf(700))).rejects.toThrow(`${state} holds no head of ${origin}: `);
    expect(await kept()).toBe(text);
  });

  it('[T6] does not go on when its state cannot be kept', async () => {
    state = join(dir, 'nowhere', 'head');
    await expect(run(logOf(300))).rejects.toThrow('ENOENT');
  });
});

describe('the tiles of a log', () => {
  it.each([1, 2, 255, 256, 257, 700, 65_600])('[T6] of %i entries are sound', async (size) => {
    expect(await verdict(() => verifyTiles(sourceOf(logOf(size)), verifiers))).toBe(
      `${origin}: the tiles of ${size} entries verified`,
    );
  });

  it('[T6] are reported when they are of a fork, and where a tile above is not what is below it', async () => {
    const [sound, fork] = [logOf(65_600), logOf(65_600, { forkedAt: 300 })];
    const check = (files: Map<string, Buffer>) => verdict(() => verifyTiles(sourceOf(files), verifiers));
    const above = new Map(sound).set('tile/1/000', fork.get('tile/1/000') as Buffer);
    expect(await check(above)).toBe('index 256: the entries from here do not hash to tile/1/000');
    expect(await check(new Map(fork).set('checkpoint', sound.get('checkpoint') as Buffer))).toBe(
      'head: the tiles do not hash to the root of the checkpoint',
    );
  });
});
