import { DatabaseClient, type Database } from '../database/index.js';
import { CHANGE_CHANNEL } from './change.js';
import type { ChangeFeed } from './change-feed.js';

const RECONNECT_MS = 500;

/** Keeps a feed polled: on an interval, and at once when PostgreSQL notifies. Losing the LISTEN connection only costs the wake-up. */
export class FeedFollower {
  private timer: NodeJS.Timeout | undefined;
  private reconnect: NodeJS.Timeout | undefined;
  private listener: DatabaseClient | undefined;
  private stopped = false;

  constructor(
    private readonly feed: ChangeFeed,
    private readonly database: Database,
    private readonly pollMs: number,
  ) {}

  /** Resolves after the first poll. */
  async start(): Promise<void> {
    this.timer = setInterval(() => void this.feed.poll(), this.pollMs);
    await this.listen();
    await this.feed.poll();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    clearTimeout(this.reconnect);
    await this.listener?.end().catch(() => undefined);
  }

  private async listen(): Promise<void> {
    if (this.stopped) return;
    const options = this.database.connectionOptions('caracal_system');
    const client = new DatabaseClient({
      ...options,
      probeMs: options.patienceMs,
      application_name: 'caracal:listen',
    });
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      void client.end().catch(() => undefined);
      this.listenLater();
    };
    client.on('notification', () => void this.feed.poll());
    client.on('error', leave).on('end', leave);
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANGE_CHANNEL}`);
      if (this.stopped) return leave();
      this.listener = client;
    } catch {
      leave();
    }
  }

  private listenLater(): void {
    if (this.stopped || this.reconnect) return;
    this.reconnect = setTimeout(() => {
      this.reconnect = undefined;
      void this.listen();
    }, RECONNECT_MS);
  }
}
