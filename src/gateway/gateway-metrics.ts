import { Counter, Gauge, type Registry } from 'prom-client';

/** What the gateway counts. */
export class GatewayMetrics {
  private readonly refusals: Counter<'code'>;
  private readonly echoes: Counter<'where'>;

  constructor(registry: Registry, openCalls: () => number) {
    this.refusals = new Counter({
      name: 'caracal_gateway_refusals_total',
      help: 'Calls that the gateway itself refused or failed, by Caracal-Error.',
      labelNames: ['code'],
      registers: [registry],
    });
    this.echoes = new Counter({
      name: 'caracal_gateway_credential_echoes_total',
      help: 'Answers of upstreams that held an injected secret.',
      labelNames: ['where'],
      registers: [registry],
    });
    new Gauge({
      name: 'caracal_gateway_open_calls',
      help: 'Calls whose answer is under way.',
      registers: [registry],
      collect() {
        this.set(openCalls());
      },
    });
  }

  refused(code: string): void {
    this.refusals.inc({ code });
  }

  echoed(where: 'header' | 'body'): void {
    this.echoes.inc({ where });
  }
}
