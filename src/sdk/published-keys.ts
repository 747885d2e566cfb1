import { isJsonObject, type JsonObject, parseJsonStrict } from '../kernel/json.js';
import { MandateError } from './mandate-error.js';

export interface PublishedKeysOptions {
  readonly url: string;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const FRESH_MS = 300_000;
/** Keys that cannot be fetched again are believed this long; a key that was revoked is not believed longer. */
const USABLE_MS = 900_000;
/** Neither a key id that nobody knows nor an issuer that is down makes the keys be fetched more often than this. */
const REFETCH_MS = 10_000;
const TIMEOUT_MS = 5_000;
const MOST_BYTES = 262_144;

/** The public keys of an issuer (RFC 7517 §5), fetched once for all who ask at the same time and kept while they are fresh. */
export class PublishedKeys {
  private keys: ReadonlyMap<string, JsonObject> = new Map();
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private running: Promise<void> | undefined;

  constructor(private readonly options: PublishedKeysOptions) {}

  /** The key of that id; undefined when the issuer has none. Rejects with `unavailable` when it cannot be asked. */
  async key(kid: string): Promise<JsonObject | undefined> {
    const now = this.options.now();
    if (now - this.fetchedAt < FRESH_MS && this.keys.has(kid)) return this.keys.get(kid);
    if (this.running || now - this.triedAt >= REFETCH_MS) await this.refresh();
    if (this.options.now() - this.fetchedAt >= USABLE_MS)
      throw new MandateError('unavailable', 'the keys of the issuer cannot be fetched');
    return this.keys.get(kid);
  }

  private refresh(): Promise<void> {
    this.running ??= this.fetchKeys().finally(() => (this.running = undefined));
    return this.running;
  }

  private async fetchKeys(): Promise<void> {
    const { url, now } = this.options;
    this.triedAt = now();
    try {
      const init: RequestInit = { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) };
      const answer = await this.options.fetch(url, init);
      const text = await answer.text();
      if (!answer.ok || text.length > MOST_BYTES) return;
      this.keys = keysIn(text);
      this.fetchedAt = now();
    } catch {
      // The keys that are known stay; whether they still count is for their age to say.
    }
  }
}

function keysIn(text: string): ReadonlyMap<string, JsonObject> {
  const document = parseJsonStrict(text);
  const keys = isJsonObject(document) && Array.isArray(document['keys']) ? (document['keys'] as unknown[]) : undefined;
  if (!keys) throw new TypeError('not a JWK set');
  return new Map(
    keys.flatMap((key) => (isJsonObject(key) && typeof key['kid'] === 'string' ? [[key['kid'], key] as const] : [])),
  );
}
