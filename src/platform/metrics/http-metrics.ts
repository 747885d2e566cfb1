import { Histogram, type Registry } from 'prom-client';
import type { RequestMeter } from '../http/index.js';

/** How long requests take, by route; a route's label is its pattern, so that ids do not become labels. */
export class HttpMetrics implements RequestMeter {
  private readonly duration: Histogram<'method' | 'route' | 'status'>;

  constructor(registry: Registry) {
    this.duration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests from the first byte of the request to the last of the answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  }

  observe({
    method,
    route,
    status,
    seconds,
  }: {
    method: string;
    route: string;
    status: number;
    seconds: number;
  }): void {
    this.duration.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, seconds);
  }
}
