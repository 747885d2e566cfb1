import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../kernel/clock.js';
import { LoopDelay } from './loop-delay.js';

const EVERY_MS = 50;

export interface LoadWatchParts {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly registry: Registry;
  /** From this delay of the event loop on there is too much to do; 0 says that there never is. */
  readonly limitMs: number;
}

/** Whether this process has more to do than it can do in time. Then it is better to refuse at once than to answer when nobody waits any more. */
export class LoadWatch implements OnModuleInit, OnModuleDestroy {
  private readonly delay: LoopDelay;
  private readonly refused: Counter;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: LoadWatchParts) {
    this.delay = new LoopDelay(EVERY_MS, parts.clock.monotonic());
    this.refused = new Counter({
      name: 'caracal_shed_requests_total',
      help: 'Requests that were refused because the event loop was late.',
      registers: [parts.registry],
    });
    new Gauge({
      name: 'caracal_loop_delay_seconds',
      help: 'By how much the event loop is late and stays late.',
      registers: [parts.registry],
      collect: watching(this.delay),
    });
  }

  onModuleInit(): void {
    this.timer = setInterval(() => this.delay.called(this.parts.clock.monotonic()), EVERY_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** True when a request that has just come must be refused; counts it. */
  sheds(): boolean {
    const { limitMs } = this.parts;
    if (limitMs === 0 || this.delay.lasting < limitMs) return false;
    this.refused.inc();
    return true;
  }
}

function watching(delay: LoopDelay): (this: Gauge) => void {
  return function () {
    this.set(delay.lasting / 1_000);
  };
}
