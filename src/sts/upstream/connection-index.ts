import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ChangeFeed } from '../../platform/changes/index.js';
import { Database } from '../../platform/database/index.js';
import { type Serving, servingConnection } from '../persistence/connection-rows.js';
import { UpstreamTokenError } from './upstream-token-error.js';

const MOST_KNOWN = 65_536;
const ATTEMPTS = 3;

/** Which connection serves whom, in memory; the change feed takes away what no longer holds, here before the change is answered. */
@Injectable()
export class ConnectionIndex {
  private readonly known = new LRUCache<string, { readonly serving: Serving | undefined }>({ max: MOST_KNOWN });
  /** Moves with every change of a zone's connections: what was read before it is not kept. */
  private readonly moves = new Map<string, number>();
  private readonly listeners: ((zone: string) => void)[] = [];

  constructor(
    private readonly database: Database,
    feed: ChangeFeed,
  ) {
    feed.subscribe(['connection'], (zone) => this.forget(zone));
    feed.onReset((zone) => this.forget(zone));
  }

  /** `listener` hears when anything about a zone's connections changed, after it took effect here. */
  onChanged(listener: (zone: string) => void): void {
    this.listeners.push(listener);
  }

  /** The connection that serves the subject at the provider, whatever its state; a warm answer reads nothing. */
  async serving(zone: string, provider: string, subject: string): Promise<Serving | undefined> {
    const key = JSON.stringify([zone, provider, subject]);
    const held = this.known.get(key);
    if (held) return held.serving;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = this.moves.get(zone);
      const serving = await this.database.readZone(zone, (tx) => servingConnection(tx, provider, subject));
      if (this.moves.get(zone) !== before) continue;
      this.known.set(key, { serving });
      return serving;
    }
    throw new UpstreamTokenError('connections_moving');
  }

  private forget(zone: string): void {
    this.moves.set(zone, (this.moves.get(zone) ?? 0) + 1);
    const prefix = `[${JSON.stringify(zone)},`;
    for (const key of [...this.known.keys()]) if (key.startsWith(prefix)) this.known.delete(key);
    for (const listener of this.listeners) listener(zone);
  }
}
