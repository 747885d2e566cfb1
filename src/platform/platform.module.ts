import {
  type DynamicModule,
  Global,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type Provider,
} from '@nestjs/common';
import { Registry } from 'prom-client';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { ChangeFeed, FeedFollower } from './changes/index.js';
import { APP_CONFIG, type AppConfig, VERSION } from './config/index.js';
import { Database } from './database/index.js';
import {
  EgressClient,
  EgressGuard,
  parsePortRange,
  RESOLVER,
  ServerResolver,
  SystemResolver,
  type Resolver,
} from './egress/index.js';
import { LoadWatch } from './load/index.js';
import { APP_LOGGER, type AppLogger } from './logging/index.js';
import { OutboxRelay } from './outbox/index.js';
import { createQueues, DeadLetters, QueueMetrics, Queues } from './queue/index.js';
import { Replicas } from './replicas/index.js';
import { Retention } from './retention/index.js';
import { Envelope, SECRETS, type Secrets } from './secrets/index.js';
import { RedisBuckets, SHARED_BUCKETS, type SharedBucketsHolder } from './shared-buckets/index.js';
import { systemClock } from './system-clock.js';
import { PublicUrls } from './urls/index.js';

/** What exists before the application does. */
export interface PlatformParts {
  readonly config: AppConfig;
  readonly secrets: Secrets;
  readonly log: AppLogger;
  /** Opened, on a migrated schema. */
  readonly database: Database;
}

type Queueing = ReturnType<typeof createQueues>;
const QUEUEING = Symbol('Queueing');

const changeProviders: Provider[] = [
  {
    provide: ChangeFeed,
    inject: [Database, CLOCK, APP_CONFIG, APP_LOGGER],
    useFactory: (database: Database, clock: Clock, config: AppConfig, log: AppLogger) =>
      new ChangeFeed({
        database,
        clock,
        maxStalenessMs: config.view.maxStalenessMs,
        onFault: (error) => log.warn({ err: error }, 'the change feed could not be read'),
      }),
  },
  {
    provide: FeedFollower,
    inject: [ChangeFeed, Database, APP_CONFIG],
    useFactory: (feed: ChangeFeed, database: Database, config: AppConfig) =>
      new FeedFollower(feed, database, config.view.pollMs),
  },
];

const queueProviders: Provider[] = [
  { provide: QueueMetrics, inject: [Registry], useFactory: (registry: Registry) => new QueueMetrics(registry) },
  { provide: QUEUEING, inject: [Database, SECRETS, APP_CONFIG, QueueMetrics, CLOCK], useFactory: makeQueueing },
  { provide: Queues, inject: [QUEUEING], useFactory: (queueing: Queueing) => queueing.queues },
  { provide: DeadLetters, inject: [QUEUEING], useFactory: (queueing: Queueing) => queueing.deadLetters },
  {
    provide: OutboxRelay,
    inject: [Database, Queues, QueueMetrics, CLOCK],
    useFactory: (database: Database, queues: Queues, observer: QueueMetrics, clock: Clock) =>
      new OutboxRelay({ database, queues, observer, clock }),
  },
];

const retention: Provider = {
  provide: Retention,
  inject: [Database, Registry],
  useFactory: (database: Database, registry: Registry) => new Retention(database, registry),
};

const replicas: Provider = {
  provide: Replicas,
  inject: [Database, APP_LOGGER],
  useFactory: (database: Database, log: AppLogger) =>
    new Replicas({
      database,
      version: VERSION,
      onFault: (error) => log.warn({ err: error }, 'this replica could not show itself'),
    }),
};

const sharedBuckets: Provider = {
  provide: SHARED_BUCKETS,
  inject: [APP_CONFIG, APP_LOGGER],
  useFactory: ({ redis }: AppConfig, log: AppLogger): SharedBucketsHolder => ({
    buckets:
      redis.url === undefined
        ? undefined
        : new RedisBuckets(redis.url, (error) => log.warn({ err: error }, 'calls are counted by each replica alone')),
  }),
};

