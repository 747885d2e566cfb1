import { GatewayError } from '../domain/gateway-error.js';

interface Waiting {
  readonly admit: () => void;
  readonly timer: NodeJS.Timeout;
}

/** Bounds how many calls are under way to one upstream; the others wait their turn for a bounded time (first come, first served). */
export class Bulkhead {
  private running = 0;
  private readonly queue = new Set<Waiting>();

  constructor(
    private readonly most: number,
    private readonly patienceMs: number,
  ) {}

  /** Resolves when there is room; rejects with `overloaded` when there is none in time. Every resolution must be followed by {@link leave}. */
  enter(): Promise<void> | undefined {
    if (this.running < this.most) {
      this.running += 1;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        admit: resolve,
        timer: setTimeout(() => {
          this.queue.delete(waiting);
          reject(new GatewayError('overloaded', { detail: `${this.most} calls under way` }));
        }, this.patienceMs),
      };
      this.queue.add(waiting);
    });
  }

  leave(): void {
    const [next] = this.queue;
    if (next === undefined) {
      this.running -= 1;
      return;
    }
    this.queue.delete(next);
    clearTimeout(next.timer);
    next.admit();
  }
}
