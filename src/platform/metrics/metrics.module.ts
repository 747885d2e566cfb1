import { Global, Module } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { REQUEST_METER } from '../http/index.js';
import { HttpMetrics } from './http-metrics.js';
import { MetricsController } from './metrics.controller.js';

/** What the process counts. Parts register their own metrics with the injected `Registry`. */
@Global()
@Module({
  controllers: [MetricsController],
  providers: [{ provide: REQUEST_METER, inject: [Registry], useFactory: makeHttpMetrics }],
  exports: [REQUEST_METER],
})
export class MetricsModule {}

function makeHttpMetrics(registry: Registry): HttpMetrics {
  collectDefaultMetrics({ register: registry });
  return new HttpMetrics(registry);
}
