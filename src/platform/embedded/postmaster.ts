import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppLogger } from '../logging/index.js';
import { watchOverDeath } from './death-watch.js';
import { isSerious, parseServerLine, splitLines } from './domain/server-log.js';
import { serverArguments, type Listening } from './domain/server-settings.js';
import { PROGRAM_ENVIRONMENT } from './init-cluster.js';
import { program } from './native-binaries.js';
import type { Placement } from './placement.js';

const POLL_MS = 10;
/** How long the rest of what an ended server printed is waited for. */
const LAST_WORDS_MS = 500;
const STATUS_LINE = 7;
const STOP_MODES: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 20_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/** How a server ended. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The server ended before it took connections; `reasons` are its own last serious messages. */
export class ServerDidNotStart extends Error {
  override readonly name = 'ServerDidNotStart';

  constructor(readonly reasons: readonly string[]) {
    super(`embedded PostgreSQL did not start: ${reasons.join('; ') || 'it gave no reason'}`);
  }
}

/** One running PostgreSQL server. */
export class Postmaster {
  readonly exited: Promise<ServerExit>;
  private exit: ServerExit | undefined;
  private readonly reasons: string[] = [];

  private constructor(
    private readonly child: ChildProcess,
    private readonly log: AppLogger,
  ) {
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(this.ended({ code: null, signal: null }, error.message)));
      // Its own end, not that of its output: children of it that hang hold that open, and are stopped before the next start.
      child.once('exit', (code, signal) => {
        const tell = (): void => resolve(this.ended({ code, signal }));
        const late = setTimeout(tell, LAST_WORDS_MS);
        child.once('close', () => {
          clearTimeout(late);
          tell();
        });
      });
    });
    this.readLog();
  }

  /** Starts a server and resolves when it takes connections, however long recovery takes; rejects with {@link ServerDidNotStart}. */
  static async start(
    placement: Placement,
    listening: Listening,
    options: { log: AppLogger; signal: AbortSignal },
  ): Promise<Postmaster> {
    const child = spawn(program(placement.binaries, 'postgres'), serverArguments(placement.cluster, listening), {
      ...placement.account,
      cwd: '/',
      env: PROGRAM_ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe'],
      // In a session of its own a Ctrl-C at the terminal does not reach the database before we have drained.
      detached: true,
    });
    const postmaster = new Postmaster(child, options.log);
    if (child.pid !== undefined) void postmaster.exited.then(watchOverDeath(child.pid, placement.account));
    await postmaster.untilReady(placement.cluster, options.signal);
    return postmaster;
  }

  /** Ends the server: connections are cut, everything is flushed. Harsher when it takes too long; what was committed is safe either way. */
  async stop(): Promise<void> {
    for (const [signal, patience] of STOP_MODES) {
      if (this.exit) return;
      this.child.kill(signal);
      const abort = new AbortController();
      await Promise.race([this.exited, delay(patience, undefined, { signal: abort.signal }).catch(() => undefined)]);
      abort.abort();
    }
  }

  /** The same without waiting, for a process that is already going down. */
  signalStop(signal: NodeJS.Signals = 'SIGINT'): void {
    if (!this.exit) this.child.kill(signal);
  }

  private async untilReady(cluster: string, signal: AbortSignal): Promise<void> {
    while (!this.exit) {
      if (this.isReady(cluster)) return;
      if (signal.aborted) await this.stop();
      else await delay(POLL_MS);
    }
    throw new ServerDidNotStart(this.reasons);
  }

  /** The server notes its state in its pid file, which cannot be silenced by a log level. */
  private isReady(cluster: string): boolean {
    try {
      const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
      return Number(lines[0]) === this.child.pid && lines[STATUS_LINE]?.trim() === 'ready';
    } catch {
      return false;
    }
  }

  private ended(exit: ServerExit, reason?: string): ServerExit {
    if (reason !== undefined) this.reasons.push(reason);
    this.exit ??= exit;
    return this.exit;
  }

  private readLog(): void {
    let pending = '';
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      const { lines, rest } = splitLines(pending + chunk);
      pending = rest;
      lines.forEach((line) => this.report(line));
    });
  }

  private report(line: string): void {
    const message = parseServerLine(line);
    const serious = isSerious(message);
    if (serious) this.reasons.push(message.text);
    this.log[serious ? 'warn' : 'debug']({ severity: message.severity }, `postgres: ${message.text}`);
  }
}
