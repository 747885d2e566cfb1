import { LRUCache } from 'lru-cache';
import { AppError } from '../../kernel/app-error.js';

const PER_MINUTE = 120;
const WINDOW_MS = 60_000;
const MOST_APPLICATIONS = 10_000;

interface Window {
  readonly since: number;
  count: number;
}

/** How many commands an application may give in a minute on this replica; administration is no bulk interface. */
export class InvocationRates {
  private readonly windows = new LRUCache<string, Window>({ max: MOST_APPLICATIONS });

  /** `now` is a monotonic clock in milliseconds. */
  constructor(private readonly now: () => number) {}

  /** Throws `rate_limited` when the application has had its share of this minute. */
  take(application: string): void {
    const now = this.now();
    const held = this.windows.get(application);
    const window = held && now - held.since < WINDOW_MS ? held : { since: now, count: 0 };
    window.count += 1;
    this.windows.set(application, window);
    if (window.count <= PER_MINUTE) return;
    const retryAfter = Math.ceil((WINDOW_MS - (now - window.since)) / 1_000);
    const quota = { name: 'commands', perMinute: PER_MINUTE };
    throw new AppError('rate_limited', 'Too many commands; try again later.', { retryAfter, quota });
  }
}
