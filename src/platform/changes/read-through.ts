import { LRUCache } from 'lru-cache';

/** Reads many keys of one zone at once; keys that do not exist are absent from the answer. */
export type ReadMany<V> = (zone: string, ids: readonly string[]) => Promise<ReadonlyMap<string, V>>;

interface Flight<V> {
  readonly value: Promise<V | undefined>;
  /** A change of the key was applied while it was being read: what was read may be older. */
  stale: boolean;
}

interface Batch<V> {
  readonly ids: string[];
  readonly rows: Promise<ReadonlyMap<string, V>>;
}

const SEPARATOR = '\n';

/**
 * A bounded cache in front of the database. It never keeps what was read before a change of the same key was applied, so a value in it is
 * never older than the feed. Reads that start in one turn of the loop are one query.
 */
export class ReadThrough<V extends object> {
  private readonly cache: LRUCache<string, V>;
  private readonly flights = new Map<string, Flight<V>>();
  private readonly batches = new Map<string, Batch<V>>();

  constructor(
    max: number,
    private readonly readMany: ReadMany<V>,
  ) {
    this.cache = new LRUCache({ max });
  }

  /** What is at hand, without reading. */
  peek(zone: string, id: string): V | undefined {
    return this.cache.get(keyOf(zone, id));
  }

  /** What is at hand, else what the database says; undefined when it does not exist. */
  async get(zone: string, id: string): Promise<V | undefined> {
    return this.peek(zone, id) ?? (await this.read(zone, id));
  }

  /** Reads the key again, whatever is at hand. */
  reread(zone: string, id: string): Promise<V | undefined> {
    this.drop(zone, id);
    return this.read(zone, id);
  }

  /** The key has changed. */
  drop(zone: string, id: string): void {
    const key = keyOf(zone, id);
    this.cache.delete(key);
    const flight = this.flights.get(key);
    if (flight) flight.stale = true;
    this.flights.delete(key);
  }

  /** Nothing that is held for the zone may be trusted any more. */
  dropZone(zone: string): void {
    const prefix = keyOf(zone, '');
    for (const key of this.cache.keys()) if (key.startsWith(prefix)) this.cache.delete(key);
    for (const [key, flight] of this.flights) {
      if (!key.startsWith(prefix)) continue;
      flight.stale = true;
      this.flights.delete(key);
    }
  }

  private read(zone: string, id: string): Promise<V | undefined> {
    const key = keyOf(zone, id);
    const running = this.flights.get(key);
    if (running) return running.value;
    const flight: Flight<V> = { stale: false, value: this.fill(zone, id, () => flight) };
    this.flights.set(key, flight);
    return flight.value;
  }

  private async fill(zone: string, id: string, self: () => Flight<V>): Promise<V | undefined> {
    try {
      const value = (await this.batched(zone, id)).get(id);
      if (self().stale) return await this.read(zone, id);
      if (value) this.cache.set(keyOf(zone, id), value);
      return value;
    } finally {
      const key = keyOf(zone, id);
      if (this.flights.get(key) === self()) this.flights.delete(key);
    }
  }

  private batched(zone: string, id: string): Promise<ReadonlyMap<string, V>> {
    const open = this.batches.get(zone);
    if (open) {
      open.ids.push(id);
      return open.rows;
    }
    const ids = [id];
    const rows = nextTurn().then(() => {
      this.batches.delete(zone);
      return this.readMany(zone, ids);
    });
    this.batches.set(zone, { ids, rows });
    return rows;
  }
}

function keyOf(zone: string, id: string): string {
  return `${zone}${SEPARATOR}${id}`;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
