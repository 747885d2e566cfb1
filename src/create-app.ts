import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { AuditLedger, LedgerSweeps, LogSigner, OutcomeSink } from './audit/index.js';
import { ApprovalView } from './control/index.js';
import { ENTITIES } from './entities.js';
import { OpenCalls, registerGateway } from './gateway/index.js';
import { StartError } from './kernel/start-error.js';
import { FeedFollower } from './platform/changes/index.js';
import type { AppConfig } from './platform/config/index.js';
import { compareFingerprints, Database, migrate, parseEndpoint, provision } from './platform/database/index.js';
import { EgressGuard } from './platform/egress/index.js';
import { Readiness } from './platform/health/index.js';
import { createHttpApp, HttpListeners, type ListenerUrls } from './platform/http/index.js';
import { NestLogger, type AppLogger } from './platform/logging/index.js';
import { OutboxRelay } from './platform/outbox/index.js';
import { migrateQueues, Queues } from './platform/queue/index.js';
import { secretFingerprints, type Secrets } from './platform/secrets/index.js';
import { PublicUrls } from './platform/urls/index.js';

/** How long requests that run may go on after SIGTERM; then their connections are cut. */
const DRAIN_MS = 30_000;

export interface AppParts {
  readonly config: AppConfig;
  readonly secrets: Secrets;
  readonly log: AppLogger;
  readonly databaseUrl: string;
  /** With it pending migrations are applied; it is not used afterwards. */
  readonly migrateUrl?: string | undefined;
}

/** A server that answers. */
export interface RunningApp extends ListenerUrls {
  readonly app: NestFastifyApplication;
  /** Drains and gives everything back; a second call waits for the first. */
  close(drainMs?: number): Promise<void>;
}

/** Migrates, opens the database, builds the application and listens. Throws StartError with a reason for the operator. */
export async function startApp(parts: AppParts): Promise<RunningApp> {
  if (parts.migrateUrl !== undefined) await prepareDatabase(parts.migrateUrl, parts.secrets);
  const database = await openDatabase(parts);
  try {
    const app = await buildApp(parts, database);
    const signer = app.get(LogSigner);
    await signer.compare();
    app.get(Readiness).register('ledger_tampered', () => app.get(LedgerSweeps).isSound());
    app.get(Readiness).register('audit_unavailable', () => app.get(AuditLedger).available);
    app.get(Readiness).register('ledger_rollback', () => signer.sound);
    const urls = app.get(PublicUrls);
    const listeners = new HttpListeners(app, () => urls.base());
    const bound = await listeners.listen(parts.config.http, (url) => settleOn(app, url));
    if (bound.adminUrl !== undefined) shield(app, bound.adminUrl);
    signer.start();
    let closing: Promise<void> | undefined;
    const close = (drainMs = DRAIN_MS) => (closing ??= closeApp({ app, listeners, database, drainMs }));
    return { ...bound, app, close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function prepareDatabase(migrateUrl: string, secrets: Secrets): Promise<void> {
  await provision(migrateUrl, secrets.databasePassword.reveal());
  await migrate(migrateUrl, () => migrateQueues(migrateUrl));
}

async function openDatabase({ config, databaseUrl, secrets, log }: AppParts): Promise<Database> {
  const database = new Database({
    endpoint: parseEndpoint(databaseUrl),
    databasePassword: secrets.databasePassword.reveal(),
    entities: ENTITIES,
    patienceMs: config.database.timeoutMs,
  });
  try {
    await database.open();
    const { different, rotated } = await compareFingerprints(database, secretFingerprints(secrets));
    if (different.length > 0)
      throw new StartError(different.map((name) => `the secret ${name} is not the one this database was set up with`));
    for (const name of rotated) log.info({ name }, 'a secret was rotated');
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function buildApp(parts: AppParts, database: Database): Promise<NestFastifyApplication> {
  let app: NestFastifyApplication | undefined;
  return createHttpApp(AppModule.forRoot({ ...parts, database }), {
    settings: parts.config.http,
    base: () => (app as NestFastifyApplication).get(PublicUrls).base(),
    log: parts.log,
    nestLogger: new NestLogger(parts.log),
    registerRaw: (fastify, built) => {
      app = built;
      return registerGateway(fastify, built);
    },
  });
}

/** Nothing has been answered yet: the listener has its port, so the public URL is known. */
function settleOn(app: NestFastifyApplication, url: string): void {
  app.get(PublicUrls).fix(url);
  shield(app, url);
}

/** No upstream may lead back to a listener of ours. */
function shield(app: NestFastifyApplication, url: string): void {
  const { hostname, port } = new URL(url);
  app.get(EgressGuard).protect({ host: hostname, port: Number(port) });
}

interface Closing {
  readonly app: NestFastifyApplication;
  readonly listeners: HttpListeners;
  readonly database: Database;
  readonly drainMs: number;
}

/** From the outside in: first nothing new comes, then what ran has ended, then what it left behind is written, then the connections go. */
async function closeApp({ app, listeners, database, drainMs }: Closing): Promise<void> {
  app.get(Readiness).shutDown();
  app.get(ApprovalView).close();
  await listeners.drain(drainMs, () => app.get(OpenCalls).stop());
  await app.get(OutboxRelay).stop();
  await app.get(OutcomeSink).close();
  await app.get(AuditLedger).close();
  await app.get(LogSigner).stop();
  const queues = app.get(Queues);
  await queues.stop();
  await app.close();
  await app.get(FeedFollower).stop();
  await queues.close();
  await database.close();
}
