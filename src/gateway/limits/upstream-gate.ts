import { GatewayError } from '../domain/gateway-error.js';
import { Circuit } from '../domain/limits/circuit.js';
import { Bulkhead } from './bulkhead.js';

export interface UpstreamGateParts {
  /** Calls under way at the same time. */
  readonly most: number;
  readonly patienceMs: number;
  /** Monotonic. */
  readonly now: () => number;
}

/** What a call that has ended says about its upstream; undefined when it says nothing. */
export type UpstreamSign = 'answered' | 'failed' | undefined;

/** How a call ended. */
interface Ended {
  readonly status?: number | undefined;
  readonly error?: Error | undefined;
}

/** Any answer shows that an upstream is there; only its silence shows that it is not. */
export function signOf({ status, error }: Ended): UpstreamSign {
  if (status !== undefined) return 'answered';
  const code = error instanceof GatewayError ? error.code : undefined;
  return code === 'upstream_unavailable' || code === 'upstream_timeout' ? 'failed' : undefined;
}

/** In front of one upstream: a bounded number of calls at once, and none while it is known to be down. */
export class UpstreamGate {
  private readonly bulkhead: Bulkhead;
  private readonly circuit = new Circuit();

  constructor(private readonly parts: UpstreamGateParts) {
    this.bulkhead = new Bulkhead(parts.most, parts.patienceMs);
  }

  /** Refuses with `overloaded` or `upstream_unavailable`. Every resolution must be followed by {@link leave}. */
  async enter(): Promise<void> {
    await this.bulkhead.enter();
    const wait = this.circuit.admit(this.parts.now());
    if (wait === undefined) return;
    this.bulkhead.leave();
    throw new GatewayError('upstream_unavailable', { retryAfter: wait, detail: 'the circuit is open' });
  }

  leave(sign: UpstreamSign): void {
    this.bulkhead.leave();
    if (sign === 'answered') this.circuit.succeeded();
    else if (sign === 'failed') this.circuit.failed(this.parts.now());
    else this.circuit.abandoned();
  }
}
