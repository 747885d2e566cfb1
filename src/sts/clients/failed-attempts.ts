import { LRUCache } from 'lru-cache';

interface Window {
  readonly startedAt: number;
  failures: number;
}

/** Per client, address and minute. */
export const MOST_FAILURES = 100;
const WINDOW_MS = 60_000;
const MOST_REMEMBERED = 50_000;

/** One client, real or not, as tried from one address. */
export interface Attempt {
  readonly zone: string;
  readonly client: string;
  readonly address: string;
}

/**
 * Counts failed client authentication per client and address: who fails a hundred times within a minute waits for the minute's end. The same client
 * from another address is not touched, so nobody can lock a client out; an unknown client is counted like a known one.
 */
export class FailedAttempts {
  private readonly windows = new LRUCache<string, Window>({ max: MOST_REMEMBERED });

  /** Seconds to wait before the next attempt is looked at; undefined when it may be made now. */
  waitFor(attempt: Attempt, now: number): number | undefined {
    const window = this.current(attempt, now);
    if (!window || window.failures < MOST_FAILURES) return undefined;
    return Math.max(1, Math.ceil((window.startedAt + WINDOW_MS - now) / 1000));
  }

  failed(attempt: Attempt, now: number): void {
    const window = this.current(attempt, now);
    if (window) window.failures += 1;
    else this.windows.set(keyOf(attempt), { startedAt: now, failures: 1 });
  }

  private current(attempt: Attempt, now: number): Window | undefined {
    const window = this.windows.get(keyOf(attempt));
    return window && now - window.startedAt < WINDOW_MS ? window : undefined;
  }
}

/** Of an IPv6 address the /64 counts: its holder has all the others in it. */
function keyOf({ zone, client, address }: Attempt): string {
  return JSON.stringify([zone, client.slice(0, 255), address.includes('.') ? address : networkOf(address)]);
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::', 2);
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const middle = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...middle, ...right].slice(0, 4).join(':');
}
