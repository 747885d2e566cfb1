import { LRUCache } from 'lru-cache';
import { isJsonObject, type JsonObject, parseJsonStrict } from '../../kernel/json.js';

/** Fetches the document with the keys of a place, whatever leads there; throws when it cannot be had. */
export type FetchKeySet = (place: string) => Promise<{ readonly status: number; readonly body: Buffer }>;

interface KeySet {
  readonly keys: readonly JsonObject[];
  readonly fetchedAt: number;
}

/** Keys are taken as they are for this long. */
const FRESH_MS = 300_000;
/** When the place does not answer, what it last said counts for this long. */
const STALE_MS = 3_600_000;
/** Between two fetches of one kind, whatever their outcome and whoever asks. */
const INTERVAL_MS = 30_000;
const MOST_KEYS = 32;
const MOST_SETS = 10_000;
const MAX_DEPTH = 8;
const PRIVATE_MEMBERS = ['d', 'k', 'p', 'q'];

/**
 * Key sets that others publish: clients (RFC 7591 §2 `jwks_uri`), OpenID providers. One fetch at a time per place; per interval at most one because
 * nothing fresh is held, and one because of a key that is not known yet: nobody makes the server knock at a place as often as they like, and
 * a rotation right after the first look is noticed all the same.
 */
export class RemoteKeys {
  private readonly sets = new LRUCache<string, KeySet>({ max: MOST_SETS });
  private readonly attempts = new LRUCache<string, number>({ max: MOST_SETS });
  private readonly earlyAttempts = new LRUCache<string, number>({ max: MOST_SETS });
  private readonly flights = new Map<string, Promise<void>>();

  constructor(
    private readonly fetchKeySet: FetchKeySet,
    private readonly monotonic: () => number,
  ) {}

  /** The keys of a place; undefined when they cannot be had. `isEnough` says whether they serve: if not, they are fetched early, once per interval. */
  async at(
    place: string,
    isEnough: (keys: readonly JsonObject[]) => boolean,
  ): Promise<readonly JsonObject[] | undefined> {
    const held = this.held(place, FRESH_MS);
    if (held && isEnough(held)) return held;
    const attempts = held ? this.earlyAttempts : this.attempts;
    if (this.flights.has(place) || this.mayFetch(attempts, place)) await this.refresh(attempts, place);
    return this.held(place, STALE_MS);
  }

  private held(place: string, maxAgeMs: number): readonly JsonObject[] | undefined {
    const set = this.sets.get(place);
    return set && this.monotonic() - set.fetchedAt < maxAgeMs ? set.keys : undefined;
  }

  private mayFetch(attempts: LRUCache<string, number>, place: string): boolean {
    const last = attempts.get(place);
    return last === undefined || this.monotonic() - last >= INTERVAL_MS;
  }

  private refresh(attempts: LRUCache<string, number>, place: string): Promise<void> {
    const running = this.flights.get(place);
    if (running) return running;
    attempts.set(place, this.monotonic());
    const flight = this.fetch(place).finally(() => this.flights.delete(place));
    this.flights.set(place, flight);
    return flight;
  }

  /** Never rejects: a place that does not answer properly leaves what is held as it is. */
  private async fetch(place: string): Promise<void> {
    try {
      const { status, body } = await this.fetchKeySet(place);
      const keys = status === 200 ? keysIn(body) : undefined;
      if (keys) this.sets.set(place, { keys, fetchedAt: this.monotonic() });
    } catch {
      // Whoever asked is refused for want of a key; the next interval asks again.
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