const edgeProviders: Provider[] = [
  { provide: CLOCK, useValue: systemClock },
  { provide: Registry, useFactory: () => new Registry() },
  {
    provide: RESOLVER,
    inject: [APP_CONFIG],
    useFactory: ({ egress }: AppConfig) =>
      egress.dnsServers.length > 0 ? new ServerResolver(egress.dnsServers) : new SystemResolver(),
  },
  {
    provide: PublicUrls,
    inject: [APP_CONFIG],
    useFactory: (config: AppConfig) => new PublicUrls(config.http.publicUrl),
  },
  {
    provide: LoadWatch,
    inject: [CLOCK, Registry, APP_CONFIG],
    useFactory: (clock: Clock, registry: Registry, { http }: AppConfig) =>
      new LoadWatch({ clock, registry, limitMs: http.maxLoopDelayMs }),
  },
  { provide: Envelope, inject: [SECRETS], useFactory: (secrets: Secrets) => new Envelope(secrets.kek) },
  {
    provide: EgressGuard,
    inject: [APP_CONFIG, RESOLVER, Database],
    useFactory: makeEgressGuard,
  },
  {
    provide: EgressClient,
    inject: [EgressGuard],
    useFactory: (guard: EgressGuard) => new EgressClient(guard),
  },
];

/** The adapters that know no feature. Global: every module may ask for what the platform offers. */
@Global()
@Module({})
export class PlatformModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly follower: FeedFollower,
    private readonly queues: Queues,
    private readonly relay: OutboxRelay,
    private readonly retention: Retention,
    private readonly replicas: Replicas,
    @Inject(SHARED_BUCKETS) private readonly shared: SharedBucketsHolder,
  ) {}

  static forRoot(parts: PlatformParts): DynamicModule {
    const given: Provider[] = [
      { provide: APP_CONFIG, useValue: parts.config },
      { provide: SECRETS, useValue: parts.secrets },
      { provide: APP_LOGGER, useValue: parts.log },
      { provide: Database, useValue: parts.database },
    ];
    const providers = [
      ...given,
      ...edgeProviders,
      ...changeProviders,
      ...queueProviders,
      retention,
      replicas,
      sharedBuckets,
    ];
    return {
      module: PlatformModule,
      providers,
      exports: providers.map((provider) => (provider as { provide: symbol }).provide),
    };
  }

  /** After every module has subscribed and registered its handlers. */
  async onApplicationBootstrap(): Promise<void> {
    this.retention.schedule(this.queues);
    await this.follower.start();
    this.queues.start();
    this.relay.start();
    await this.replicas.start();
  }

  onModuleDestroy(): void {
    this.replicas.stop();
    this.shared.buckets?.close();
  }
}

function makeQueueing(
  ...[database, secrets, config, observer, clock]: [Database, Secrets, AppConfig, QueueMetrics, Clock]
): Queueing {
  const { url: redisUrl } = config.redis;
  return createQueues({
    database,
    secrets: [secrets.queueHmac],
    observer,
    clock,
    ...(redisUrl === undefined ? {} : { redisUrl }),
  });
}

function makeEgressGuard(config: AppConfig, resolver: Resolver, database: Database): EgressGuard {
  const grantable = config.egress.grantable.flatMap(({ cidr, port }) => parsePortRange(`${cidr}:${port}`) ?? []);
  const guard = new EgressGuard(
    { allowLoopback: config.egress.allowLoopback, grantable, production: config.production },
    resolver,
  );
  const { host, port } = database.connectionOptions('caracal_app');
  if (!host.startsWith('/')) guard.protect({ host, port });
  if (config.redis.url) {
    const redis = new URL(config.redis.url);
    guard.protect({ host: redis.hostname, port: Number(redis.port || 6379) });
  }
  return guard;
}
