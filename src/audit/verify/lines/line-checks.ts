import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { checkLines, type CheckedLines, type LineBatch } from './check-lines.js';

/** Who checks lines. Batches may be in work at the same time; each answers for itself. */
export interface LineChecks {
  /** The batches that are worth having in work at the same time. */
  readonly atOnce: number;
  /** The batch's bytes belong to the check from now on. */
  check(batch: LineBatch): Promise<CheckedLines>;
  close(): Promise<void>;
}

/** Checks each batch where it is called. */
export const checksHere: LineChecks = {
  atOnce: 1,
  check: async (batch) => checkLines(batch),
  close: async () => {},
};

const MOST_THREADS = 3;
/** Batches that are checked before threads are worth their start. */
const FEW = 4;
/** Batches that keep a thread at work until it is given the next one. */
const QUEUE = 8;
const PROGRAM = new URL('line-worker.js', import.meta.url);

/** Checks in threads of their own, one for each processor beside this one, once there is more than a little to check; what they are too busy for is checked here. */
export class ThreadedChecks implements LineChecks {
  private readonly threads: CheckThread[] = [];
  private taken = 0;

  constructor(private readonly most = Math.min(availableParallelism() - 1, MOST_THREADS)) {}

  get atOnce(): number {
    return this.most * QUEUE + 2;
  }

  async check(batch: LineBatch): Promise<CheckedLines> {
    this.taken += 1;
    const thread = this.taken > FEW ? this.idleThread() : undefined;
    return thread ? thread.check(batch) : checkLines(batch);
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.end()));
  }

  private idleThread(): CheckThread | undefined {
    while (this.threads.length < this.most) this.threads.push(new CheckThread());
    return this.threads.find((thread) => thread.queued < QUEUE);
  }
}

interface Waiting {
  readonly resolve: (checked: CheckedLines) => void;
  readonly reject: (error: Error) => void;
}

/** One thread, which answers in the order in which it was asked. */
class CheckThread {
  private readonly worker = new Worker(PROGRAM);
  private readonly waiting: Waiting[] = [];
  private failure: Error | undefined;

  constructor() {
    this.worker.on('message', (checked: CheckedLines) => this.waiting.shift()?.resolve(checked));
    this.worker.on('error', (error: Error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('a thread of the verification ended')));
  }

  get queued(): number {
    return this.waiting.length;
  }

  check(batch: LineBatch): Promise<CheckedLines> {
    const answer = new Promise<CheckedLines>((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(batch, [batch.bytes.buffer as ArrayBuffer]);
    });
    // Whoever gave up over an earlier batch does not ask for this one any more.
    answer.catch(() => undefined);
    return answer;
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }
}
