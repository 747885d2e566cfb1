import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const REGISTER = fileURLToPath(new URL('./ts-register.mjs', import.meta.url));
const OWNER = fileURLToPath(new URL('./embedded-owner.ts', import.meta.url));

export interface OwnerFacts {
  readonly dsn: string;
  readonly cluster: string;
}

/** A process of its own that runs the embedded database of a data directory. */
export class OwnerProcess {
  private readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  private errors = '';

  constructor(dataDir: string, account: { uid?: number; gid?: number } = {}) {
    this.child = spawn(process.execPath, ['--import', REGISTER, OWNER], {
      ...account,
      env: { PATH: process.env['PATH'], DATA_DIR: dataDir, LOG_LEVEL: 'debug' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (chunk) => (this.errors += String(chunk)));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What it wrote to standard error so far, its log among it. */
  get log(): string {
    return this.errors;
  }

  /** Resolves when the database runs. */
  async facts(): Promise<OwnerFacts> {
    if (!this.child.stdout) throw new Error('the owner has no output');
    for await (const line of createInterface({ input: this.child.stdout })) return JSON.parse(line) as OwnerFacts;
    throw new Error(`the owner ended before its database ran: ${this.errors}`);
  }

  /** Kills it together with the watch over its death, so that its database goes on without owner. */
  async killUnwatched(): Promise<void> {
    childrenOf(this.pid, 'sh').forEach((watch) => process.kill(watch, 'SIGKILL'));
    await this.end('SIGKILL');
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }
}

function childrenOf(parent: number, name: string): number[] {
  const listed = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).trim().split('\n');
  const rows = listed.map((line) => line.trim().split(/\s+/));
  return rows.filter(([, ppid, comm]) => Number(ppid) === parent && comm === name).map(([pid]) => Number(pid));
}
