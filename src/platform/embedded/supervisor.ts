import { setTimeout as delay } from 'node:timers/promises';
import type { AppLogger } from '../logging/index.js';
import type { Listening } from './domain/server-settings.js';
import { stopLeftovers } from './leftovers.js';
import type { Placement } from './placement.js';
import { Postmaster, type ServerExit } from './postmaster.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Keeps one server running on a cluster: one that dies is started again, at growing intervals, until it is stopped for good. */
export class Supervisor {
  private readonly stopping = new AbortController();
  private readonly listeners = new Set<(exit: ServerExit) => void>();
  private watching: Promise<void> = Promise.resolve();
  private current: Postmaster | undefined;

  constructor(
    private readonly placement: Placement,
    private readonly listening: Listening,
    private readonly log: AppLogger,
  ) {}

  /** Resolves when the server takes connections for the first time; a first start that fails is not repeated. */
  async start(): Promise<void> {
    this.current = await this.launch();
    process.once('exit', this.onProcessExit);
    this.watching = this.watch(this.current);
  }

  onExit(listener: (exit: ServerExit) => void): void {
    this.listeners.add(listener);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.current?.stop();
    await this.watching;
    process.removeListener('exit', this.onProcessExit);
  }

  /** Ends the server at once, without its last flush, and does not start it again. */
  abandon(): void {
    this.stopping.abort();
    this.current?.signalStop('SIGQUIT');
  }

  private async launch(): Promise<Postmaster> {
    await stopLeftovers(this.placement.cluster, this.log);
    return Postmaster.start(this.placement, this.listening, { log: this.log, signal: this.stopping.signal });
  }

  private async watch(first: Postmaster): Promise<void> {
    for (let server: Postmaster | undefined = first; server;) {
      const exit: ServerExit = await server.exited;
      if (this.stopping.signal.aborted) return;
      this.log.warn({ ...exit }, 'embedded PostgreSQL ended; starting it again');
      this.listeners.forEach((listener) => listener(exit));
      server = await this.relaunch();
    }
  }

  private async relaunch(): Promise<Postmaster | undefined> {
    for (let pause = FIRST_PAUSE_MS; !this.stopping.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      await delay(pause, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      try {
        this.current = await this.launch();
      } catch (error) {
        this.log.error({ err: error }, 'embedded PostgreSQL could not be started again');
        continue;
      }
      if (!this.stopping.signal.aborted) return this.current;
      await this.current.stop();
    }
    return undefined;
  }

  /** A process that leaves without `stop` should not leave the database behind. */
  private readonly onProcessExit = (): void => this.current?.signalStop();
}
