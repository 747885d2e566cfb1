import { setTimeout as pause } from 'node:timers/promises';
import type { SignedCheckpoint } from '../domain/log/checkpoint.js';
import { signedOutOfTurn, type LogVerifiers } from '../domain/log/log-keys.js';
import { fork, outOfTurn } from './compare-heads.js';
import { fault, FaultError } from './report.js';
import type { Source } from './sources.js';
import { readHead, rootAt } from './verify-tiles.js';

export interface Watch {
  readonly everySeconds: number;
  /** A head that has not moved for so long is reported, once. */
  readonly staleSeconds: number;
  readonly rounds: number;
  readonly print: (line: string) => void;
}

/** Follows a live log: each head must be signed and go on from the one before. A fork or a head that shrinks ends it; a stale or missing head is reported. */
export async function watchLog(source: Source, verifiers: LogVerifiers, watch: Watch): Promise<string> {
  const followed = new Followed(watch);
  for (let round = 1; round <= watch.rounds; round += 1) {
    const head = await nextHead(source, verifiers, watch);
    if (head && followed.last) {
      if (signedOutOfTurn([followed.last, head], verifiers)) throw outOfTurn(head);
      await follows(source, followed.last, head);
    }
    followed.note(head);
    if (round < watch.rounds) await pause(watch.everySeconds * 1_000);
  }
  return `${verifiers[0].name}: followed to ${followed.last?.size ?? 0} entries`;
}

/** The last head, and how long it has been that. */
class Followed {
  last: SignedCheckpoint | undefined;
  private movedAt = performance.now();
  private alarmed = false;

  constructor(private readonly watch: Watch) {}

  note(head: SignedCheckpoint | undefined): void {
    const { print, staleSeconds } = this.watch;
    if (head && head.size !== this.last?.size) {
      print(`${head.origin}: ${head.size} entries`);
      this.last = head;
      this.movedAt = performance.now();
      this.alarmed = false;
    } else if (!this.alarmed && performance.now() - this.movedAt >= staleSeconds * 1_000) {
      print(`alarm: no new checkpoint for ${staleSeconds} s`);
      this.alarmed = true;
    }
  }
}

/** A server that does not answer is an alarm; a head that is not signed is a fault. */
async function nextHead(
  source: Source,
  verifiers: LogVerifiers,
  { print }: Watch,
): Promise<SignedCheckpoint | undefined> {
  try {
    return await readHead(source, verifiers);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    print(`alarm: the log cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function follows(source: Source, last: SignedCheckpoint, head: SignedCheckpoint): Promise<void> {
  if (head.size < last.size) throw fault(head.size, `the log shrank from ${last.size} to ${head.size} entries`);
  const before = head.size === last.size ? head.root : await rootAt(source, head.size, last.size);
  const after = head.size === last.size ? head.root : await rootAt(source, head.size, head.size);
  if (!before.equals(last.root)) throw fork(last);
  if (!after.equals(head.root)) throw fault(undefined, 'the tiles do not hash to the root of the checkpoint');
}
