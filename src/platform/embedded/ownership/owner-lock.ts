import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from '../../../kernel/start-error.js';
import { createSecretFile, replaceSecretFile } from '../../secret-files/index.js';
import { isRunning, processNamespace, startOfProcess } from './process-identity.js';

const TIMING: LockTiming = { heartbeatMs: 1_000, silenceMs: 6_000 };
const CLAIM = /^\d{10}$/;

interface Owner {
  readonly pid: number;
  readonly start: string;
  readonly namespace: string;
  readonly host: string;
  readonly claim: string;
}

/** The directory has another live owner. */
export class DirectoryInUse extends StartError {
  override readonly name = 'DirectoryInUse';
}

/** How often an owner shows that it lives, and after how long a silence one of another container counts as dead. */
export interface LockTiming {
  readonly heartbeatMs: number;
  readonly silenceMs: number;
}

export interface OwnerLock {
  /** Lets the next owner in at once. Safe to repeat. */
  release(): void;
}

/**
 * Makes this process the only owner of a directory, until it releases it or dies; rejects with {@link DirectoryInUse} while another one lives.
 *
 * Claims are files numbered upwards, in `<directory>/owner`. The highest one counts; whoever finds its owner dead creates the next number,
 * which only one process can, and then looks whether a still higher one appeared. The highest number is never removed, so a slow contender
 * cannot take away the claim of a fast one. Owners whose process numbers mean nothing here (another container) are known by their heartbeat.
 */
export async function lockDirectory(
  directory: string,
  onLost: () => void,
  timing: LockTiming = TIMING,
): Promise<OwnerLock> {
  const claims = join(directory, 'owner');
  mkdirSync(claims, { recursive: true });
  for (;;) {
    const highest = highestClaim(claims);
    const holder = highest > 0 ? readOwner(claimPath(claims, highest)) : undefined;
    if (holder && (await isAlive(holder, claimPath(claims, highest), timing))) throw inUse(directory, holder);
    const path = claimPath(claims, highest + 1);
    if (!createSecretFile(path, JSON.stringify(ownClaim()))) continue;
    if (highestClaim(claims) === highest + 1) {
      removeBelow(claims, highest + 1);
      return hold(path, onLost, timing);
    }
    rmSync(path, { force: true });
  }
}

function ownClaim(): Owner {
  const start = startOfProcess(process.pid) ?? 'unknown';
  return { pid: process.pid, start, namespace: processNamespace(), host: hostname(), claim: randomUUID() };
}

async function isAlive(owner: Owner, path: string, { heartbeatMs, silenceMs }: LockTiming): Promise<boolean> {
  if (owner.namespace === processNamespace()) return isRunning(owner.pid, owner.start);
  const last = heartbeat(path);
  for (let waited = 0; waited < silenceMs; waited += heartbeatMs / 2) {
    await delay(heartbeatMs / 2);
    if (heartbeat(path) !== last) return true;
  }
  return false;
}

function hold(path: string, onLost: () => void, timing: LockTiming): OwnerLock {
  const { ino } = statSync(path);
  const timer = setInterval(() => {
    beat(path, ino).catch(() => {
      clearInterval(timer);
      onLost();
    });
  }, timing.heartbeatMs);
  timer.unref();
  let held = true;
  return {
    release(): void {
      if (!held) return;
      held = false;
      clearInterval(timer);
      try {
        replaceSecretFile(path, 'released');
      } catch {
        // The directory is gone; whoever comes next finds a claim of a dead process, or none.
      }
    },
  };
}

async function beat(path: string, ino: number): Promise<void> {
  if ((await stat(path)).ino !== ino) throw new Error('the claim is another one');
  const now = new Date();
  await utimes(path, now, now);
}

function inUse(directory: string, owner: Owner): DirectoryInUse {
  const where = owner.namespace === processNamespace() ? '' : ` of another container or machine (${owner.host})`;
  return new DirectoryInUse([
    `the data directory ${directory} is in use by process ${owner.pid}${where}; stop it, or set DATA_DIR to another directory`,
  ]);
}

/** The owner a claim names; undefined when the claim was released or has been superseded meanwhile. */
function readOwner(path: string): Owner | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Owner;
    return typeof value.pid === 'number' && typeof value.start === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function heartbeat(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function highestClaim(claims: string): number {
  return Math.max(
    0,
    ...readdirSync(claims)
      .filter((name) => CLAIM.test(name))
      .map(Number),
  );
}

function removeBelow(claims: string, number: number): void {
  for (const name of readdirSync(claims)) {
    if (CLAIM.test(name) && Number(name) < number) rmSync(join(claims, name), { force: true });
  }
}

function claimPath(claims: string, number: number): string {
  return join(claims, String(number).padStart(10, '0'));
}
