/** Time enters everything that decides through this port. */
export interface Clock {
  /** Wall clock in milliseconds since the epoch. It may jump ahead; within a process it never goes back. */
  now(): number;
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  monotonic(): number;
}

/** Injection token of the process's {@link Clock}. */
export const CLOCK = Symbol('Clock');
