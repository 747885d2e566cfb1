/** Failures in a row after which an upstream is left alone. */
const MOST_FAILURES = 10;
const SHORTEST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * A circuit breaker: closed until calls fail in a row; open for a time that doubles while nothing changes; half-open for one call that finds out.
 * `now` is a monotonic clock in milliseconds. Every admitted call must be followed by exactly one of `succeeded`, `failed` and `abandoned`.
 */
export class Circuit {
  private failures = 0;
  private opened = 0;
  private openUntil = 0;
  private probing = false;

  /** Undefined when the call may go; otherwise after how many whole seconds to try again. */
  admit(now: number): number | undefined {
    if (this.opened === 0) return undefined;
    if (now < this.openUntil || this.probing) return Math.max(1, Math.ceil((this.openUntil - now) / 1_000));
    this.probing = true;
    return undefined;
  }

  /** The upstream answered, whatever it said. */
  succeeded(): void {
    this.failures = 0;
    this.opened = 0;
    this.probing = false;
  }

  /** The upstream could not be reached or did not answer. A call from before it was opened says nothing new. */
  failed(now: number): void {
    if (this.opened > 0 && now < this.openUntil) return;
    this.failures += 1;
    if (this.opened === 0 && this.failures < MOST_FAILURES) return;
    this.openUntil = now + Math.min(LONGEST_MS, SHORTEST_MS * 2 ** this.opened);
    this.opened += 1;
    this.probing = false;
  }

  /** The call ended without saying anything about the upstream. */
  abandoned(): void {
    this.probing = false;
  }
}
