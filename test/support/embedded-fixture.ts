import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { loadConfig } from '../../src/platform/config/index.js';
import { startEmbedded, type EmbeddedDatabase } from '../../src/platform/embedded/index.js';
import { createLogger } from '../../src/platform/logging/index.js';
import { loadSecrets } from '../../src/platform/secrets/index.js';
import { OwnerProcess } from './embedded-process.js';

const ELSEWHERE = '/var/lib/caracal/';

/** A place for data directories of embedded databases, in this process and in others, that leaves nothing behind. */
export class EmbeddedFixture {
  readonly root = mkdtempSync(join(tmpdir(), 'caracal-embedded-'));
  /** The usual data directory; not made yet. */
  readonly dataDir = join(this.root, 'data');
  private readonly lines: string[] = [];
  private readonly running: EmbeddedDatabase[] = [];
  private readonly owners: OwnerProcess[] = [];
  private readonly elsewhere = new Set<string>();

  constructor() {
    chmodSync(this.root, 0o755);
  }

  /** Everything that was logged in this process. */
  get log(): string {
    return this.lines.join('');
  }

  async start(dataDir = this.dataDir): Promise<EmbeddedDatabase> {
    const config = loadConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'debug' });
    const log = createLogger(config, { write: (line) => this.lines.push(line) });
    const embedded = await startEmbedded(config, await loadSecrets(config, { mayGenerate: true }), log);
    this.running.push(embedded);
    if (embedded.cluster.startsWith(ELSEWHERE)) this.elsewhere.add(dirname(embedded.cluster));
    return embedded;
  }

  async stop(embedded: EmbeddedDatabase): Promise<void> {
    this.running.splice(this.running.indexOf(embedded), 1);
    await embedded.stop();
  }

  /** A process of its own that owns the data directory. */
  own(dataDir = this.dataDir, account?: { uid: number; gid: number }): OwnerProcess {
    const owner = new OwnerProcess(dataDir, account);
    this.owners.push(owner);
    return owner;
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.running.splice(0).map((embedded) => embedded.stop()));
    await Promise.all(this.owners.splice(0).map((owner) => owner.end('SIGKILL')));
    // An owner that was killed leaves its database running; the next owner ends it.
    if (statSync(join(this.dataDir, 'postgres', 'postmaster.pid'), { throwIfNoEntry: false })) {
      await (await this.start()).stop();
    }
    [this.root, ...this.elsewhere].forEach((path) => rmSync(path, { recursive: true, force: true }));
  }
}

export async function query<T extends object = Record<string, unknown>>(dsn: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: dsn });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
