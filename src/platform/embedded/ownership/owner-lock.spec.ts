import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it, expect } from '@jest/globals';
import { DirectoryInUse, lockDirectory } from './owner-lock.js';
import { isRunning, processNamespace, startOfProcess } from './process-identity.js';

const QUICK = { heartbeatMs: 20, silenceMs: 120 };
const noLoss = () => undefined;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caracal-lock-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function claim(owner: Record<string, unknown>, number = 1): string {
  mkdirSync(join(dir, 'owner'), { recursive: true });
  const path = join(dir, 'owner', String(number).padStart(10, '0'));
  writeFileSync(path, JSON.stringify(owner));
  return path;
}

const here = { namespace: processNamespace(), host: 'here', claim: 'x' };
const elsewhere = { pid: 1, start: '1', namespace: 'another', host: 'container-7', claim: 'x' };

describe('the lock of a data directory', () => {
  it('lets one in, and the next one after it was released', async () => {
    const first = await lockDirectory(dir, noLoss);
    await expect(lockDirectory(dir, noLoss)).rejects.toThrow(DirectoryInUse);
    first.release();
    const second = await lockDirectory(dir, noLoss);
    first.release();
    await expect(lockDirectory(dir, noLoss)).rejects.toThrow(DirectoryInUse);
    second.release();
  });

  it('names the directory and the process', async () => {
    const lock = await lockDirectory(dir, noLoss);
    await expect(lockDirectory(dir, noLoss)).rejects.toThrow(
      `the data directory ${dir} is in use by process ${process.pid};`,
    );
    lock.release();
  });

  it('lets one of many in', async () => {
    const locks = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(dir, noLoss)));
    const held = locks.filter((lock) => lock.status === 'fulfilled');
    expect(held).toHaveLength(1);
    expect(readdirSync(join(dir, 'owner'))).toHaveLength(1);
    held.forEach((lock) => lock.value.release());
  });

  it.each([
    ['of a process that is gone', { ...here, pid: 2 ** 22 + 1, start: '1' }],
    ['of a process whose number another one has now', { ...here, pid: process.pid, start: '1' }],
    ['that was released', 'released'],
    ['that cannot be read', { pid: 'x' }],
  ])('is taken over from a claim %s', async (_name, owner) => {
    claim(owner as Record<string, unknown>, 41);
    (await lockDirectory(dir, noLoss)).release();
    expect(readdirSync(join(dir, 'owner'))).toEqual(['0000000042']);
  });

  it('is not taken from a live process', async () => {
    claim({ ...here, pid: process.ppid, start: startOfProcess(process.ppid) });
    await expect(lockDirectory(dir, noLoss)).rejects.toThrow(`in use by process ${process.ppid}`);
  });

  it('[T8] is not taken from another container while it shows that it lives', async () => {
    const path = claim(elsewhere);
    const beat = setInterval(() => utimesSync(path, new Date(), new Date()), QUICK.heartbeatMs);
    await expect(lockDirectory(dir, noLoss, QUICK)).rejects.toThrow(
      'in use by process 1 of another container or machine (container-7)',
    );
    clearInterval(beat);
  });

  it('is taken from another container that has fallen silent', async () => {
    claim(elsewhere);
    (await lockDirectory(dir, noLoss, QUICK)).release();
    expect(readdirSync(join(dir, 'owner'))).toEqual(['0000000002']);
  });

  it('tells its holder when it was taken away', async () => {
    let lost = 0;
    const lock = await lockDirectory(dir, () => (lost += 1), QUICK);
    rmSync(join(dir, 'owner'), { recursive: true });
    while (lost === 0) await delay(5);
    await delay(5 * QUICK.heartbeatMs);
    expect(lost).toBe(1);
    lock.release();
  });
});

describe('the identity of a process', () => {
  it('ends with the process, also while nobody has taken note of its end', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 5'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = Number(
      await new Promise((resolve) => parent.stdout.once('data', (chunk) => resolve(String(chunk).trim()))),
    );
    const start = startOfProcess(pid) ?? 'gone';
    while (startOfProcess(pid) !== undefined) await delay(5);
    expect(isRunning(pid, start)).toBe(false);
    parent.kill('SIGKILL');
  });

  it('is the same each time it is asked for', () => {
    expect(startOfProcess(process.pid)).toEqual(expect.any(String));
    expect(startOfProcess(process.pid)).toBe(startOfProcess(process.pid));
    expect(isRunning(process.pid, startOfProcess(process.pid) ?? '')).toBe(true);
    expect(isRunning(process.pid, 'another time')).toBe(false);
  });
});
