import { Global, Module } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { ChangeFeed } from '../changes/index.js';
import { APP_CONFIG, type AppConfig } from '../config/index.js';
import { Database } from '../database/index.js';
import { Queues } from '../queue/index.js';
import { HealthController } from './health.controller.js';
import { registerPlatformChecks } from './platform-checks.js';
import { Readiness } from './readiness.js';

/** Liveness and readiness. Every module may register checks with {@link Readiness}. */
@Global()
@Module({
  controllers: [HealthController],
  providers: [
    {
      provide: Readiness,
      inject: [Database, Queues, ChangeFeed, CLOCK, APP_CONFIG],
      useFactory: makeReadiness,
    },
  ],
  exports: [Readiness],
})
export class HealthModule {}

function makeReadiness(
  ...[database, queues, feed, clock, config]: [Database, Queues, ChangeFeed, Clock, AppConfig]
): Readiness {
  const readiness = new Readiness(clock);
  registerPlatformChecks(readiness, { database, queues, feed, clock, maxStalenessMs: config.view.maxStalenessMs });
  return readiness;
}
