import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { StartError } from '../../kernel/start-error.js';
import type { AppConfig } from '../config/index.js';
import type { AppLogger } from '../logging/index.js';
import { ensurePrivateDirectory, replaceSecretFile } from '../secret-files/index.js';
import type { Secrets } from '../secrets/index.js';
import { databaseUrl, fitsSocket, SUPERUSER, type Listening } from './domain/server-settings.js';
import { ensureCluster } from './init-cluster.js';
import { occupy } from './occupation.js';
import type { Placement } from './placement.js';
import { ServerDidNotStart, type ServerExit } from './postmaster.js';
import { ensureDatabase, superuserPassword } from './superuser.js';
import { Supervisor } from './supervisor.js';

const PORT_ATTEMPTS = 5;

/** The PostgreSQL server of this process. */
export interface EmbeddedDatabase {
  /** Of the superuser; for migrating and for the operator, never for serving requests. */
  readonly superuserDsn: string;
  /** Host and database without a login. */
  readonly databaseUrl: string;
  /** Where the cluster is: `DATA_DIR/postgres`, or the place below `/var/lib/caracal` that stands in for it. */
  readonly cluster: string;
  /** Told each time the server ended by itself; it is being started again then. */
  onExit(listener: (exit: ServerExit) => void): void;
  /** Ends the server and gives the data directory free. Close the pools first. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on `DATA_DIR`, made on first use, with a database `caracal`; ends first what a killed owner left running. Rejects with a
 * {@link StartError} that names directory and owner when another process has the directory. Every login is by password, and only from this
 * machine. What was committed before a crash of either process is there afterwards.
 */
export async function startEmbedded(
  config: AppConfig,
  secrets: Pick<Secrets, 'databasePassword'>,
  log: AppLogger,
): Promise<EmbeddedDatabase> {
  const password = superuserPassword(secrets);
  let server: RunningServer | undefined;
  const occupation = await occupy(config.dataDir, log, () => {
    log.fatal({ directory: config.dataDir }, 'the data directory was taken from this process; its database is stopped');
    server?.supervisor.abandon();
  });
  try {
    await ensureCluster(occupation.placement, password);
    server = await startServer(occupation.placement, log);
    await ensureDatabase(server.listening, password);
    const superuserDsn = databaseUrl(server.listening, { user: SUPERUSER, password });
    keepOperatorDsn(config.dataDir, superuserDsn);
    tellStart(occupation.placement, server.listening, log);
    return present(occupation.placement, server, { superuserDsn, release: occupation.release });
  } catch (error) {
    await server?.supervisor.stop();
    occupation.release();
    throw error instanceof ServerDidNotStart ? new StartError([error.message], { cause: error }) : error;
  }
}

interface RunningServer {
  readonly supervisor: Supervisor;
  readonly listening: Listening;
}

async function startServer(placement: Placement, log: AppLogger): Promise<RunningServer> {
  for (let attempt = 1; ; attempt += 1) {
    const listening = await chooseListening(placement.cluster);
    const supervisor = new Supervisor(placement, listening, log);
    try {
      await supervisor.start();
      return { supervisor, listening };
    } catch (error) {
      // Between choosing a port and taking it somebody else can take it.
      if (listening.kind === 'socket' || attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function chooseListening(cluster: string): Promise<Listening> {
  return fitsSocket(cluster) ? { kind: 'socket', directory: cluster } : { kind: 'loopback', port: await freePort() };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ServerDidNotStart && error.reasons.some((reason) => reason.includes('TCP/IP'));
}

function keepOperatorDsn(dataDir: string, dsn: string): void {
  const directory = join(dataDir, 'secrets');
  ensurePrivateDirectory(directory);
  replaceSecretFile(join(directory, 'operator_dsn'), dsn);
}

function tellStart(placement: Placement, listening: Listening, log: AppLogger): void {
  const facts = {
    cluster: placement.cluster,
    binaries: placement.binaries.root,
    uid: placement.account?.uid,
    listening: listening.kind,
  };
  const why =
    placement.elsewhere === undefined
      ? ''
      : `; its OS user cannot reach DATA_DIR or the binaries, so both are in ${placement.elsewhere}`;
  log.info(facts, `embedded PostgreSQL is running${why}`);
}

function present(
  placement: Placement,
  server: RunningServer,
  kept: { superuserDsn: string; release: () => void },
): EmbeddedDatabase {
  const { supervisor, listening } = server;
  return {
    superuserDsn: kept.superuserDsn,
    databaseUrl: databaseUrl(listening),
    cluster: placement.cluster,
    onExit: (listener) => supervisor.onExit(listener),
    stop: async () => {
      await supervisor.stop();
      kept.release();
    },
  };
}
