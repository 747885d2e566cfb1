import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { startApp, type RunningApp } from '../../src/create-app.js';
import { loadConfig } from '../../src/platform/config/index.js';
import { createLogger } from '../../src/platform/logging/index.js';
import { loadSecrets, type Secrets } from '../../src/platform/secrets/index.js';
import { createEmptyDatabase, TEST_DATABASE_PASSWORD } from './database.js';
import { newDataDir } from './server.js';

/** The whole server in this process, on a database of its own, as the shipped roles. */
export interface TestApp {
  readonly url: string;
  readonly adminToken: string;
  readonly dataDir: string;
  /** Superuser DSN of its database: for inspection and tampering only. */
  readonly dsn: string;
  readonly secrets: Secrets;
  readonly running: RunningApp;
  /** Log lines so far, one JSON object each. */
  logs(): string;
  /** `fetch` with the admin token and JSON; `body` is serialized. */
  admin(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** A second replica on the same database and secrets. */
  replica(env?: Readonly<Record<string, string>>): Promise<TestApp>;
  close(): Promise<void>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of many shapes; tests assert them
  readonly body: any;
}

interface Shared {
  readonly dsn: string;
  /** The same database, by the way that the server takes to it. */
  readonly serverDsn?: string;
  readonly dataDir: string;
  readonly drop: () => Promise<void>;
}

/** Boots the server. `env` overrides its environment; loopback upstreams are allowed unless it says otherwise. */
export async function startTestApp(
  env: Readonly<Record<string, string>> = {},
  by: (dsn: string) => Promise<string> = (dsn) => Promise.resolve(dsn),
): Promise<TestApp> {
  const { dsn, drop } = await createEmptyDatabase();
  const dataDir = await newDataDir();
  return boot({ dsn, serverDsn: await by(dsn), dataDir, drop }, env);
}

async function boot(shared: Shared, env: Readonly<Record<string, string>>): Promise<TestApp> {
  const config = loadConfig({
    PORT: '0',
    DATA_DIR: shared.dataDir,
    DATABASE_URL: shared.dsn,
    DATABASE_MIGRATE_URL: shared.dsn,
    DATABASE_PASSWORD: TEST_DATABASE_PASSWORD,
    EGRESS_ALLOW_LOOPBACK: 'true',
    LOG_LEVEL: 'info',
    // That an answer may be too late is tested by itself as well.
    DATABASE_TIMEOUT: '60000',
    // Far beyond what a busy machine leaves between two polls; that a stale view refuses is tested on the feed itself.
    VIEW_MAX_STALENESS: '20000',
    // That a late loop sheds is tested by itself; a busy machine must not decide what other tests see.
    MAX_LOOP_DELAY: '0',
    ...env,
  });
  const lines: string[] = [];
  const log = createLogger(config, { write: (line: string) => void lines.push(line) });
  const secrets = await loadSecrets(config, { mayGenerate: true });
  const databaseUrl = shared.serverDsn ?? shared.dsn;
  const running = await startApp({ config, secrets, log, databaseUrl, migrateUrl: shared.dsn });
  const adminToken = secrets.adminToken.reveal();
  const replicas: TestApp[] = [];
  return {
    url: running.url,
    adminToken,
    dataDir: shared.dataDir,
    dsn: shared.dsn,
    secrets,
    running,
    logs: () => lines.join(''),
    admin: (method, path, body, headers = {}) =>
      call(running.adminUrl ?? running.url, {
        method,
        path,
        body,
        headers: { authorization: `Bearer ${adminToken}`, ...headers },
      }),
    replica: async (more = {}) => {
      const replica = await boot({ ...shared, drop: async () => undefined }, { ...env, ...more });
      replicas.push(replica);
      return replica;
    },
    close: async () => {
      for (const replica of replicas) await replica.running.close(1_000);
      await running.close(1_000);
      await shared.drop();
      await rm(shared.dataDir, { recursive: true, force: true });
    },
  };
}

/** One request with an optional JSON body; the answer's body is parsed when it is JSON. */
export async function call(
  base: string,
  request: { method: string; path: string; body?: unknown; headers?: Readonly<Record<string, string>> },
): Promise<TestAnswer> {
  const json = request.body !== undefined;
  const response = await fetch(`${base}${request.path}`, {
    method: request.method,
    redirect: 'manual',
    headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...request.headers },
    ...(json ? { body: JSON.stringify(request.body) } : {}),
  });
  const text = await response.text();
  const parsed =
    /json/.test(response.headers.get('content-type') ?? '') && text !== '' ? (JSON.parse(text) as unknown) : text;
  return { status: response.status, headers: response.headers, body: parsed };
}

/** A suffix that makes names of this run unique. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}
