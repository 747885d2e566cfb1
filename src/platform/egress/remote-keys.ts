import { isJsonObject, type JsonObject, parseJsonStrict } from '../../kernel/json.js';
import { LRUCache } from 'lru-cache';

/** Fetches a document; throws when it cannot be had. */
export type FetchKeySet = (url: string) => Promise<{ readonly status: number; readonly body: Buffer }>;

interface KeySet {
  readonly keys: readonly JsonObject[];
  readonly fetchedAt: number;
}

/** Keys are taken as they are for this long. */
const FRESH_MS = 300_000;
/** When the place does not answer, what it last said counts for this long. */
const STALE_MS = 3_600_000;
/** Between two fetches of one URL, whatever their outcome and whoever asks. */
const INTERVAL_MS = 30_000;
const MOST_KEYS = 32;
const MOST_SETS = 10_000;
const MAX_DEPTH = 8;
const PRIVATE_MEMBERS = ['d', 'k', 'p', 'q'];

/**
 * Key sets of clients that publish them (RFC 7591 §2 `jwks_uri`). One fetch at a time per URL and at most one per interval, so that nobody makes
 * the server knock at a place as often as they like; a key that is not known yet causes the next one early.
 */
export class RemoteKeys {
  private readonly sets = new LRUCache<string, KeySet>({ max: MOST_SETS });
  private readonly attempts = new LRUCache<string, number>({ max: MOST_SETS });
  private readonly flights = new Map<string, Promise<void>>();

  constructor(
    private readonly fetchKeySet: FetchKeySet,
    private readonly monotonic: () => number,
  ) {}

  /** The keys at a URL; none when they cannot be had. `isEnough` says whether they serve: if not, they are fetched once more when the interval has passed. */
  async at(url: string, isEnough: (keys: readonly JsonObject[]) => boolean): Promise<readonly JsonObject[]> {
    const held = this.held(url, FRESH_MS);
    if (held && isEnough(held)) return held;
    if (this.mayFetch(url) || this.flights.has(url)) await this.refresh(url);
    return this.held(url, STALE_MS) ?? [];
  }

  private held(url: string, maxAgeMs: number): readonly JsonObject[] | undefined {
    const set = this.sets.get(url);
    return set && this.monotonic() - set.fetchedAt < maxAgeMs ? set.keys : undefined;
  }

  private mayFetch(url: string): boolean {
    const last = this.attempts.get(url);
    return last === undefined || this.monotonic() - last >= INTERVAL_MS;
  }

  private refresh(url: string): Promise<void> {
    const running = this.flights.get(url);
    if (running) return running;
    this.attempts.set(url, this.monotonic());
    const flight = this.fetch(url).finally(() => this.flights.delete(url));
    this.flights.set(url, flight);
    return flight;
  }

  /** Never rejects: a place that does not answer properly leaves what is held as it is. */
  private async fetch(url: string): Promise<void> {
    try {
      const { status, body } = await this.fetchKeySet(url);
      const keys = status === 200 ? keysIn(body) : undefined;
      if (keys) this.sets.set(url, { keys, fetchedAt: this.monotonic() });
    } catch {
      // The client is refused for want of a key; the next interval asks again.
    }
  }
}

/** The public keys of a JWK set (RFC 7517 §5), undefined for anything else. A set with a private or symmetric key in it is refused whole. */
function keysIn(body: Buffer): readonly JsonObject[] | undefined {
  const set = parseJsonStrict(body.toString('utf8'), { maxDepth: MAX_DEPTH });
  const keys = isJsonObject(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) return undefined;
  const objects = keys.filter(isJsonObject);
  return objects.some((key) => PRIVATE_MEMBERS.some((name) => name in key)) ? undefined : objects;
}
