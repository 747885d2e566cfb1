import { type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database, Tx } from '../../platform/database/index.js';
import { newUuid } from '../../platform/ids/index.js';
import { advance, typesOf, untold, type Untold, writeDeliveries } from './persistence/webhook-rows.js';
import { untoldCheckpoints, writeAnchor } from './persistence/checkpoint-rows.js';
import { wants } from './domain/webhook.js';

const EVERY_MS = 500;
const MOST_FEEDS = 100;
const MOST_ENTRIES = 1_000;

/**
 * Follows the ledgers and makes a delivery of each entry that a webhook wants: cursor and messages move in one transaction, so that every entry is told
 * once, whichever replica does it and wherever it stops. Of a log's checkpoints it tells the latest, now and then: an anchor outside of everything that is
 * under it.
 */
export class WebhookFeed implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly onFault: (error: unknown) => void,
  ) {}

  onApplicationBootstrap(): void {
    this.next();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** One round over everything that is untold; answers how many deliveries were made. */
  async tell(): Promise<number> {
    const feeds = await this.database.withSystem('webhooks', (tx) => untold(tx, MOST_FEEDS));
    let made = 0;
    for (const feed of feeds) made += await this.database.withSystem('webhooks', (tx) => tellOne(tx, feed));
    return made + (await this.tellCheckpoints());
  }

  private tellCheckpoints(): Promise<number> {
    return this.database.withSystem('webhooks', async (tx) => {
      let made = 0;
      for (const anchor of await untoldCheckpoints(tx, MOST_FEEDS)) made += await writeAnchor(tx, newUuid(), anchor);
      return made;
    });
  }

  private next(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.tell()
        .then(() => undefined, this.onFault)
        .finally(() => this.next());
    }, EVERY_MS).unref();
  }
}

async function tellOne(tx: Tx, feed: Untold): Promise<number> {
  const to = Math.min(feed.to, feed.from + MOST_ENTRIES);
  if (!(await advance(tx, feed, to))) return 0;
  const wanted = (await typesOf(tx, feed, to)).filter(({ type }) => wants(feed.events, type));
  if (wanted.length > 0)
    await writeDeliveries(
      tx,
      feed,
      wanted.map(({ index }) => ({ id: newUuid(), index: Number(index) })),
    );
  return wanted.length;
}
