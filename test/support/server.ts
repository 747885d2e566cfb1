import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Database, parseEndpoint } from '../../src/platform/database/index.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_LIMIT_MS = 110_000;

/** The built server as a process of its own, with the embedded database, as a user starts it. */
export interface ServerProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly adminToken: string;
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** Says something to the module that was preloaded; resolves when it has been done. */
  tell(message: object): Promise<void>;
  /** Resolves when the module that was preloaded says this; rejects when the process ends first. */
  told(message: object): Promise<void>;
  /** Sends a signal and waits for the exit code (null when a signal ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function newDataDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'caracal-server-'));
}

/** The superuser's DSN of the database that a server of this directory runs. */
export async function operatorDsn(dataDir: string): Promise<string> {
  return secretOf(dataDir, 'operator_dsn');
}

/** The roles that the server of this directory logs in as, on its own database. */
export async function openServerDatabase(dataDir: string): Promise<Database> {
  const database = new Database({
    endpoint: parseEndpoint(await operatorDsn(dataDir)),
    databasePassword: await secretOf(dataDir, 'database_password'),
    entities: [],
  });
  await database.open();
  return database;
}

async function secretOf(dataDir: string, name: string): Promise<string> {
  return (await readFile(join(dataDir, 'secrets', name), 'utf8')).trim();
}

export async function removeDataDir(dataDir: string): Promise<void> {
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Starts `dist/main.js` on a free port; resolves when it says where it listens, rejects with its output when it does not. A module of the tests
 * can be preloaded into it, and be talked to.
 */
export async function startServer(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  preload?: string,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...(preload === undefined ? [] : ['--import', preload]), MAIN], {
    stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : (['ipc'] as const))],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      PORT: '0',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'info',
      DATABASE_TIMEOUT: '60000',
      // A busy machine must not decide what tests see.
      MAX_LOOP_DELAY: '0',
      ...env,
    },
  });
  const printed = { text: '' };
  const keep = (chunk: Buffer) => (printed.text += chunk.toString('utf8'));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const url = await listening(child, printed);
  const adminToken = await secretOf(dataDir, 'admin_token');
  return {
    url,
    dataDir,
    adminToken,
    pid: child.pid as number,
    output: () => printed.text,
    tell: (message) => {
      const ask = randomUUID();
      const done = told(child, { done: ask });
      child.send({ ask, ...message });
      return done;
    },
    told: (message) => told(child, message),
    end: (signal) => end(child, signal),
  };
}

function listening(child: ChildProcess, printed: { text: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL');
      reject(new Error(`${why}\n${printed.text}`));
    };
    const timer = setTimeout(() => fail('the server did not start in time'), START_LIMIT_MS);
    const early = (code: number | null) => {
      clearTimeout(timer);
      fail(`the server ended with ${code}`);
    };
    child.once('exit', early);
    child.stdout?.on('data', () => {
      const found = /^listening on (\S+)$/m.exec(printed.text)?.[1];
      if (!found) return;
      clearTimeout(timer);
      // This one only: whoever waits for the end listens too, and more lines come.
      child.off('exit', early);
      resolve(found);
    });
  });
}

function told(child: ChildProcess, wanted: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the server ended before it said so'));
    const hear = (message: unknown): void => {
      if (JSON.stringify(message) !== JSON.stringify(wanted)) return;
      child.off('message', hear).off('exit', gone);
      resolve();
    };
    child.on('message', hear).once('exit', gone);
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  return (await ended)[0];
}
