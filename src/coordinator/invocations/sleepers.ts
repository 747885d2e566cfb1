/** One wait that has been prepared: what wakes it counts from then on. */
export interface Sleep {
  /** Resolves when woken, when the time is over, or when whoever waits has gone. */
  atMost(ms: number, gone: AbortSignal): Promise<void>;
  cancel(): void;
}

/** A timer's longest delay; a longer sleep ends early and its owner looks again. */
const LONGEST_MS = 60_000;

/** Those who wait for something to happen in a zone. */
export class Sleepers {
  private readonly zones = new Map<string, Set<() => void>>();
  private closed = false;

  get open(): boolean {
    return !this.closed;
  }

  /** How many wait in all. */
  get size(): number {
    return [...this.zones.values()].reduce((sum, sleepers) => sum + sleepers.size, 0);
  }

  wake(zone: string): void {
    for (const rouse of this.zones.get(zone) ?? []) rouse();
  }

  /** Wakes everybody, for good. */
  close(): void {
    this.closed = true;
    for (const zone of [...this.zones.keys()]) this.wake(zone);
  }

  prepare(zone: string): Sleep {
    let rouse: () => void = () => undefined;
    const woken = new Promise<void>((resolve) => (rouse = resolve));
    const sleepers = this.zones.get(zone) ?? new Set();
    this.zones.set(zone, sleepers.add(rouse));
    const cancel = (): void => {
      sleepers.delete(rouse);
      if (sleepers.size === 0 && this.zones.get(zone) === sleepers) this.zones.delete(zone);
    };
    return {
      cancel,
      atMost: async (ms, gone) => {
        const timer = setTimeout(rouse, Math.min(ms, LONGEST_MS));
        gone.addEventListener('abort', rouse);
        if (gone.aborted || this.closed) rouse();
        await woken;
        clearTimeout(timer);
        gone.removeEventListener('abort', rouse);
        cancel();
      },
    };
  }
}
