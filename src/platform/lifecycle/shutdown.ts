import { within } from './within.js';
import type { AppLogger } from '../logging/index.js';

/** A terminal and a runner in between may both pass on one Ctrl-C. */
const SAME_WISH_MS = 1_000;
/** What has not closed by then, whatever it waits for, is left to the end of the process. */
const PATIENCE_MS = 75_000;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/** What ends a process: its own exit, or a stand-in for tests. */
export type Exit = (code: number) => void;

/** Ends the process in order: what was opened last is closed first, whichever way the end comes. */
export class Shutdown {
  private readonly steps: (() => Promise<void>)[] = [];
  private ending: Promise<void> | undefined;
  private log: AppLogger | undefined;
  private toldAt: number | undefined;

  constructor(
    private readonly exit: Exit = (code) => process.exit(code),
    private readonly now: () => number = () => performance.now(),
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** From now on SIGTERM and SIGINT close and exit 0, a later one exits at once, and an error that nobody caught closes and exits 1. */
  listen(log: AppLogger): void {
    this.log = log;
    SIGNALS.forEach((signal) => process.on(signal, () => this.onSignal(signal)));
    process.on('uncaughtException', (error: unknown) => this.onFault(error));
    process.on('unhandledRejection', (error: unknown) => this.onFault(error));
  }

  /** Adds what has to be closed. During an end that has begun it is closed at once. */
  async add(step: () => Promise<void>): Promise<void> {
    if (this.ending) await this.close(step);
    else this.steps.push(step);
  }

  /** Closes everything and exits; a second call waits for the first. */
  end(code: number): Promise<void> {
    this.ending ??= this.closeAll().then((clean) => this.exit(clean ? code : 1));
    return this.ending;
  }

  private onSignal(signal: NodeJS.Signals): void {
    const first = (this.toldAt ??= this.now());
    if (this.now() - first > SAME_WISH_MS) {
      this.log?.warn({ signal }, 'told to stop again; leaving without waiting');
      this.exit(1);
      return;
    }
    if (!this.ending) this.log?.info({ signal }, 'stopping');
    void this.end(0);
  }

  private onFault(error: unknown): void {
    this.log?.fatal({ err: error }, 'an error that nobody caught; stopping');
    void this.end(1);
  }

  private async closeAll(): Promise<boolean> {
    let clean = true;
    for (let step = this.steps.pop(); step; step = this.steps.pop()) clean = (await this.close(step)) && clean;
    return clean;
  }

  private async close(step: () => Promise<void>): Promise<boolean> {
    try {
      await within(this.patienceMs, step(), 'it takes too long');
      return true;
    } catch (error) {
      this.log?.error({ err: error }, 'could not be closed in order');
      return false;
    }
  }
}
