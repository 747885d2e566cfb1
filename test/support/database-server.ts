import { fileURLToPath } from 'node:url';
import { call, type TestAnswer } from './app.js';
import { createEmptyDatabase, TEST_DATABASE_PASSWORD } from './database.js';
import { newDataDir, removeDataDir, type ServerProcess, startServer } from './server.js';

const PRELOAD = fileURLToPath(new URL('./steps-preload.mjs', import.meta.url));

/** The built server as processes of its own, one after the other, on one database: it can be held at a step, killed and started again. */
export class DatabaseServer {
  private constructor(
    readonly dsn: string,
    private readonly dataDir: string,
    private readonly drop: () => Promise<void>,
    private running: ServerProcess,
  ) {}

  static async open(): Promise<DatabaseServer> {
    const [{ dsn, drop }, dataDir] = [await createEmptyDatabase(), await newDataDir()];
    return new DatabaseServer(dsn, dataDir, drop, await boot(dsn, dataDir));
  }

  get url(): string {
    return this.running.url;
  }

  get process(): ServerProcess {
    return this.running;
  }

  admin(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TestAnswer> {
    const authorization = `Bearer ${this.running.adminToken}`;
    return call(this.url, { method, path, body, headers: { authorization, ...headers } });
  }

  /** Kills it with signal 9; it listens elsewhere afterwards. */
  async dieAndStart(): Promise<void> {
    await this.running.end('SIGKILL');
    this.running = await boot(this.dsn, this.dataDir);
  }

  async close(): Promise<void> {
    await this.running.end('SIGKILL');
    await this.drop();
    await removeDataDir(this.dataDir);
  }
}

function boot(dsn: string, dataDir: string): Promise<ServerProcess> {
  const env = {
    DATABASE_URL: dsn,
    DATABASE_MIGRATE_URL: dsn,
    DATABASE_PASSWORD: TEST_DATABASE_PASSWORD,
    PUBLIC_URL: 'http://caracal.test',
    EGRESS_ALLOW_LOOPBACK: 'true',
    DATABASE_TIMEOUT: '60000',
    VIEW_MAX_STALENESS: '20000',
  };
  return startServer(dataDir, env, PRELOAD);
}
