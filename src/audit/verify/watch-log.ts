import { setTimeout as pause } from 'node:timers/promises';
import { openCheckpoint, type SignedCheckpoint } from '../domain/log/checkpoint.js';
import { signedOutOfTurn, type LogVerifiers } from '../domain/log/log-keys.js';
import { fork, outOfTurn } from './compare-heads.js';
import { fault, FaultError, orFault } from './report.js';
import { textOf, type Source } from './sources.js';
import { rootAt } from './verify-tiles.js';
import { type Head, WatchState } from './watch-state.js';

export interface Watch {
  readonly everySeconds: number;
  /** A head that has not moved for so long is reported, once. */
  readonly staleSeconds: number;
  readonly rounds: number;
  /** Where the last head is remembered, so that the next run goes on from it. */
  readonly stateFile?: string | undefined;
  readonly print: (line: string) => void;
}

/**
 * Follows a live log: each head must be signed and go on from the one before, the first from the last of the run before. A fork or a head that shrinks
 * ends it; a stale or missing head is reported.
 */
export async function watchLog(source: Source, verifiers: LogVerifiers, watch: Watch): Promise<string> {
  const state = new WatchState(watch.stateFile);
  const followed = new Followed(watch, await state.read(verifiers));
  for (let round = 1; round <= watch.rounds; round += 1) {
    const head = await unlessAway(watch, async () => {
      const next = await readHead(source, verifiers);
      if (followed.last) await goesOn(source, verifiers, { last: followed.last, next, state });
      return next;
    });
    if (head && head.note !== followed.last?.note) await state.keep(head);
    followed.note(head);
    if (round < watch.rounds) await pause(watch.everySeconds * 1_000);
  }
  return `${verifiers[0].name}: followed to ${followed.last?.size ?? 0} entries`;
}

/** The last head, and how long its size has been that. */
class Followed {
  private movedAt = performance.now();
  private alarmed = false;

  constructor(
    private readonly watch: Watch,
    public last: Head | undefined,
  ) {
    if (last) watch.print(`${last.origin}: goes on from ${last.size} entries`);
  }

  note(head: Head | undefined): void {
    const { print, staleSeconds } = this.watch;
    const moved = head !== undefined && head.size !== this.last?.size;
    this.last = head ?? this.last;
    if (moved) {
      print(`${head.origin}: ${head.size} entries`);
      this.movedAt = performance.now();
      this.alarmed = false;
    } else if (!this.alarmed && performance.now() - this.movedAt >= staleSeconds * 1_000) {
      print(`alarm: no new checkpoint for ${staleSeconds} s`);
      this.alarmed = true;
    }
  }
}

/** A server that does not answer, or not all of it, is an alarm, and is asked again; what it answered and is wrong is a fault. */
async function unlessAway({ print }: Watch, look: () => Promise<Head>): Promise<Head | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof FaultError) throw error;
    print(`alarm: the log cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function readHead(source: Source, verifiers: LogVerifiers): Promise<Head> {
  const note = await textOf(source, 'checkpoint');
  return { ...orFault(() => openCheckpoint(note, verifiers)), note };
}

interface Step {
  readonly last: Head;
  readonly next: Head;
  readonly state: WatchState;
}

/** Throws what is wrong, and keeps the head that shows it: both were signed, so that they speak for themselves. */
async function goesOn(source: Source, verifiers: LogVerifiers, { last, next, state }: Step): Promise<void> {
  try {
    if (signedOutOfTurn([last, next], verifiers)) throw outOfTurn(next);
    await follows(source, last, next);
  } catch (error) {
    // Whether it can be kept or not, it is what ends the watch.
    if (error instanceof FaultError) await state.keepContradiction(next).catch(() => undefined);
    throw error;
  }
}

async function follows(source: Source, last: SignedCheckpoint, head: SignedCheckpoint): Promise<void> {
  if (head.size < last.size) throw fault(head.size, `the log shrank from ${last.size} to ${head.size} entries`);
  const before = head.size === last.size ? head.root : await rootAt(source, head.size, last.size);
  const after = head.size === last.size ? head.root : await rootAt(source, head.size, head.size);
  if (!before.equals(last.root)) throw fork(last);
  if (!after.equals(head.root)) throw fault(undefined, 'the tiles do not hash to the root of the checkpoint');
}
