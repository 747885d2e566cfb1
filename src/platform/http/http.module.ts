import { Global, Module } from '@nestjs/common';
import { Database } from '../database/index.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { IdempotencyStore } from './idempotency/idempotency-store.js';
import { PRIOR_EFFECTS, type PriorEffects } from './idempotency/prior-effects.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { OpenApiDocument } from './openapi/openapi-document.js';
import { ProblemsController } from './problems.controller.js';

/** What controllers of every module use of the edge. */
@Global()
@Module({
  controllers: [ProblemsController, OpenApiController],
  providers: [
    {
      provide: IdempotencyStore,
      inject: [Database, PRIOR_EFFECTS],
      useFactory: (database: Database, prior: PriorEffects) => new IdempotencyStore(database, prior),
    },
    IdempotencyInterceptor,
    OpenApiDocument,
  ],
  exports: [IdempotencyStore, IdempotencyInterceptor],
})
export class HttpModule {}
