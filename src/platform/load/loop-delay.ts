/**
 * How late an event loop runs, from the times at which a timer was called that should have been called every `everyMs`. What counts is the
 * lateness of the last two calls in a row: one long pause (a collection of garbage, a process that was stopped) is over when it is seen.
 */
export class LoopDelay {
  private last: number;
  private before = 0;
  private latest = 0;

  /** `start` and every `now` are of one monotonic clock, in milliseconds. */
  constructor(
    private readonly everyMs: number,
    start: number,
  ) {
    this.last = start;
  }

  /** The timer was called. */
  called(now: number): void {
    this.before = this.latest;
    this.latest = Math.max(0, now - this.last - this.everyMs);
    this.last = now;
  }

  /** Milliseconds by which the loop is late and stays late. */
  get lasting(): number {
    return Math.min(this.before, this.latest);
  }
}
